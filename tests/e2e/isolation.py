"""Fresh namespaces for a run with nodes on this machine.

The kernel ends every process and removes every mount, device and nftables rule of the run
when its first process ends, whatever ends that.
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from distributedjob_local.launch import die_with
from tests.chaos.isolation import unshare

INSIDE: Final = "DJOB_E2E_INSIDE"


def inside() -> bool:
    """Whether this process is the first one of fresh namespaces."""
    return os.environ.get(INSIDE) == "1" and os.getpid() == 1


def enter(command: Sequence[str | Path]) -> int:
    """Run a command inside fresh namespaces; its exit code."""
    process = subprocess.Popen(
        [*unshare(), *command],
        env={**os.environ, INSIDE: "1"},
        preexec_fn=partial(die_with, os.getpid(), signal.SIGKILL),
    )
    try:
        return process.wait()
    except BaseException:
        # A terminal's Ctrl-C reached them as well; a signal to this process alone did not.
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        for child in children.read_text(encoding="utf-8").split():
            os.kill(int(child), signal.SIGTERM)
        process.wait()
        raise

"""Fresh namespaces for a run with nodes on this machine, and what must be removed after it.

The kernel ends every process and removes every mount, device and nftables rule of the run
when its first process ends, whatever ends that. Control groups and files are left for us.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from distributedjob_local.errors import LocalError
from distributedjob_local.interrupts import uninterrupted
from distributedjob_local.launch import die_with
from tests.chaos.isolation import KINDS
from tests.e2e import inventory
from tests.e2e.nodes import cgroups
from tests.e2e.nodes.cluster import state_directory

INSIDE: Final = "DJOB_E2E_INSIDE"


def inside() -> bool:
    """Whether this process is the first one of fresh namespaces."""
    return os.environ.get(INSIDE) == "1" and os.getpid() == 1


def enter(arguments: Sequence[str]) -> int:
    """Run ``tests.e2e`` again inside fresh namespaces, and remove what is left; its exit code.

    Raises:
        LocalError: something is left that was not there before.
    """
    clear()
    marks = [state_directory().root]
    before = inventory.take(marks)
    try:
        code = _run(arguments)
    finally:
        with uninterrupted("removing what was set up"):
            clear()
    if left := inventory.take(marks) - before:
        lines = "\n".join(f"  {line}" for line in sorted(left))
        raise LocalError(f"the run left on this machine:\n{lines}")
    return code


def clear() -> None:
    """Remove control groups and files, also those of a run that was killed."""
    cgroups.remove()
    shutil.rmtree(state_directory().root, ignore_errors=True)


def _run(arguments: Sequence[str]) -> int:
    unshare = shutil.which("unshare") or "unshare"
    process = subprocess.Popen(
        [unshare, *KINDS, sys.executable, "-m", "tests.e2e", *arguments],
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

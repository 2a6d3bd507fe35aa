"""Stand in for a kubelet: start a command again whenever it ends by itself.

Run as ``python -m distributedjob_local.supervise WHILE COMMAND...``. It starts the command
again only as long as the file ``WHILE`` exists: before, its end is for the one to judge who
waits for the start, and afterwards it is wanted. It is the process that is recorded, so
whoever ends it ends the command: SIGTERM is passed on, and the kernel does the rest.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

from distributedjob_local.launch import die_with

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
SETTLED_SECONDS: Final = 60.0
"""Who ran for so long is started again at once: its earlier ends are forgotten."""

HEARD: Final = {signal.SIGTERM, signal.SIGCHLD}


def main(marker: str, *command: str) -> int:
    """Run the command until it is no longer wanted; returns its exit code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    pause = FIRST_PAUSE_SECONDS
    while True:
        began = time.monotonic()
        code, asked = _run(command)
        if asked or not Path(marker).exists():
            return code
        ran = time.monotonic() - began
        pause = FIRST_PAUSE_SECONDS if ran > SETTLED_SECONDS else pause
        print(f"ended with {code} after {ran:.0f} s; again in {pause:g} s", flush=True)
        if signal.sigtimedwait({signal.SIGTERM}, pause):
            return code
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _run(command: tuple[str, ...]) -> tuple[int, bool]:
    """Run the command once; returns its exit code, and whether we were asked to end it."""
    own = os.getpid()
    child = os.fork()
    if not child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
        die_with(own, signal.SIGKILL)
        os.execv(command[0], command)  # noqa: S606 - becoming the command is the purpose
    asked = False
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status), asked
        if signal.sigwait(HEARD) == signal.SIGTERM:
            asked = True
            os.kill(child, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

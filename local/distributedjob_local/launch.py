"""Record this process, then become the command it was asked to run.

Run as a script: ``launch.py RECORD FACTS PARENT SIGNAL COMMAND...``. The record is written
by the process it names, before the command begins, so no process of ours is ever
unrecorded, whatever happens to the one that started it. With a ``PARENT`` other than
0 the command gets ``SIGNAL`` when that process ends, even by ``kill -9``.
"""

import json
import os
import sys

PR_SET_PDEATHSIG = 1


def die_with(parent: int, signal: int) -> None:
    """Ask the kernel to signal this process when its parent is gone."""
    import ctypes  # Slow to import, and only attended processes need it.

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal)
    if os.getppid() != parent:  # It ended before the kernel was asked.
        sys.exit(1)


def private(path: str, flags: int) -> int:
    """Open a file that nobody else may read."""
    return os.open(path, flags, 0o600)


def main(record: str, facts: str, parent: str, signal: str, *command: str) -> None:
    """Write the record and replace this process by the command."""
    if int(parent):
        die_with(int(parent), int(signal))
    with open("/proc/self/stat", encoding="utf-8") as stat:
        start_time = int(stat.read().rpartition(")")[2].split()[19])
    with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as boot_id:
        boot = boot_id.read().strip()
    identity = {"pid": os.getpid(), "start_time": start_time, "boot": boot}
    with open(f"{record}.new", "w", encoding="utf-8", opener=private) as file:
        json.dump({**json.loads(facts), **identity}, file)
    os.replace(f"{record}.new", record)
    # Away from the user's directory: nothing there is imported, or kept from unmounting.
    os.chdir(os.path.dirname(os.path.dirname(record)))
    os.execv(command[0], command)  # noqa: S606 - becoming the command is the purpose


if __name__ == "__main__":
    main(*sys.argv[1:])

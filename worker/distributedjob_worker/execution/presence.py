"""Which executor processes of a state directory live: the kernel keeps the list.

An executor reads of its agent's death on its socket and ends its tasks. One that was
stopped with SIGSTOP does not, and would start a task when it goes on: the next agent has
to find it. Its environment may not be read, since it is not dumpable; the holder of a
record lock (``fcntl(2)``) can be asked for, and such a lock dies with its process.
"""

import fcntl
import os
import struct
from pathlib import Path
from typing import Final

_FILE: Final = "executors"
_LOCK: Final = struct.Struct("@hhqqi0q")
"""``struct flock`` of a 64-bit Linux: type, whence, start, length, pid."""

PLACES: Final = 256
"""Executors of one agent, at most."""


def hold(home: Path, place: int) -> None:
    """Take a place in the list, for as long as this process lives.

    No other descriptor of the file may ever be closed in this process: that would
    let go of the lock, too.
    """
    file = os.open(home / _FILE, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)


def holders(home: Path) -> list[int]:
    """The processes, other than this one, that hold a place in ``home``.

    One of another pid namespace, as of a container that is about to end, is 0: it has no
    number here, and 0 as one would mean this process' own group.
    """
    try:
        file = os.open(home / _FILE, os.O_RDWR)
    except OSError:
        return []
    try:
        return sorted(_holders(file, 0, PLACES))
    finally:
        os.close(file)


def _holders(file: int, first: int, end: int) -> list[int]:
    """Who holds places from ``first`` up to ``end``; asked for a range, the kernel names one."""
    if first >= end:
        return []
    asked = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, first, end - first, 0)
    kind, _, place, _, pid = _LOCK.unpack(fcntl.fcntl(file, fcntl.F_GETLK, asked))
    if kind == fcntl.F_UNLCK:
        return []
    return [pid, *_holders(file, first, place), *_holders(file, place + 1, end)]

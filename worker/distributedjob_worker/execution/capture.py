"""What a task wrote: two unlinked files in memory, read once at its end.

No pipe and no pumping: a task is never held up by its reader. A long output loses
its middle while the task still runs.
"""

import os
from typing import Final, NamedTuple

from distributedjob_worker.execution import linux

TAIL_BYTES: Final = 1024
HARD_LIMIT_BYTES: Final = 256 * 1024 * 1024
"""What one stream of one attempt may write, at most: above that it is ended."""

_PAGE: Final = 4096
_SLACK: Final = 1024 * 1024
_KEPT_CONTROLS: Final = frozenset("\n\t")


class Part(NamedTuple):
    """Some of one stream of a running task, where it stands, and how much there is in all."""

    at: int = 0
    content: bytes = b""
    total: int = 0


def create() -> int:
    """A new file for one stream."""
    return os.memfd_create("djob-output")


def size(descriptor: int) -> int:
    """How many bytes were written."""
    return os.lseek(descriptor, 0, os.SEEK_END)


def current_size(descriptor: int) -> int:
    """The size without moving the offset, which a running task shares."""
    return os.fstat(descriptor).st_size


def read(descriptor: int, length: int, limit: int) -> bytes:
    """The whole output, or its head and tail of half the limit each."""
    if length <= limit:
        return os.pread(descriptor, length, 0)
    head = limit // 2
    tail = limit - head
    return os.pread(descriptor, head, 0) + os.pread(descriptor, tail, length - tail)


def bound(descriptor: int, length: int, limit: int) -> None:
    """Free the middle of an output that is well over its limit."""
    start, end = middle(length, limit)
    if end > start:
        linux.punch(descriptor, start, end)


def middle(length: int, limit: int) -> tuple[int, int]:
    """Where the part begins and ends that is freed of an output so long; it may be empty."""
    half = max(limit, 2 * TAIL_BYTES)
    start = -(-half // _PAGE) * _PAGE
    end = (length - half) // _PAGE * _PAGE
    return (start, end) if end - start >= _SLACK else (start, start)


def part(descriptor: int, offset: int, most: int, limit: int) -> Part:
    """What was written behind an offset, up to where something may have been freed."""
    length = current_size(descriptor)
    offset = min(offset, length)
    start, end = middle(length, limit)
    if start <= offset < end:
        offset = end
    upto = min(length, offset + most, start if offset < start < end else length)
    content = os.pread(descriptor, upto - offset, offset) if upto > offset else b""
    return Part(offset, content, length)


def tail(stdout: int, stdout_bytes: int, stderr: int, stderr_bytes: int) -> str:
    """The end of stderr, or of stdout where stderr is empty, as printable text."""
    descriptor, length = (stderr, stderr_bytes) if stderr_bytes else (stdout, stdout_bytes)
    count = min(length, TAIL_BYTES)
    return printable(os.pread(descriptor, count, length - count)) if count else ""


def printable(data: bytes) -> str:
    """Bytes of unknown origin as text without control characters."""
    text = data.decode("utf-8", "replace")
    return "".join(
        character for character in text if character.isprintable() or character in _KEPT_CONTROLS
    ).strip()

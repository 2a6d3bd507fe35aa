"""The records of a job's tasks in index order, in bounded memory whatever their size.

The journal keeps batches in the order in which attempts ended. A first pass over them
notes where the record that counts of each index is stored, and keeps nothing it reads;
then one window of indexes after the other is gathered from those batches.
"""

import asyncio
from array import array
from collections.abc import AsyncGenerator, Iterable, Iterator, Set
from contextlib import aclosing
from typing import Final, NamedTuple, Protocol

from msgspec import structs

from distributedjob_api.constants import MAX_COMPLETIONS
from distributedjob_api.indexes import BitMap
from distributedjob_api.messages import JournalBatch, TaskRecord
from distributedjob_operator.ports import Dropped, Unavailable

WINDOW_BYTES: Final = 4 * 1024 * 1024
"""What is held of a job's output at one time, unless one record alone is more."""

PIECE_BYTES: Final = 64 * 1024
"""What is handed on at one time, at least."""

_RECORD_BYTES: Final = 128
"""What holding a record costs beside its content."""

_ATTEMPT_BITS: Final = 32
_RUN_BITS: Final = 31


class JournalReader(Protocol):
    """The stored batches; both methods may raise :class:`Unavailable`."""

    def read(
        self, uid: str, after: int = 0, wanted: BitMap | None = None
    ) -> AsyncGenerator[tuple[int, JournalBatch], None]:
        """Every batch of a job behind a place of the stream with its own, oldest first.

        With ``wanted``, only those that may hold one of these indexes.
        """

    async def read_one(self, place: int) -> JournalBatch:
        """The batch at a place that :meth:`read` gave; raises :class:`Dropped`."""


class Found(NamedTuple):
    """A record with what its batch says of it."""

    place: int
    run: int
    node: str
    record: TaskRecord


class Contents:
    """Where the record that counts of each index stands, and how much it wrote.

    That is the index's record in the newest run that has one: its success, else its
    latest attempt. A million indexes take 20 MB.

    Args:
        streams: what to keep of what a task wrote: stdout, stderr, both or neither.
        succeeded: the indexes that are known to have: no failure is the record of one.
        chosen: look at these indexes alone.
        silent: find the records of tasks that wrote nothing, too.
    """

    def __init__(
        self,
        streams: Set[str],
        succeeded: BitMap,
        chosen: BitMap | None = None,
        *,
        silent: bool = False,
    ) -> None:
        self._streams = streams
        self._succeeded = succeeded
        self._chosen = chosen
        self._least = 1 if silent else 0
        self._ranks = array("Q")
        self._places = array("Q")
        self._sizes = array("I")
        self.recorded = BitMap()
        """The indexes that have a record, be it an empty one."""

    def note(self, place: int, batch: JournalBatch) -> None:
        """Learn what a stored batch holds."""
        for record in batch.records:
            if not 0 <= record.index < MAX_COMPLETIONS:
                continue
            if self._chosen is not None and record.index not in self._chosen:
                continue
            if record.reason and record.index in self._succeeded:
                continue
            self._reach(record.index)
            self.recorded.add(record.index)
            rank = rank_of(batch.run, record)
            known = self._ranks[record.index]
            # Of equal records the last failure counts, and the first success.
            if rank > known or (rank == known and record.reason):
                self._ranks[record.index] = rank
                self._places[record.index] = place
                self._sizes[record.index] = self._least + self._size(record)

    def windows(self) -> Iterator[list[int]]:
        """The indexes whose records are looked for, ascending, cut where these are much."""
        window: list[int] = []
        weight = 0
        for index, size in enumerate(self._sizes):
            if not size:
                continue
            if window and weight + size + _RECORD_BYTES > WINDOW_BYTES:
                yield window
                window, weight = [], 0
            window.append(index)
            weight += size + _RECORD_BYTES
        if window:
            yield window

    def places(self, window: list[int]) -> list[int]:
        """The batches that hold a window, each of them once, in stored order."""
        return sorted({self._places[index] for index in window})

    def pick(self, place: int, batch: JournalBatch, wanted: Set[int]) -> dict[int, Found]:
        """The records that count of those wanted indexes that have theirs in a batch."""
        picked: dict[int, Found] = {}
        for record in batch.records:
            index = record.index
            if index not in wanted or self._places[index] != place:
                continue
            counts = self._ranks[index] == rank_of(batch.run, record)
            if counts and (record.reason or index not in picked):
                kept = trimmed(record, self._streams)
                picked[index] = Found(place, batch.run, batch.node, kept)
        return picked

    def _size(self, record: TaskRecord) -> int:
        wrote = {"stdout": len(record.stdout), "stderr": len(record.stderr)}
        return sum(wrote[stream] for stream in self._streams)

    def _reach(self, index: int) -> None:
        missing = index + 1 - len(self._ranks)
        if missing > 0:
            for column in (self._ranks, self._places, self._sizes):
                column.frombytes(bytes(column.itemsize * missing))


async def survey(
    journal: JournalReader,
    uid: str,
    streams: Set[str],
    succeeded: BitMap,
    chosen: BitMap | None = None,
    *,
    silent: bool = False,
) -> Contents:
    """The first pass: find out where everything is, and keep none of it."""
    contents = Contents(streams, succeeded, chosen, silent=silent)
    async with aclosing(journal.read(uid, wanted=chosen)) as batches:
        async for place, batch in batches:
            contents.note(place, batch)
            # The leader works on the same loop: it must come to its turn in between.
            await asyncio.sleep(0)
    return contents


async def gather(
    journal: JournalReader, contents: Contents, *, lossy: bool = False
) -> AsyncGenerator[list[Found], None]:
    """The second pass: the records that count in index order, some at a time.

    Args:
        journal: what the first pass read.
        contents: what it found.
        lossy: leave out what the journal dropped in the meantime.

    Raises:
        Dropped: the journal dropped some of it in the meantime.
        Unavailable: it does not answer.
    """
    for window in contents.windows():
        held: dict[int, Found] = {}
        wanted = set(window)
        for place in contents.places(window):
            try:
                held |= contents.pick(place, await journal.read_one(place), wanted)
            except Dropped:
                if not lossy:
                    raise
            await asyncio.sleep(0)
        if held.keys() != wanted and not lossy:
            raise Unavailable("the journal became another while it was read")
        yield [held[index] for index in window if index in held]


async def output(
    journal: JournalReader, contents: Contents, stream: str
) -> AsyncGenerator[bytes, None]:
    """What the tasks wrote to one stream, in index order; raises as :func:`gather`."""
    async with aclosing(gather(journal, contents)) as windows:
        async for some in windows:
            some.reverse()
            for piece in _pieces(content(some.pop().record, stream) for _ in range(len(some))):
                yield piece
                await asyncio.sleep(0)


def _pieces(contents: Iterable[bytes]) -> Iterator[bytes]:
    """Contents in their order, short ones as one: each piece costs a write."""
    part: list[bytes] = []
    size = 0
    for content in contents:
        part.append(content)
        size += len(content)
        if size >= PIECE_BYTES:
            yield b"".join(part)
            part, size = [], 0
    if part:
        yield b"".join(part)


def content(record: TaskRecord, stream: str) -> bytes:
    """What a record holds of one of the two streams."""
    return record.stdout if stream == "stdout" else record.stderr


def trimmed(record: TaskRecord, streams: Set[str]) -> TaskRecord:
    """A record without the output that nobody asked for."""
    dropped = {name: b"" for name in ("stdout", "stderr") if name not in streams}
    return structs.replace(record, **dropped) if dropped else record


def rank_of(run: int, record: TaskRecord) -> int:
    """Higher counts more: a newer run, then a success, then a later attempt; never 0."""
    run = max(0, min(run, (1 << _RUN_BITS) - 1))
    if not record.reason:
        return (run << 1 | 1) << _ATTEMPT_BITS
    attempt = max(0, min(record.attempt, (1 << _ATTEMPT_BITS) - 2))
    return (run << 1) << _ATTEMPT_BITS | (attempt + 1)

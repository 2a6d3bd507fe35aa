"""A job's output from its journal: which record counts, in which order, in how much memory."""

import asyncio
import tracemalloc
from collections.abc import AsyncGenerator

import pytest

from distributedjob_api.indexes import BitMap
from distributedjob_api.messages import JournalBatch, TaskRecord
from distributedjob_operator import results
from distributedjob_operator.ports import Unavailable
from distributedjob_operator.results import output, survey


def a_record(index: int, stdout: bytes, attempt: int = 0, reason: str = "") -> TaskRecord:
    return TaskRecord(index, attempt, 0.0, 0.0, reason, 0, 0, stdout, b"", len(stdout), 0)


def a_batch(*records: TaskRecord, run: int = 0) -> JournalBatch:
    return JournalBatch("uid", run, "n1", list(records))


class Stored:
    """A stream that makes each batch when it is asked for it."""

    def __init__(self, *batches: JournalBatch) -> None:
        self.batches = list(batches)
        self.asked: list[int] = []

    async def read(
        self, uid: str, after: int = 0, wanted: BitMap | None = None
    ) -> AsyncGenerator[tuple[int, JournalBatch], None]:
        for place in range(len(self.batches)):
            yield place + 1, self.batches[place]

    async def read_one(self, place: int) -> JournalBatch:
        self.asked.append(place)
        return self.batches[place - 1]


class Large(Stored):
    """Tasks that ended in no order and wrote 64 KiB each, twelve of them a batch."""

    tasks = 3000

    async def read(
        self, uid: str, after: int = 0, wanted: BitMap | None = None
    ) -> AsyncGenerator[tuple[int, JournalBatch], None]:
        for place in range(self.tasks // 12):
            yield place + 1, self._made(place)

    async def read_one(self, place: int) -> JournalBatch:
        self.asked.append(place)
        return self._made(place - 1)

    def _made(self, place: int) -> JournalBatch:
        # Two neighbouring batches share their indexes, as two workers would.
        first, odd = place // 2 * 24, place % 2
        indexes = range(first + odd, first + 24, 2)
        return a_batch(*(a_record(index, bytes([index % 251]) * 65_536) for index in indexes))


async def printed(journal: Stored) -> bytes:
    contents = await survey(journal, "uid", {"stdout"}, BitMap())
    return b"".join([content async for content in output(journal, contents, "stdout")])


async def test_output_is_put_in_index_order() -> None:
    journal = Stored(a_batch(a_record(2, b"c"), a_record(0, b"a")), a_batch(a_record(1, b"b")))
    assert await printed(journal) == b"abc"


@pytest.mark.parametrize(
    ("records", "counts"),
    [
        ([a_record(0, b"1", 0, "Error"), a_record(0, b"2", 1)], b"2"),
        ([a_record(0, b"1", 1, "Error"), a_record(0, b"2", 0, "Error")], b"1"),
        ([a_record(0, b"1", 1, "Error"), a_record(0, b"2", 0)], b"2"),
        ([a_record(0, b"1"), a_record(0, b"2", 1, "Error")], b"1"),
        ([a_record(0, b"1", 0, "Lost"), a_record(0, b"2", 0, "Error")], b"2"),
        ([a_record(0, b"1"), a_record(0, b"2")], b"1"),
    ],
)
async def test_a_success_counts_before_the_latest_failure(
    records: list[TaskRecord], counts: bytes
) -> None:
    assert await printed(Stored(a_batch(*records))) == counts
    assert await printed(Stored(*(a_batch(record) for record in records))) == counts


async def test_what_a_rerun_left_alone_stands_beside_what_it_ran_again() -> None:
    journal = Stored(
        a_batch(a_record(0, b"old"), a_record(1, b"bad", 0, "Error")),
        a_batch(a_record(1, b"good"), run=1),
        a_batch(a_record(1, b"late", 3)),
    )
    assert await printed(journal) == b"oldgood"


async def test_what_has_no_record_is_known() -> None:
    journal = Stored(a_batch(a_record(0, b"a"), a_record(3, b""), a_record(-1, b"x")))
    contents = await survey(journal, "uid", {"stdout"}, BitMap())
    assert set(contents.recorded) == {0, 3}


async def test_large_output_is_never_held_as_a_whole() -> None:
    journal = Large()
    tracemalloc.start()
    try:
        contents = await survey(journal, "uid", {"stdout"}, BitMap())
        index = 0
        async for content in output(journal, contents, "stdout"):
            assert content == bytes([index % 251]) * 65_536
            index += 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert index == Large.tasks
    assert peak < 4 * results.WINDOW_BYTES
    # Hardly any batch is read once more than it must be.
    assert len(journal.asked) < 2 * Large.tasks / 12


async def test_short_outputs_are_handed_on_together() -> None:
    batch = a_batch(*(a_record(index, b"%05d" % index) for index in range(20_000)))
    journal = Stored(batch)
    contents = await survey(journal, "uid", {"stdout"}, BitMap())
    pieces = [piece async for piece in output(journal, contents, "stdout")]
    assert b"".join(pieces) == b"".join(b"%05d" % index for index in range(20_000))
    assert len(pieces) == 2


async def test_the_loop_turns_while_batches_are_read() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    await printed(Stored(*(a_batch(a_record(index, b"x")) for index in range(50))))
    beside.cancel()
    assert turns >= 100


async def test_a_batch_that_was_dropped_in_between_is_no_silent_gap() -> None:
    class Dropping(Stored):
        async def read_one(self, place: int) -> JournalBatch:
            raise Unavailable("the journal dropped a batch while it was read")

    with pytest.raises(Unavailable, match="dropped"):
        await printed(Dropping(a_batch(a_record(0, b"a"))))

"""One journal for many readers: few read at one time, and nobody is forgotten."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from distributedjob_api.indexes import BitMap
from distributedjob_api.messages import JournalBatch
from distributedjob_operator.ports import Unavailable
from distributedjob_operator.shared_journal import READERS, SharedJournal

BATCHES = 3


class Watched:
    """A journal that notes how many read it at one time, and who goes away early."""

    def __init__(self) -> None:
        self.reading = self.most = self.closed = 0
        self.hold = asyncio.Event()
        self.hold.set()
        self.broken = False

    async def _read(self) -> JournalBatch:
        self.reading += 1
        self.most = max(self.most, self.reading)
        try:
            await asyncio.sleep(0)
            await self.hold.wait()
        finally:
            self.reading -= 1
        if self.broken:
            raise Unavailable("the journal does not answer")
        return JournalBatch("uid", 0, "n1", [])

    async def read(
        self, uid: str, after: int = 0, wanted: BitMap | None = None
    ) -> AsyncGenerator[tuple[int, JournalBatch], None]:
        try:
            for place in range(after + 1, BATCHES + 1):
                yield place, await self._read()
        finally:
            self.closed += 1

    async def read_one(self, place: int) -> JournalBatch:
        return await self._read()


async def places(journal: SharedJournal) -> list[int]:
    return [place async for place, _ in journal.read("uid")]


async def test_all_readers_get_all_and_few_read_at_one_time():
    watched = Watched()
    shared = SharedJournal(watched)
    found = await asyncio.gather(*(places(shared) for _ in range(20)), shared.read_one(1))
    assert found[:-1] == [[1, 2, 3]] * 20
    assert watched.most == READERS


async def test_one_that_takes_nothing_more_holds_up_nobody():
    shared = SharedJournal(Watched())
    slow = [shared.read("uid") for _ in range(READERS + 1)]
    for one in slow:
        await anext(one)
    assert await places(shared) == [1, 2, 3]


async def test_one_that_goes_away_gives_its_turn_back_and_ends_what_it_began():
    watched = Watched()
    shared = SharedJournal(watched)
    watched.hold.clear()
    gone = [asyncio.create_task(places(shared)) for _ in range(READERS + 2)]
    while watched.reading < READERS:
        await asyncio.sleep(0)
    for one in gone:
        one.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    watched.hold.set()
    assert await places(shared) == [1, 2, 3]
    assert watched.closed == READERS + 1


async def test_a_turn_that_fails_is_given_back():
    watched = Watched()
    shared = SharedJournal(watched)
    watched.broken = True
    for _ in range(READERS + 1):
        with pytest.raises(Unavailable):
            await places(shared)
        with pytest.raises(Unavailable):
            await shared.read_one(1)
    watched.broken = False
    assert await places(shared) == [1, 2, 3]

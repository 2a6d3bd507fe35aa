"""The journal for many readers: few read at one time, the others wait for their turn.

A turn is one read, of some batches, and not a whole answer: whoever asks and then takes
nothing holds up nobody. Between two turns the leader, who works on the same loop, has its own.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from distributedjob_api.indexes import BitMap
from distributedjob_api.messages import JournalBatch
from distributedjob_operator.results import JournalReader

READERS: Final = 3


class SharedJournal:
    """A :class:`JournalReader` upon another."""

    def __init__(self, journal: JournalReader) -> None:
        self._journal = journal
        self._turns = asyncio.Semaphore(READERS)

    async def read(
        self, uid: str, after: int = 0, wanted: BitMap | None = None
    ) -> AsyncGenerator[tuple[int, JournalBatch], None]:
        """As the other one."""
        async with aclosing(self._journal.read(uid, after, wanted)) as batches:
            while True:
                async with self._turns:
                    found = await anext(batches, None)
                if found is None:
                    return
                yield found

    async def read_one(self, place: int) -> JournalBatch:
        """As the other one."""
        async with self._turns:
            return await self._journal.read_one(place)

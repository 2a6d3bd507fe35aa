"""The election on a loop of its own, where the leader's work cannot hold it up.

Taking over ten thousand jobs, or a spool of an hour, is seconds of work for the
leader's loop, and minutes on a machine that has other things to do. Were the Lease
renewed by the same loop, it would be lost over that, and the next leader would have
still more to take in. client-go renews in a goroutine of its own for this reason.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from distributedjob_operator.leadership import Leadership, Timing
from distributedjob_operator.ports import Clock, LeaseStore

T = TypeVar("T")


class LeaseThread:
    """A thread with an event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await something there; cancelled here, it is cancelled there."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def stop(self) -> None:
        """End the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()


class LeadershipOnThread(Leadership):
    """:class:`Leadership` whose every request is made on another thread.

    What it knows may be read from any thread: each is one number or one reference.
    """

    def __init__(
        self, thread: LeaseThread, leases: LeaseStore, clock: Clock, identity: str, timing: Timing
    ) -> None:
        super().__init__(leases, clock, identity, timing)
        self._thread = thread

    async def acquire(self) -> int:
        """As :meth:`Leadership.acquire`."""
        return await self._thread.run(super().acquire())

    async def hold(self) -> None:
        """As :meth:`Leadership.hold`."""
        await self._thread.run(super().hold())

    async def raise_epoch(self, seen: int) -> int:
        """As :meth:`Leadership.raise_epoch`."""
        return await self._thread.run(super().raise_epoch(seen))

    async def release(self) -> None:
        """As :meth:`Leadership.release`."""
        await self._thread.run(super().release())

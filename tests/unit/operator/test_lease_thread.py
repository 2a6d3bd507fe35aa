"""The Lease is renewed while the leader works, and no longer than it works."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from distributedjob_operator.app import SystemClock
from distributedjob_operator.core.election import LeaseRecord
from distributedjob_operator.errors import LeaseLost
from distributedjob_operator.leadership import DEAD_SECONDS, Timing
from distributedjob_operator.lease_thread import LeadershipOnThread, LeaseThread
from distributedjob_operator.ports import Unavailable


class Leases:
    """A Lease in memory; counts how often it was renewed."""

    def __init__(self) -> None:
        self.record: LeaseRecord | None = None
        self.renewed = threading.Semaphore(0)

    async def read_lease(self) -> LeaseRecord | None:
        return self.record

    async def create_lease(self, record: LeaseRecord) -> LeaseRecord:
        self.record = replace(record, version="7")
        return self.record

    async def replace_lease(self, record: LeaseRecord, *, acquired: bool) -> LeaseRecord:
        self.record = replace(record, version=str(int(record.version) + 1))
        self.renewed.release()
        return self.record

    async def lease_changed(self, version: str) -> None:
        raise Unavailable("no watch")


@pytest.fixture
async def thread() -> AsyncIterator[LeaseThread]:
    made = LeaseThread()
    yield made
    await made.stop()


def on(thread: LeaseThread, leases: Leases) -> LeadershipOnThread:
    return LeadershipOnThread(thread, leases, SystemClock(), "me", Timing(6.0, 4.0, 0.01))


async def test_a_leader_whose_loop_is_busy_keeps_its_lease(thread: LeaseThread):
    leases = Leases()
    leadership = on(thread, leases)
    assert await leadership.acquire() == 7
    holding = asyncio.create_task(leadership.hold())
    await asyncio.sleep(0)
    # From here on this loop does nothing else.
    assert all(leases.renewed.acquire(timeout=10) for _ in range(5))
    assert leadership.valid
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)
    await leadership.release()
    assert leases.record is not None
    assert leases.record.holder == ""


async def test_a_duration_that_somebody_edited_lasts_until_the_next_renewal(thread: LeaseThread):
    leases = Leases()
    leadership = on(thread, leases)
    await leadership.acquire()
    assert leases.record is not None
    leases.record = replace(leases.record, duration_seconds=1.0, version="8")
    holding = asyncio.create_task(leadership.hold())
    assert await asyncio.to_thread(leases.renewed.acquire, timeout=10)
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)
    assert leases.record.duration_seconds == 6.0


async def test_a_leader_that_stands_still_gives_its_lease_up(thread: LeaseThread):
    leadership = on(thread, Leases())
    await leadership.acquire()
    leadership.still_seconds = lambda: DEAD_SECONDS + 1
    with pytest.raises(LeaseLost, match="stands still"):
        await leadership.hold()

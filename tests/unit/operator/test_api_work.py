"""Requests beside the leader's loop: however one ends, the leader hears of it."""

import asyncio
from typing import Any, cast

import pytest

from distributedjob_api.v1alpha1 import parse
from distributedjob_operator.api_work import ApiWork, Entry, Request
from distributedjob_operator.core.effects import DeleteJob, ReadJob, WriteStatus
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader, Tuning
from distributedjob_operator.core.round import settle
from distributedjob_operator.ports import Conflict, NotFound
from distributedjob_operator.troubles import Troubles
from tests.support.builders import at, job_body


class Broken:
    """An API client with a fault of its own, at once or behind a conflict."""

    def __init__(self, *, conflict: bool) -> None:
        self._conflict = conflict

    async def write_status(self, *_: object) -> str:
        raise Conflict if self._conflict else TypeError("a fault of ours")

    async def read_job(self, *_: object) -> dict[str, Any]:
        raise TypeError("a fault of ours")

    async def delete_job(self, *_: object) -> None:
        raise TypeError("a fault of ours")


async def performed(api: Broken, request: Request, *, leading: bool = True) -> list[Entry]:
    """What the leader is told of a request."""
    told: list[Entry] = []
    heard = asyncio.Event()

    def put(entry: Entry) -> None:
        told.append(entry)
        heard.set()

    work = ApiWork(cast("Any", type("Api", (), {"jobs": api})()), put, lambda: leading, Troubles())
    work.begin(request)
    async with asyncio.timeout(5):
        await heard.wait()
    return told


@pytest.mark.parametrize("conflict", [False, True])
async def test_a_write_that_fails_for_no_known_reason_is_due_again(
    conflict: bool, caplog: pytest.LogCaptureFixture
) -> None:
    leader, job = a_leader()
    settle(leader, at(0.0))
    (write,) = [one for one in leader.take_effects() if isinstance(one, WriteStatus)]
    assert job.writing
    for entry in await performed(Broken(conflict=conflict), write):
        entry(leader, at(0.1))
    assert not job.writing
    assert job.dirty
    assert "a fault of ours" in caplog.text


async def test_a_write_that_waits_for_the_lease_to_be_renewed_is_due_again() -> None:
    leader, job = a_leader()
    settle(leader, at(0.0))
    (write,) = [one for one in leader.take_effects() if isinstance(one, WriteStatus)]
    for entry in await performed(Broken(conflict=False), write, leading=False):
        entry(leader, at(0.1))
    assert not job.writing
    assert job.dirty


async def test_a_deletion_that_fails_for_no_known_reason_is_due_again() -> None:
    leader, job = a_leader()
    job.deleting = True
    request = DeleteJob(job.uid, job.namespace, job.name)
    for entry in await performed(Broken(conflict=False), request):
        entry(leader, at(0.1))
    assert not job.deleting


class Slow:
    """An API client that answers nobody before it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer = asyncio.Event()

    async def _wait(self, *_: object) -> None:
        self.asked += 1
        await self.answer.wait()
        raise NotFound

    delete_job = read_job = _wait


@pytest.mark.parametrize("kind", [DeleteJob, ReadJob])
async def test_a_thousand_requests_at_once_leave_the_api_server_room_for_others(
    kind: type[DeleteJob | ReadJob],
) -> None:
    slow, told, over = Slow(), [], asyncio.Event()

    def put(entry: Entry) -> None:
        told.append(entry)
        if len(told) == 1000:
            over.set()

    work = ApiWork(cast("Any", type("Api", (), {"jobs": slow})()), put, lambda: True, Troubles())
    for number in range(1000):
        work.begin(kind(f"uid-{number}", "default", f"job-{number}"))
    for _ in range(3):
        await asyncio.sleep(0)
    assert 0 < slow.asked <= 8
    slow.answer.set()
    async with asyncio.timeout(20):
        await over.wait()


def a_leader() -> tuple[Leader, Job]:
    """A leader with one new job."""
    leader = Leader(epoch=5, identity="me", installation="ns/name", tuning=Tuning())
    leader.take_over([parse(job_body())], [], at(0.0), set())
    (job,) = leader.jobs.values()
    return leader, job

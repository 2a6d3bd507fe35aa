"""What a running task wrote is asked of the worker that runs it, and of nobody else."""

import asyncio

import pytest

from distributedjob_api.messages import LeaderMessage, OutputReply, OutputRequest
from distributedjob_operator import live as live_module
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.live import LiveOutput
from distributedjob_operator.ports import Unavailable
from tests.support.fleet import World
from tests.support.worlds import UID, a_world, started

NOTHING = (0, 0)


class Workers:
    """Whoever is asked answers as told."""

    def __init__(self) -> None:
        self.asked: list[tuple[WorkerKey, OutputRequest]] = []
        self.live = LiveOutput(self.send)
        self.answers = True

    async def send(self, key: WorkerKey, message: LeaderMessage) -> None:
        assert isinstance(message, OutputRequest)
        self.asked.append((key, message))
        other = OutputReply("inc", message.request, 0, 1, 0, b"forged")
        self.live.heard(("default", "another"), other)
        self.live.heard(key, OutputReply("inc", message.request + 1, 0, 1, 0, b"late"))
        if self.answers:
            attempt = 1 if message.index < 2 else 0
            self.live.heard(key, OutputReply("inc", message.request, 0, attempt, 0, b"out", 3))


@pytest.fixture
def world() -> World:
    """A job of four tasks of which two run, one on each node."""
    made = a_world(1, 1, completions=4)
    started(made)
    return made


async def test_the_worker_that_runs_a_task_is_asked(world: World):
    workers, leader = Workers(), world.leader
    found = await workers.live.ask(leader, leader.jobs[UID], 1, (7, 8))
    assert found is not None
    node, reply = found
    assert (node, reply.stdout) == ("n2", b"out")
    ((key, request),) = workers.asked
    assert key == ("default", "n2")
    assert (request.epoch, request.session) == (leader.epoch, leader.fleet.workers[key].session)
    assert (request.uid, request.index, request.stdout_from, request.stderr_from) == (UID, 1, 7, 8)


async def test_of_a_task_that_does_not_run_nobody_is_asked(world: World):
    workers = Workers()
    assert await workers.live.ask(world.leader, world.leader.jobs[UID], 3, NOTHING) is None
    assert not workers.asked


async def test_a_worker_that_does_not_answer_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(live_module, "ANSWER_SECONDS", 0.01)
    workers = Workers()
    workers.answers = False
    asking = workers.live.ask(world.leader, world.leader.jobs[UID], 0, NOTHING)
    with pytest.raises(Unavailable, match="n1 does not answer"):
        await asking


async def test_many_who_ask_wait_for_their_turn(world: World):
    workers, job = Workers(), world.leader.jobs[UID]
    workers.answers = False
    asking = [
        asyncio.create_task(workers.live.ask(world.leader, job, 0, NOTHING)) for _ in range(20)
    ]
    while len(workers.asked) < live_module.ASKED:
        await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(workers.asked) == live_module.ASKED
    workers.answers = True
    for key, request in list(workers.asked):
        workers.live.heard(key, OutputReply("inc", request.request, 0, 1, 0, b"x", 1))
    assert all(await asyncio.gather(*asking))

"""An object upon which our own code fails is set aside; the others go on."""

from datetime import UTC, datetime
from typing import Any

import pytest

from distributedjob_operator.core import explain, lifecycle
from distributedjob_operator.core.effects import ReadJob
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.round import seconds_to_next, settle
from tests.support.builders import a_job, at
from tests.support.worlds import UID, a_world, last


@pytest.mark.parametrize(("module", "name"), [(lifecycle, "judge"), (explain, "why_waiting")])
def test_a_job_that_cannot_be_handled_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str
):
    world = a_world(1)
    handle = getattr(module, name)

    def failing(leader: Leader, job: Job, now: Any) -> Any:
        if job.name == "poison":
            raise OverflowError("date value out of range")
        return handle(leader, job, now)

    monkeypatch.setattr(module, name, failing)
    world.leader.job_seen(a_job("poison"), at(0))
    world.run(UID)
    assert last(world)["phase"] == "Complete"
    assert "date value out of range" in world.leader.set_aside.get(
        "uid-poison", world.leader.poisoned["uid-poison"][1]
    )
    reads = [one for one in world.others if isinstance(one, ReadJob)]
    assert {one.name for one in reads} == {"poison"}
    # Read again it stays aside, and with another spec it is tried once more.
    world.leader.job_seen(a_job("poison"), at(world.now))
    assert "uid-poison" in world.leader.set_aside
    assert "uid-poison" not in world.leader.jobs


def test_an_end_of_the_time_to_live_beyond_all_time_is_no_end():
    world = a_world(1, ttlSecondsAfterFinished=60)
    world.run(UID)
    job = world.leader.jobs[UID]
    job.completion_time = datetime(9999, 12, 31, tzinfo=UTC)
    world.leader.awake[UID] = job
    settle(world.leader, at(world.now))
    assert seconds_to_next(world.leader, at(world.now)) >= 0


def test_finished_jobs_cost_nothing_until_their_time_to_live_is_over():
    world = a_world(1, ttlSecondsAfterFinished=60)
    world.run(UID)
    world.now += 1
    world.deliver()
    world.deliver()
    assert UID not in world.leader.awake
    assert seconds_to_next(world.leader, at(world.now + 58.9)) < 1
    world.others.clear()
    world.now += 61
    world.deliver()
    assert [type(one).__name__ for one in world.others] == ["DeleteJob"]

"""``suspend``: what runs is ended or drained, nothing new starts, nothing is charged."""

import pytest

from tests.support.fleet import World
from tests.support.worlds import (
    N1,
    UID,
    a_world,
    edit,
    heard,
    holding,
    last,
    ran,
    reason,
    replaced,
    started,
)


def at_workers(world: World) -> set[int]:
    jobs = [job for worker in world.workers.values() for job in worker.jobs.values()]
    return {index for job in jobs for index in (*job.queued, *job.running)}


def test_now_ends_what_runs_and_charges_nothing():
    world = a_world(2)
    started(world)
    edit(world, suspend=True)
    heard(world)
    status = last(world)
    assert not at_workers(world)
    assert (status["phase"], status["pending"], status["running"]) == ("Suspended", 10, 0)
    assert (status["failures"], status["retries"], status["interruptions"]) == (0, 0, 0)
    assert {"Suspended", "Reconciling"} <= holding(status)
    assert reason(status) == "JobSuspended"


def test_what_was_ended_runs_again_after_the_resumption():
    world = a_world(2)
    started(world)
    edit(world, suspend=True)
    heard(world)
    edit(world, suspend=False)
    world.run(UID)
    assert (last(world)["phase"], last(world)["succeeded"]) == ("Complete", 10)
    assert [ran(world)[index] for index in range(4)] == [2, 2, 1, 1]
    assert reason(last(world), "Suspended") == "JobResumed"


def test_drain_lets_running_tasks_finish_and_takes_back_what_waits():
    world = a_world(1, completions=1000)
    world.tick()
    started(world)
    assert len(at_workers(world)) > 10
    edit(world, suspend=True, suspendMode="Drain")
    heard(world)
    assert len(at_workers(world)) == 1
    assert (last(world)["phase"], last(world)["running"]) == ("Running", 1)
    world.tick()
    assert (last(world)["phase"], last(world)["succeeded"]) == ("Suspended", 2)
    assert max(ran(world).values()) == 1


def test_drain_turned_into_now_ends_what_still_runs():
    world = a_world(2)
    started(world)
    edit(world, suspend=True, suspendMode="Drain")
    heard(world)
    edit(world, suspendMode="Now")
    heard(world)
    assert not at_workers(world)
    assert last(world)["phase"] == "Suspended"


def test_a_task_with_a_long_grace_is_told_to_end_once():
    world = a_world(1)
    world.workers[N1].graceful = True
    started(world)
    edit(world, suspend=True)
    for _ in range(5):
        heard(world)
    assert len(world.workers[N1].cancels) == 1
    assert last(world)["phase"] == "Running"
    world.workers[N1].stop()
    heard(world)
    assert last(world)["phase"] == "Suspended"


def test_each_suspension_ends_the_same_task_anew():
    world = a_world(1, completions=1)
    for rounds in range(1, 4):
        started(world)
        edit(world, suspend=True)
        heard(world)
        assert (len(world.workers[N1].cancels), last(world)["phase"]) == (rounds, "Suspended")
        edit(world, suspend=False)
        heard(world)
    world.run(UID)
    assert last(world)["phase"] == "Complete"


def test_a_task_whose_grace_outlives_the_suspension_runs_again():
    world = a_world(1, completions=1)
    worker = world.workers[N1]
    worker.graceful = True
    started(world)
    edit(world, suspend=True)
    heard(world)
    edit(world, suspend=False)
    heard(world)
    edit(world, suspend=True)
    heard(world)
    edit(world, suspend=False)
    worker.stop()
    heard(world)
    world.run(UID)
    assert (last(world)["phase"], ran(world)[0], len(worker.cancels)) == ("Complete", 2, 1)


def test_a_job_suspended_at_its_creation_starts_nothing():
    world = a_world(2, suspend=True)
    heard(world)
    status = last(world)
    assert not at_workers(world)
    assert (status["phase"], "startTime" in status) == ("Suspended", False)
    edit(world, suspend=False)
    world.run(UID)
    assert last(world)["phase"] == "Complete"


@pytest.mark.parametrize("mode", ["Now", "Drain"])
def test_a_suspended_job_can_be_cancelled(mode: str):
    world = a_world(2, suspend=True, suspendMode=mode)
    heard(world)
    edit(world, cancel=True)
    status = last(world)
    assert (status["phase"], status["cancelled"]) == ("Cancelled", 10)
    assert holding(status) == {"Cancelled", "Finished", "Stalled", "Suspended"}


def test_a_job_whose_last_tasks_finish_while_it_drains_is_complete():
    world = a_world(2, completions=2)
    started(world)
    edit(world, suspend=True, suspendMode="Drain")
    world.tick()
    assert (last(world)["phase"], "Suspended" in holding(last(world))) == ("Complete", False)


def test_results_that_race_with_the_suspension_are_counted():
    world = a_world(2)
    started(world)
    world.workers[N1].finish()
    edit(world, suspend=True)
    heard(world)
    assert (last(world)["phase"], last(world)["succeeded"]) == ("Suspended", 2)


def test_a_new_leader_ends_what_runs_of_a_job_that_was_suspended_meanwhile():
    world = a_world(2)
    started(world)
    world.spec["suspend"] = True
    job = replaced(world)
    for _ in range(3):
        heard(world)
    assert not at_workers(world)
    assert job.phase == "Suspended"


def test_a_worker_that_returns_with_tasks_of_a_suspended_job_ends_them():
    world = a_world(1)
    started(world)
    world.now = 30.0
    world.deliver()
    edit(world, suspend=True)
    for _ in range(3):
        heard(world)
    assert not at_workers(world)
    assert last(world)["phase"] == "Suspended"


def test_a_task_found_at_a_worker_gives_a_suspended_job_its_start():
    world = a_world(2)
    started(world)
    world.statuses[UID] = [{}]
    world.spec["suspend"] = True
    replaced(world)
    for _ in range(3):
        heard(world)
    assert (last(world)["phase"], "startTime" in last(world)) == ("Suspended", True)


def test_a_suspended_job_is_written_no_more_than_anything_changes():
    world = a_world(2, suspend=True)
    heard(world)
    count = len(world.statuses[UID])
    for _ in range(20):
        heard(world, 1.0)
    assert len(world.statuses[UID]) == count

"""A lead of weeks: what is over leaves nothing behind, and what comes back is heard."""

from dataclasses import fields

from distributedjob_api.indexes import BitMap
from distributedjob_operator.core.fleet import Worker
from tests.support.builders import a_job, at
from tests.support.fleet import World
from tests.support.worlds import N1, UID, a_world, edit, heard, last, started

JOBS = 30


def remembered(worker: Worker) -> int:
    """Entries of everything that is kept by job."""
    kept = (getattr(worker, one.name) for one in fields(worker))
    return sum(len(one) for one in kept if isinstance(one, dict | set))


def idle_world() -> World:
    world = a_world(2, completions=1)
    world.run(UID)
    heard(world)
    return world


def test_jobs_that_are_deleted_while_they_run_are_forgotten():
    world = idle_world()
    worker = world.workers[N1]
    worker.graceful = True
    before = remembered(world.leader.fleet.workers[N1])
    for number in range(JOBS):
        world.leader.job_seen(a_job(f"job-{number}", completions=4), at(world.now))
        world.deliver()
        started(world)
        world.leader.job_gone(f"uid-job-{number}")
        world.deliver()
        # It is ended for a while yet, and still reported.
        heard(world)
        worker.stop()
        heard(world)
        heard(world)
    assert len(worker.ran) == 1 + 2 * JOBS
    assert remembered(world.leader.fleet.workers[N1]) <= before + 1


def test_jobs_that_ended_are_forgotten_by_those_who_ran_them():
    world = idle_world()
    before = remembered(world.leader.fleet.workers[N1])
    for number in range(JOBS):
        world.leader.job_seen(a_job(f"job-{number}", completions=4), at(world.now))
        world.run(f"uid-job-{number}")
        heard(world)
    assert remembered(world.leader.fleet.workers[N1]) <= before + 1


def test_jobs_that_were_ended_early_and_then_deleted_are_forgotten():
    world = idle_world()
    policy = {"rules": [{"succeededCount": 1}]}
    before = remembered(world.leader.fleet.workers[N1])
    for number in range(JOBS):
        job = a_job(f"job-{number}", completions=4, successPolicy=policy)
        world.leader.job_seen(job, at(world.now))
        world.deliver()
        started(world)
        held = world.workers[N1].jobs[f"uid-job-{number}"]
        held.running.discard(0)
        held.record(BitMap([0]), [], BitMap())
        for _ in range(4):
            heard(world)
        assert world.leader.jobs[f"uid-job-{number}"].finished
        world.leader.job_gone(f"uid-job-{number}")
        heard(world)
    assert remembered(world.leader.fleet.workers[N1]) <= before + 1


def test_a_job_runs_again_on_a_worker_that_has_forgotten_how_it_numbered_its_results():
    world = a_world(1, completions=2)
    world.run(UID, lambda index, ended: "NotFound")
    for _ in range(3):
        heard(world)
    worker = world.workers[N1]
    assert not worker.jobs
    # After some thousand other jobs it begins anew.
    worker.numbered.clear()
    edit(world, rerun={"token": "again"})
    heard(world)
    before = len(worker.ran)
    world.run(UID)
    assert last(world)["phase"] == "Complete"
    assert len(worker.ran) - before == 2

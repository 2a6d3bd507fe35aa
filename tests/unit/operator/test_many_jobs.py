"""Ten thousand jobs at once: each round looks at those whose turn may have come."""

from distributedjob_operator.core import planner
from distributedjob_operator.core.leader import Leader
from tests.support.builders import a_job, a_node, at
from tests.support.fleet import FakeWorker, World


def a_crowd(jobs: int, **first: object) -> World:
    """One slot and many jobs of one task; the first ones with further fields."""
    node = a_node("n1", 1)
    world = World(Leader(5, "me", "ns/name"), FakeWorker("n1"))
    world.leader.take_over([], [node], at(0))
    world.deliver()
    world.report_all()
    for number in range(jobs):
        spec = first if number < jobs // 2 else {}
        world.leader.job_seen(a_job(f"j{number:04}", completions=1, **spec), at(0))
    return world


def test_every_one_of_many_has_its_turn(monkeypatch):
    monkeypatch.setattr(planner, "FEWEST_LOOKED_AT", 3)
    world = a_crowd(60)
    for _ in range(400):
        world.tick()
    assert all(job.finished for job in world.leader.jobs.values())


def test_jobs_without_a_place_keep_no_other_from_one(monkeypatch):
    monkeypatch.setattr(planner, "FEWEST_LOOKED_AT", 3)
    world = a_crowd(60, nodeSelector={"example.com/disk": "ssd"})
    for _ in range(400):
        world.tick()
    finished = [job.name for job in world.leader.jobs.values() if job.finished]
    assert sorted(finished) == [f"j{number:04}" for number in range(30, 60)]


def test_the_highest_priority_is_looked_at_first(monkeypatch):
    monkeypatch.setattr(planner, "FEWEST_LOOKED_AT", 0)
    world = a_crowd(60)
    world.leader.job_seen(a_job("urgent", completions=1, priority=5), at(0))
    world.deliver()
    world.deliver()
    held = {job.name for job in world.leader.jobs.values() if job.ledger.busy}
    assert held == {"urgent"}

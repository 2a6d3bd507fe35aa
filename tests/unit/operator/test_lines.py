"""Many jobs at few slots: each gets its turn at a worker, whoever stood there before."""

from dataclasses import dataclass, field

import pytest

from distributedjob_operator.core.leader import Leader
from tests.support import fleet
from tests.support.builders import a_job, a_node, at
from tests.support.fleet import FakeWorker, World
from tests.support.worlds import N1, heard

LONG = 100_000
"""Tasks, so many that no job ends within a test."""


@pytest.fixture(autouse=True)
def _tasks_of_a_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "TASK_SECONDS", 0.05)


@dataclass
class TakesTurns(FakeWorker):
    """A worker of one slot that goes round the jobs that it has tasks of, as the real one does."""

    started: list[str] = field(default_factory=list)

    def start(self) -> None:
        waiting = [job for job in self.jobs.values() if job.queued]
        if not waiting:
            return
        last = {uid: number for number, uid in enumerate(self.started)}
        job = min(waiting, key=lambda job: last.get(job.define.uid, -1))
        self.started = [*(uid for uid in self.started if uid != job.define.uid), job.define.uid]
        index = job.queued.min()
        job.queued.discard(index)
        job.running.add(index)
        self.ran.append((job.define.uid, index))


def one_slot(jobs: int, completions: int) -> World:
    """So many jobs alike."""
    world = World(Leader(5, "me", "ns/name"), TakesTurns("n1"))
    world.leader.take_over([], [a_node("n1", 1)], at(0))
    world.deliver()
    world.report_all()
    for number in range(jobs):
        world.leader.job_seen(a_job(f"j{number:04}", completions=completions), at(world.now))
    return world


def ended(world: World) -> list[int]:
    """Of each job, how many tasks succeeded."""
    return [len(job.ledger.recorded.succeeded) for job in world.leader.jobs.values()]


def holders(world: World) -> list[str]:
    return [job.name for job in world.leader.jobs.values() if job.ledger.busy]


@pytest.mark.parametrize("jobs", [14, 25])
def test_where_more_jobs_share_a_slot_than_may_stand_in_line_all_get_on(jobs: int):
    world = one_slot(jobs, LONG)
    for _ in range(60 * jobs):
        world.tick()
    fair = sum(ended(world)) / jobs
    assert min(ended(world)) > fair / 2
    assert sum(ended(world)) > 50 * jobs


def test_a_namespace_that_comes_late_gets_its_part_of_a_slot_that_many_share():
    world = one_slot(12, LONG)
    for _ in range(100):
        world.tick()
    late = a_job("late", namespace="other", completions=50)
    world.leader.job_seen(late, at(world.now))
    for _ in range(600):
        world.tick()
    assert world.leader.jobs["uid-late"].finished


def test_behind_lower_priorities_nobody_stands_in_line():
    world = one_slot(40, 1)
    world.deliver()
    world.workers[N1].start()
    for _ in range(60):
        heard(world, 0.5)
    for name in ("high-x", "high-y"):
        world.leader.job_seen(a_job(name, priority=9, completions=1), at(world.now))
    for _ in range(60):
        heard(world, 0.5)
    assert {"high-x", "high-y"} <= {*holders(world)}


def test_jobs_for_which_all_nodes_are_full_keep_none_from_a_node_that_is_idle():
    fast = {"example.com/disk": "ssd"}
    world = World(Leader(5, "me", "ns/name"), FakeWorker("n1"), FakeWorker("n2"))
    world.leader.take_over([], [a_node("n1", 1, labels=fast), a_node("n2", 1)], at(0))
    world.deliver()
    world.report_all()
    for number in range(200):
        job = a_job(f"j{number:04}", completions=1, nodeSelector=fast)
        world.leader.job_seen(job, at(0))
    world.deliver()
    world.workers[N1].start()
    for _ in range(4):
        heard(world)
    world.leader.job_seen(a_job("plain", completions=1), at(world.now))
    heard(world)
    assert "plain" in holders(world)

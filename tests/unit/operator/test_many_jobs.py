"""Thousands of jobs for a few slots: each has its turn, and those that wait cost nothing."""

from typing import Any

import pytest

from distributedjob_api.v1alpha1 import parse
from distributedjob_operator.core import explain, turns
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.line import MOST_IN_LINE
from distributedjob_operator.core.round import seconds_to_next
from tests.support.builders import a_job, a_node, at, job_body
from tests.support.fleet import FakeWorker, World
from tests.support.worlds import N1, heard, reason

FEW = 3


@pytest.fixture(autouse=True)
def _few_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "FEWEST_LOOKED_AT", FEW)
    monkeypatch.setattr(turns, "SMALLEST_SLOT_MILLIS", 1000)


def a_cluster() -> World:
    """One slot."""
    world = World(Leader(5, "me", "ns/name"), FakeWorker("n1"))
    world.leader.take_over([], [a_node("n1", 1)], at(0))
    world.deliver()
    world.report_all()
    return world


def a_crowd(jobs: int, **first: Any) -> World:
    """One slot and many jobs of one task; the first half of them with further fields."""
    world = a_cluster()
    for number in range(jobs):
        spec = first if number < jobs // 2 else {}
        world.leader.job_seen(a_job(f"j{number:04}", completions=1, **spec), at(0))
    return world


def a_held_crowd(jobs: int, **first: Any) -> World:
    """The same behind a job whose task does not end."""
    world = a_cluster()
    world.leader.job_seen(a_job("long", completions=1), at(0))
    world.deliver()
    world.workers[N1].start()
    for number in range(jobs):
        spec = first if number < jobs // 2 else {}
        world.leader.job_seen(a_job(f"j{number:04}", completions=1, **spec), at(0))
    for _ in range(4):
        heard(world)
    return world


def change(world: World, name: str, **spec: Any) -> None:
    """A user changes fields of one of the jobs."""
    world.version += 1
    body = job_body(name, version=world.version, **{"completions": 1, **spec})
    body["metadata"]["generation"] = 2
    world.leader.job_seen(parse(body), at(world.now))


def order(world: World) -> list[str]:
    """The jobs whose tasks ran, one after the other."""
    return [uid.removeprefix("uid-") for uid, _ in world.workers[N1].ran]


def finished(world: World) -> list[str]:
    return sorted(job.name for job in world.leader.jobs.values() if job.finished)


def reasons(world: World) -> set[str]:
    """Why the jobs of the crowd wait, by their newest status."""
    return {reason(statuses[-1]) for uid, statuses in world.statuses.items() if uid != "uid-long"}


def end_the_long_one(world: World) -> None:
    world.workers[N1].finish()
    for _ in range(400):
        world.tick()


# -- whose turn it is --------------------------------------------------------------


def test_every_one_of_many_has_its_turn_the_oldest_first():
    world = a_crowd(60)
    for _ in range(200):
        world.tick()
    assert order(world) == [f"j{number:04}" for number in range(60)]
    assert len(finished(world)) == 60


def test_jobs_without_a_place_keep_no_other_from_one():
    world = a_crowd(60, nodeSelector={"example.com/disk": "ssd"})
    for _ in range(200):
        world.tick()
    assert finished(world) == [f"j{number:04}" for number in range(30, 60)]


def test_jobs_without_a_place_have_their_turn_once_there_is_one():
    world = a_held_crowd(60, nodeSelector={"example.com/disk": "ssd"})
    node = a_node("n1", 1, labels={"example.com/disk": "ssd"})
    world.leader.node_seen(node, at(world.now))
    for _ in range(3):
        heard(world, 1.0)
    end_the_long_one(world)
    assert order(world)[:31] == ["long", *(f"j{number:04}" for number in range(30))]


def test_jobs_whose_place_vanishes_make_way_before_they_are_written():
    world = a_held_crowd(0)
    labels = {"example.com/disk": "ssd"}
    world.leader.node_seen(a_node("n1", 1, labels=labels), at(world.now))
    for number in range(100):
        spec = {"nodeSelector": labels} if number < 90 else {}
        world.leader.job_seen(a_job(f"j{number:04}", completions=1, **spec), at(world.now))
    heard(world)
    world.leader.node_seen(a_node("n1", 1), at(world.now))
    heard(world, 0.6)
    world.workers[N1].finish()
    for _ in range(3):
        world.tick()
    assert order(world) == ["long", "j0090", "j0091"]


def test_a_higher_priority_goes_before_all_that_wait():
    world = a_held_crowd(60)
    world.leader.job_seen(a_job("urgent", completions=1, priority=5), at(world.now))
    heard(world)
    change(world, "j0059", priority=9)
    heard(world)
    end_the_long_one(world)
    assert order(world)[:4] == ["long", "j0059", "urgent", "j0000"]


def test_namespaces_take_turns_though_one_has_many_more_jobs():
    world = a_crowd(60)
    for number in range(3):
        late = a_job(f"late{number}", namespace="other", completions=1)
        world.leader.job_seen(late, at(0))
    for _ in range(30):
        world.tick()
    served = [name.startswith("late") for name in order(world)[:6]]
    assert served in ([True, False] * 3, [False, True] * 3)


def test_only_so_many_are_handed_out_ahead_however_long_all_wait():
    world = a_held_crowd(60)
    for _ in range(60):
        heard(world, 1.0)
    held = [job for job in world.leader.jobs.values() if job.ledger.busy]
    assert len(held) <= 1 + 1 + MOST_IN_LINE


# -- what waits costs nothing, and is up to date -----------------------------------


def test_jobs_that_wait_are_not_looked_at():
    world = a_held_crowd(60)
    for _ in range(8):
        heard(world)
    heard(world, 0.0)
    assert list(world.leader.awake) == ["uid-long"]


def test_all_that_wait_learn_why_when_that_changes():
    world = a_held_crowd(60)
    heard(world, 5.0)
    assert reasons(world) == {"NoFreeCPU"}
    world.leader.node_seen(a_node("n1", 1, cordoned=True), at(world.now))
    for _ in range(8):
        heard(world, 1.0)
    assert reasons(world) == {"NoUsableWorker"}
    assert all(
        job.waiting == "NoUsableWorker" for job in world.leader.jobs.values() if job.ledger.quiet
    )
    world.leader.node_seen(a_node("n1", 1), at(world.now))
    for _ in range(8):
        heard(world, 1.0)
    assert reasons(world) == {"NoFreeCPU"}


def test_one_that_is_given_a_slot_does_not_speak_for_those_that_wait_on():
    world = a_held_crowd(20)
    for _ in range(5):
        heard(world, 1.0)
    written = {uid: len(statuses) for uid, statuses in world.statuses.items()}
    world.workers[N1].finish()
    for _ in range(4):
        heard(world, 0.6)
    waiting = [
        job.uid for job in world.leader.jobs.values() if job.ledger.quiet and not job.finished
    ]
    assert len(waiting) == 19
    assert {uid: len(world.statuses[uid]) for uid in waiting} == {
        uid: written[uid] for uid in waiting
    }


def test_one_that_came_while_it_was_otherwise_learns_that_it_is_as_before():
    world = a_held_crowd(60)
    world.leader.node_seen(a_node("n1", 1, cordoned=True), at(world.now))
    world.leader.job_seen(a_job("late", completions=1), at(world.now))
    heard(world)
    assert world.leader.jobs["uid-late"].waiting == "NoUsableWorker"
    world.leader.node_seen(a_node("n1", 1), at(world.now))
    for _ in range(2):
        heard(world, 0.4)
    assert "uid-late" not in world.statuses
    assert world.leader.jobs["uid-late"].waiting == "NoFreeCPU"


def test_jobs_of_one_kind_learn_of_what_concerns_them_alone():
    world = a_held_crowd(40, nodeSelector={"example.com/disk": "ssd"})
    heard(world, 3.0)
    assert reasons(world) == {"NoMatchingNode", "NoFreeCPU"}
    node = a_node("n1", 1, labels={"example.com/disk": "ssd"})
    world.leader.node_seen(node, at(world.now))
    for _ in range(5):
        heard(world, 1.0)
    assert reasons(world) == {"NoFreeCPU"}


def test_one_that_cannot_be_explained_while_it_rests_keeps_the_reason_from_no_other(
    monkeypatch: pytest.MonkeyPatch,
):
    world = a_held_crowd(20)
    heard(world, 5.0)
    why_waiting = explain.why_waiting

    def failing(leader: Leader, job: Job, now: Instant) -> Any:
        if job.name == "j0000":
            raise OverflowError("date value out of range")
        return why_waiting(leader, job, now)

    monkeypatch.setattr(explain, "why_waiting", failing)
    world.leader.node_seen(a_node("n1", 1, cordoned=True), at(world.now))
    for _ in range(8):
        heard(world, 1.0)
    told = {
        uid for uid, statuses in world.statuses.items() if reason(statuses[-1]) == "NoUsableWorker"
    }
    assert told == {f"uid-j{number:04}" for number in range(1, 20)}
    assert list(world.leader.poisoned) == ["uid-j0000"]


# -- what happens to one deep in the queue -----------------------------------------


def test_a_queued_job_that_is_cancelled_ends_at_once_and_never_runs():
    world = a_held_crowd(60)
    change(world, "j0040", cancel=True)
    heard(world)
    assert world.statuses["uid-j0040"][-1]["phase"] == "Cancelled"
    end_the_long_one(world)
    assert "j0040" not in order(world)
    assert len(order(world)) == 60


def test_a_queued_job_that_is_suspended_is_passed_by_until_it_is_resumed():
    world = a_held_crowd(60)
    change(world, "j0002", suspend=True)
    heard(world)
    status = world.statuses["uid-j0002"][-1]
    assert (status["phase"], reason(status)) == ("Suspended", "JobSuspended")
    end_the_long_one(world)
    assert "j0002" not in order(world)
    world.version += 1
    body = job_body("j0002", version=world.version, completions=1)
    body["metadata"]["generation"] = 3
    world.leader.job_seen(parse(body), at(world.now))
    world.run("uid-j0002")
    assert order(world)[-1] == "j0002"


def test_a_queued_job_that_is_deleted_leaves_its_place_to_the_next():
    world = a_held_crowd(60)
    for number in range(10):
        world.leader.job_gone(f"uid-j{number:04}")
    end_the_long_one(world)
    assert order(world) == ["long", *(f"j{number:04}" for number in range(10, 60))]


def test_the_deadline_of_a_job_that_waits_for_its_next_turn_is_kept():
    world = a_cluster()
    job = a_job("short", completions=2, activeDeadlineSeconds=8)
    world.leader.job_seen(job, at(0))
    world.tick()
    world.leader.job_seen(a_job("long", completions=1, priority=5), at(0))
    world.tick()
    world.workers[N1].start()
    for _ in range(10):
        heard(world, 0.5)
    assert "uid-short" not in world.leader.awake
    world.now = 7.9
    heard(world, 0.0)
    assert seconds_to_next(world.leader, at(world.now)) <= 0.2
    heard(world, 1.0)
    assert reason(world.statuses["uid-short"][-1], "Failed") == "DeadlineExceeded"


def test_a_retry_that_is_due_joins_the_queue_again():
    world = a_cluster()
    retry = {"initialSeconds": 20}
    world.leader.job_seen(a_job("flaky", completions=1, retryPolicy=retry), at(0))
    world.deliver()
    world.tick(lambda index, ended: "Error")
    heard(world, 1.0)
    heard(world, 0.1)
    assert not world.leader.awake
    heard(world, 20.0)
    world.run("uid-flaky")
    assert order(world) == ["flaky", "flaky"]

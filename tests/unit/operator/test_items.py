"""``itemsFrom``: a run never mixes two lists, and nothing is lost while a list is away."""

from typing import Any

import pytest

from distributedjob_api.v1alpha1 import parse
from distributedjob_operator.core import checkpoints, items
from distributedjob_operator.core.round import settle
from tests.support.builders import at, job_body
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

FROM = {"configMapKeyRef": {"name": "list", "key": "items.txt"}}


def with_items(text: str | None, cpus: int = 2, **spec: Any) -> World:
    """A job whose ConfigMap was read once; what it began with is written."""
    world = a_world(cpus, itemsFrom=FROM, **spec)
    world.texts["list"] = text
    for _ in range(3):
        heard(world, 2.0)
    return world


def test_each_line_is_one_task():
    world = with_items("alpha\nbeta\ngamma\n")
    world.run(UID)
    assert world.workers[N1].items == {(UID, 0): "alpha", (UID, 1): "beta", (UID, 2): "gamma"}
    assert (last(world)["phase"], last(world)["progress"]) == ("Complete", "3/3")


@pytest.mark.parametrize(
    ("text", "tasks"),
    [
        pytest.param("a\nb", 2, id="no line feed at the end"),
        pytest.param("a\r\nb\r\n", 2, id="carriage returns"),
        pytest.param("a\n\nb\n", 3, id="an empty line is an item"),
        pytest.param("a\u2028b\nc\n", 2, id="other line breaks belong to the item"),
    ],
)
def test_what_a_line_is(text: str, tasks: int):
    world = with_items(text)
    world.run(UID)
    assert last(world)["succeeded"] == tasks


def test_a_job_waits_for_its_list():
    world = with_items(None)
    assert (last(world)["phase"], reason(last(world))) == ("Pending", "ItemsMissing")
    world.texts["list"] = "a\nb\n"
    for _ in range(3):
        heard(world, 2.0)
    world.run(UID)
    assert last(world)["succeeded"] == 2


@pytest.mark.parametrize("text", ["", "a\0b"], ids=["empty", "a NUL"])
def test_a_list_that_makes_no_sense_is_a_condition(text: str):
    world = with_items(text)
    assert (holding(last(world)), reason(last(world))) == ({"Stalled"}, "InvalidSpec")
    assert not ran(world)


def test_what_the_list_held_is_recorded_before_anything_is_handed_out():
    world = a_world(2, itemsFrom=FROM)
    world.texts["list"] = "a\nb\n"
    world.now += 3.0
    world.deliver()
    assert not world.workers[N1].jobs
    world.deliver()
    assert last(world)["itemsHash"]
    assert reason(last(world)) == "ReadingItems"
    world.deliver()
    assert world.workers[N1].jobs


def test_a_list_changed_before_the_job_began_is_read_as_it_is():
    world = with_items(None)
    world.texts["list"] = "new\n"
    for _ in range(3):
        heard(world, 2.0)
    world.run(UID)
    assert world.workers[N1].items == {(UID, 0): "new"}


def test_a_list_changed_after_the_job_began_stops_the_next_leader():
    world = with_items("a\nb\nc\nd\n", 1)
    world.tick()
    world.texts["list"] = "x\ny\nz\nw\n"
    replaced(world)
    for _ in range(6):
        world.tick(seconds=1.0)
    status = last(world)
    assert (status["phase"], reason(status)) == ("Running", "ItemsChanged")
    assert set(world.workers[N1].items.values()) <= {"a", "b", "c", "d"}
    world.texts["list"] = "a\nb\nc\nd\n"
    for _ in range(4):
        heard(world, 2.0)
    world.run(UID)
    assert (last(world)["phase"], last(world)["succeeded"]) == ("Complete", 4)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("x\ny\nz\nw\n", "ItemsChanged", id="changed"),
        pytest.param(None, "ItemsMissing", id="deleted"),
    ],
)
def test_a_list_changed_under_a_run_stops_it_within_a_minute_until_it_is_as_it_was(
    text: str | None, why: str
):
    world = with_items("a\nb\nc\nd\n", 1)
    started(world)
    world.texts["list"] = text
    heard(world, items.LONGEST_SECONDS)
    heard(world, 2.0)
    assert (last(world)["phase"], reason(last(world))) == ("Running", why)
    assert last(world)["running"] == 1
    for _ in range(3):
        world.tick(seconds=1.0)
    counts = [last(world)[name] for name in ("succeeded", "pending", "running", "progress")]
    assert counts == [1, 3, 0, "1/4"]
    world.texts["list"] = "a\nb\nc\nd\n"
    for _ in range(4):
        heard(world, 4.0)
    world.run(UID)
    assert (last(world)["phase"], last(world)["succeeded"]) == ("Complete", 4)
    assert max(ran(world).values()) == 1
    assert set(world.workers[N1].items.values()) == {"a", "b", "c", "d"}


def test_a_list_that_cannot_be_read_again_stops_nothing():
    world = with_items("a\nb\nc\nd\n", 1)
    started(world)
    items.not_read(world.leader, UID, "503")
    heard(world, items.LONGEST_SECONDS)
    world.run(UID)
    assert (last(world)["phase"], last(world)["succeeded"]) == ("Complete", 4)


def test_only_lists_of_jobs_that_run_are_looked_at_again():
    world = with_items("a\nb\n", 1, cpu="2")
    before = world.reads
    for _ in range(3):
        heard(world, items.LONGEST_SECONDS)
    assert world.reads == before


def test_nothing_that_runs_is_lost_while_the_next_leader_has_no_list():
    world = with_items("a\nb\nc\nd\n")
    started(world)
    world.texts["list"] = None
    job = replaced(world)
    heard(world)
    assert not world.workers[N1].cancels
    assert set(job.ledger.busy) == {0, 1}
    world.tick()
    world.now += 2.0
    world.deliver()
    status = last(world)
    counts = [status[name] for name in ("succeeded", "pending", "running", "cancelled")]
    assert (counts, status["progress"], reason(status)) == ([2, 2, 0, 0], "2/4", "ItemsMissing")
    assert not world.workers[N1].jobs[UID].entries
    world.texts["list"] = "a\nb\nc\nd\n"
    for _ in range(3):
        heard(world, 2.0)
    world.run(UID)
    assert (last(world)["phase"], last(world)["succeeded"]) == ("Complete", 4)
    assert max(ran(world).values()) == 1


def test_failures_heard_before_the_list_is_read_again_end_the_job():
    policy = {"rules": [{"onReasons": ["Error"], "action": "FailJob"}]}
    world = with_items("a\nb\nc\nd\n", failurePolicy=policy)
    started(world)
    world.texts["list"] = None
    replaced(world)
    for _ in range(3):
        world.tick(lambda index, ended: "Error")
    assert (last(world)["phase"], reason(last(world), "Failed")) == ("Failed", "PodFailurePolicy")
    assert last(world)["cancelled"] == 2


def test_a_deadline_passes_although_the_list_is_away():
    world = with_items("a\nb\n", activeDeadlineSeconds=30)
    started(world)
    world.texts["list"] = None
    replaced(world)
    for _ in range(20):
        heard(world, 2.0)
    assert (last(world)["phase"], reason(last(world), "Failed")) == ("Failed", "DeadlineExceeded")
    assert last(world)["cancelled"] == 2


def test_a_job_can_be_cancelled_while_its_list_is_away():
    world = with_items("a\nb\nc\n")
    started(world)
    world.texts["list"] = None
    replaced(world)
    heard(world)
    edit(world, cancel=True)
    for _ in range(3):
        heard(world)
    status = last(world)
    assert (status["phase"], status["cancelled"]) == ("Cancelled", 3)
    assert not any(job.running for job in world.workers[N1].jobs.values())


def test_a_job_that_never_had_its_list_can_be_cancelled():
    world = with_items(None)
    edit(world, cancel=True)
    heard(world)
    assert (last(world)["phase"], last(world)["progress"]) == ("Cancelled", "0/0")


def test_a_finished_job_keeps_its_counts_under_the_next_leader():
    world = with_items("a\nb\nc\n")
    world.run(UID)
    heard(world)
    before = last(world)
    world.texts["list"] = None
    replaced(world)
    edit(world, ttlSecondsAfterFinished=9999)
    heard(world)
    same = ("phase", "succeeded", "failed", "cancelled", "pending", "progress", "completedIndexes")
    assert {name: last(world)[name] for name in same} == {name: before[name] for name in same}
    assert last(world)["observedGeneration"] == 2


def test_a_cancelled_job_keeps_its_counts_under_the_next_leader():
    world = with_items("a\nb\nc\nd\n")
    world.tick()
    edit(world, cancel=True)
    for _ in range(2):
        heard(world, 1.0)
    before = last(world)
    assert (before["phase"], before["cancelled"]) == ("Cancelled", 2)
    replaced(world)
    edit(world, ttlSecondsAfterFinished=9999)
    heard(world)
    assert (last(world)["cancelled"], last(world)["progress"]) == (2, "2/4")


def test_a_rerun_under_the_next_leader_waits_for_the_list():
    world = with_items("a\nb\nc\n", backoffLimitPerIndex=0)
    world.run(UID, lambda index, ended: "Error" if index == 2 else "")
    heard(world)
    world.texts["list"] = None
    job = replaced(world)
    edit(world, rerun={"token": "a", "indexes": "2"})
    for _ in range(3):
        heard(world, 2.0)
    assert (job.run, last(world)["phase"]) == (0, "Failed")
    world.texts["list"] = "a\nb\nc\n"
    for _ in range(4):
        heard(world, 4.0)
    world.run(UID)
    assert (last(world)["run"], last(world)["phase"], ran(world)[2]) == (1, "Complete", 2)


def test_a_list_that_another_leader_began_with_is_kept_to():
    world = a_world(2, itemsFrom=FROM)
    world.texts["list"] = "a\nb\n"
    heard(world, 3.0)
    other = a_world(2, itemsFrom=FROM)
    other.texts["list"] = "x\ny\n"
    for _ in range(2):
        heard(other, 3.0)
    theirs = next(status for status in other.statuses[UID] if status["itemsHash"])
    world.leader.jobs[UID].writing = True
    conflict(world, {**theirs, "epoch": 4, "leader": "elsewhere"})
    for _ in range(4):
        heard(world, 2.0)
    assert reason(last(world)) == "ItemsChanged"
    assert last(world)["itemsHash"] == theirs["itemsHash"]
    assert not world.workers[N1].jobs


def conflict(world: World, status: dict[str, Any]) -> None:
    """The write under way meets what another replica wrote."""
    body = job_body(version=world.version + 10, **world.spec)
    body["status"] = status
    checkpoints.not_written(world.leader, UID, parse(body), at(world.now))
    settle(world.leader, at(world.now))

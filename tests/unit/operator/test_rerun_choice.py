"""``rerun.indexes``: what was chosen runs, nothing else does, and only then is judged."""

from collections import Counter
from typing import Any

import pytest

from tests.support.fleet import World
from tests.support.worlds import N1, UID, a_world, edit, heard, last, ran, reason, replaced, started


def good(index: int, ended: int) -> str:
    return ""


def bad(*indexes: int) -> Any:
    return lambda index, ended: "Error" if index in indexes else ""


def ended(outcome: Any = good, *, cpus: int = 1, **spec: Any) -> World:
    """A job that is over; what ran is forgotten."""
    world = a_world(cpus, **{"backoffLimitPerIndex": 0, **spec})
    world.run(UID, outcome)
    heard(world)
    for worker in world.workers.values():
        worker.ran.clear()
    return world


def overdue() -> World:
    """Of ten tasks 0 and 1 succeeded before the deadline."""
    world = a_world(2, activeDeadlineSeconds=5)
    world.tick()
    started(world)
    world.now = 6.0
    for _ in range(3):
        heard(world)
    assert (last(world)["phase"], last(world)["completedIndexes"]) == ("Failed", "0-1")
    world.workers[N1].ran.clear()
    return world


def again(world: World, indexes: str, outcome: Any = good) -> dict[str, Any]:
    edit(world, rerun={"token": "again", "indexes": indexes})
    world.deliver()
    world.run(UID, outcome)
    heard(world)
    return last(world)


def test_a_success_policy_that_held_before_does_not_keep_the_chosen_task_from_running():
    world = ended(cpus=2, successPolicy={"rules": [{"succeededCount": 3}]})
    done = last(world)["completedIndexes"]
    status = again(world, "1")
    assert ran(world) == Counter({1: 1})
    assert (status["phase"], status["completedIndexes"]) == ("Complete", done)
    assert reason(status, "Complete") == "SuccessPolicy"


def test_a_chosen_task_that_fails_this_time_is_not_covered_by_older_successes():
    world = ended(successPolicy={"rules": [{"succeededCount": 3}]})
    status = again(world, "1", bad(1))
    assert (status["phase"], status["failedIndexes"]) == ("Failed", "1")


@pytest.mark.parametrize("limit", [{"maxFailedIndexes": 0}, {"backoffLimit": 0}], ids=str)
def test_failures_of_the_last_run_do_not_end_the_next_one(limit: dict[str, int]):
    world = ended(bad(0, 1), cpus=2, **limit)
    status = again(world, "0")
    assert ran(world) == Counter({0: 1})
    assert (status["completedIndexes"], status["failedIndexes"]) == ("0", "1")


def test_a_failure_of_the_run_itself_ends_it_early():
    world = ended(bad(0), maxFailedIndexes=0)
    status = again(world, "3-9", bad(3))
    assert ran(world) == Counter({3: 1})
    assert reason(status, "Failed") == "MaxFailedIndexesExceeded"


def test_only_the_chosen_tasks_run_and_the_others_stay_without_outcome():
    world = overdue()
    status = again(world, "1")
    assert ran(world) == Counter({1: 1})
    assert (status["succeeded"], status["cancelled"], status["progress"]) == (2, 8, "2/10")
    assert (status["phase"], reason(status, "Failed")) == ("Failed", "IndexesLeftOut")


def test_what_is_left_out_does_not_wait_while_the_chosen_tasks_run():
    world = overdue()
    edit(world, rerun={"token": "a", "indexes": "5-7"})
    world.deliver()
    heard(world)
    started(world)
    heard(world, 1.0)
    counts = [last(world)[name] for name in ("pending", "running", "succeeded", "cancelled")]
    assert counts == [1, 2, 2, 5]


def test_the_choice_outlives_the_leader_and_an_edit_without_a_new_token():
    world = overdue()
    edit(world, rerun={"token": "a", "indexes": "5-7"})
    world.deliver()
    edit(world, rerun={"token": "a", "indexes": "2-9"})
    world.tick()
    job = replaced(world)
    for _ in range(3):
        heard(world)
    world.run(UID)
    heard(world)
    assert ran(world) == Counter([5, 6, 7])
    assert (job.run, last(world)["completedIndexes"]) == (1, "0-1,5-7")


def test_after_a_choice_the_word_failed_runs_all_that_is_undone():
    world = overdue()
    again(world, "1")
    world.workers[N1].ran.clear()
    edit(world, rerun={"token": "b"})
    world.deliver()
    world.run(UID)
    heard(world)
    assert ran(world) == Counter(range(2, 10))
    assert last(world)["phase"] == "Complete"


def test_the_choice_of_a_job_whose_items_stand_elsewhere_outlives_the_leader():
    world = a_world(2, itemsFrom={"configMapKeyRef": {"name": "list", "key": "k"}})
    world.texts["list"] = "a\nb\nc\nd\n"
    for _ in range(3):
        heard(world, 2.0)
    edit(world, activeDeadlineSeconds=30)
    world.tick()
    for _ in range(4):
        heard(world, 20.0)
    assert last(world)["phase"] == "Failed"
    world.workers[N1].ran.clear()
    edit(world, rerun={"token": "a", "indexes": "0-2"})
    for _ in range(3):
        heard(world, 2.0)
    replaced(world)
    for _ in range(3):
        heard(world, 2.0)
    world.run(UID)
    heard(world)
    assert ran(world) == Counter(range(3))
    assert (last(world)["succeeded"], last(world)["cancelled"]) == (3, 1)

"""A rerun of a job whose items stand elsewhere: the list is read anew and held to."""

import pytest

from distributedjob_operator.core import items
from distributedjob_operator.core.effects import ReadItems, Tell
from tests.support.fleet import World
from tests.support.worlds import N1, UID, a_world, edit, heard, holding, last, ran, reason, replaced

FROM = {"configMapKeyRef": {"name": "list", "key": "k"}}


def failed(text: str = "a\nb\n") -> World:
    """The second of two tasks failed."""
    world = a_world(2, itemsFrom=FROM, backoffLimitPerIndex=0)
    world.texts["list"] = text
    for _ in range(3):
        heard(world, 2.0)
    world.run(UID, lambda index, ended: "Error" if index == 1 else "")
    heard(world, 1.0)
    world.workers[N1].ran.clear()
    return world


def rested(world: World, **rerun: str) -> None:
    edit(world, rerun={"token": "a", **rerun})
    for _ in range(4):
        heard(world, 2.0)


@pytest.mark.parametrize("leader", ["the same leader", "the next leader"])
@pytest.mark.parametrize(
    ("text", "why"),
    [("x\ny\n", "ItemsChanged"), (None, "ItemsMissing")],
    ids=["changed", "missing"],
)
def test_a_rerun_waits_for_the_list_and_says_so(leader: str, text: str | None, why: str):
    world = failed()
    world.texts["list"] = text
    if leader == "the next leader":
        replaced(world)
    rested(world)
    status = last(world)
    assert (status["run"], status["phase"], status["progress"]) == (0, "Failed", "2/2")
    assert (reason(status), {"Reconciling", "Failed"} <= holding(status)) == (why, True)
    assert not ran(world)
    world.texts["list"] = "a\nb\n"
    for _ in range(9):
        heard(world, 9.0)
    world.run(UID)
    assert (last(world)["run"], last(world)["phase"], ran(world)[1]) == (1, "Complete", 1)


def test_a_finished_job_keeps_no_list_and_asks_for_none():
    world = failed()
    world.others.clear()
    for _ in range(9):
        heard(world, 9.0)
    assert world.leader.jobs[UID].items.lines is None
    assert not [one for one in world.others if isinstance(one, ReadItems)]
    edit(world, ttlSecondsAfterFinished=9999)
    assert (last(world)["progress"], last(world)["succeeded"]) == ("2/2", 1)


@pytest.mark.parametrize(
    ("indexes", "spec"),
    [
        pytest.param("5", {"completions": 9, "indexes": "0-1"}, id="not among the indexes"),
        pytest.param("5", {"itemsFrom": FROM}, id="no such line"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused_for_good_and_says_so(indexes: str, spec: dict):
    world = a_world(2, **spec)
    world.texts["list"] = "a\nb\n"
    for _ in range(3):
        heard(world, 2.0)
    world.run(UID)
    world.others.clear()
    rested(world, indexes=indexes)
    for _ in range(2):
        status = last(world)
        assert (status["run"], status["phase"]) == (0, "Complete")
        assert {"Complete", "Stalled"} <= holding(status)
        assert reason(status, "Stalled") == "InvalidSpec"
        stalled = next(one for one in status["conditions"] if one["type"] == "Stalled")
        assert "spec.rerun.indexes" in stalled["message"]
        assert "another token" in stalled["message"]
        replaced(world)
        edit(world, ttlSecondsAfterFinished=9999)
        for _ in range(4):
            heard(world, 2.0)
    told = [one for one in world.others if isinstance(one, Tell) and one.reason == "InvalidSpec"]
    assert len(told) == 1
    edit(world, rerun={"token": "b", "indexes": "1"})
    for _ in range(4):
        heard(world, 2.0)
    world.run(UID)
    heard(world)
    assert (last(world)["run"], "Stalled" in holding(last(world))) == (1, False)


def asked(world: World, seconds: int) -> int:
    world.others.clear()
    for _ in range(seconds * 2):
        heard(world, 0.5)
    return len([one for one in world.others if isinstance(one, ReadItems)])


def test_a_missing_list_is_asked_for_less_and_less_often():
    world = a_world(2, itemsFrom=FROM)
    assert asked(world, 20) in (3, 4)
    assert asked(world, 600) in range(9, 12)


def test_a_suspended_job_asks_for_no_list_and_a_resumed_one_at_once():
    world = a_world(2, itemsFrom=FROM, suspend=True)
    assert asked(world, 100) == 0
    world.texts["list"] = "a\n"
    edit(world, suspend=False)
    world.run(UID)
    assert last(world)["phase"] == "Complete"


def test_a_list_that_may_not_be_read_says_why():
    world = a_world(2, itemsFrom=FROM)
    items.not_read(world.leader, UID, "HTTP 403 Forbidden: no access")
    heard(world, 1.0)
    waiting = next(one for one in last(world)["conditions"] if one["type"] == "Reconciling")
    assert waiting["reason"] == "ItemsUnreadable"
    assert "HTTP 403 Forbidden" in waiting["message"]

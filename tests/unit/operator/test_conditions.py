"""Conditions that others wrote stay; what suspension said stays when the job ends."""

from typing import Any

from distributedjob_api.v1alpha1 import parse
from tests.support.builders import at, job_body
from tests.support.fleet import World
from tests.support.worlds import UID, a_world, edit, heard, holding, last, reason, replaced

SINCE = "2026-01-01T00:00:00Z"


def theirs(kind: str, message: str = "") -> dict[str, Any]:
    return {
        "type": kind, "status": "True", "reason": "Theirs", "message": message,
        "lastTransitionTime": SINCE,
    }  # fmt: skip


def annotate(world: World, *added: dict[str, Any]) -> None:
    """Another controller adds conditions to the status that stands."""
    world.version += 1
    body = job_body(version=world.version, **world.spec)
    body["metadata"]["generation"] = world.leader.jobs[UID].generation
    body["status"] = {**last(world), "conditions": [*last(world)["conditions"], *added]}
    world.leader.job_seen(parse(body), at(world.now))
    world.deliver()


def test_the_condition_of_another_writer_is_kept():
    world = a_world(2, completions=6)
    heard(world, 1.0)
    annotate(world, theirs("example.com/Admitted"))
    world.tick(seconds=1.0)
    assert reason(last(world), "example.com/Admitted") == "Theirs"
    replaced(world)
    world.run(UID)
    heard(world)
    assert {"example.com/Admitted", "Complete"} <= holding(last(world))


def test_a_rerun_keeps_it_too():
    world = a_world(2, backoffLimitPerIndex=0)
    world.run(UID, lambda index, ended: "Error")
    heard(world)
    annotate(world, theirs("Audited"))
    edit(world, rerun={"token": "a"})
    world.deliver()
    assert holding(last(world)) == {"Audited", "Reconciling"}


def test_no_more_of_them_are_kept_than_the_object_bears():
    world = a_world(2)
    heard(world, 1.0)
    annotate(world, *(theirs(f"T{number}", "x" * 40_000) for number in range(100)))
    world.run(UID)
    kept = [one for one in last(world)["conditions"] if one["reason"] == "Theirs"]
    assert [one["type"] for one in kept] == [f"T{number}" for number in range(16)]
    assert max(len(one["message"]) for one in kept) <= 1024


def test_nobody_adds_to_our_own():
    world = a_world(2)
    heard(world, 1.0)
    annotate(world, theirs("Complete"), theirs("Suspended"))
    world.tick(seconds=1.0)
    assert not {"Complete", "Suspended"} & holding(last(world))


def test_a_cancelled_job_that_was_suspended_still_says_so():
    world = a_world(2, suspend=True)
    heard(world)
    edit(world, cancel=True)
    for _ in range(3):
        heard(world)
    status = last(world)
    assert (status["phase"], reason(status, "Suspended")) == ("Cancelled", "JobSuspended")
    assert "Suspended" in holding(status)


def test_a_rerun_of_a_suspended_job_does_not_say_that_it_goes_on():
    world = a_world(2, activeDeadlineSeconds=5)
    world.tick()
    edit(world, suspend=True)
    heard(world, 1.0)
    edit(world, suspend=False)
    for _ in range(9):
        heard(world, 1.0)
    assert last(world)["phase"] == "Failed"
    written = len(world.statuses[UID])
    edit(world, suspend=True, rerun={"token": "a"})
    for _ in range(3):
        heard(world)
    after = [reason(status, "Suspended") for status in world.statuses[UID][written + 1 :]]
    assert (last(world)["phase"], after[-1]) == ("Suspended", "JobSuspended")

"""Why a job, or one task of it, is not running."""

from dataclasses import replace
from typing import Any

import pytest

from distributedjob_operator.core.explain import why_index, why_waiting
from distributedjob_operator.core.policy.nodes import Taint
from tests.support.builders import a_job, a_node, at
from tests.support.fleet import World
from tests.support.worlds import N1, UID, a_world, edit, heard, last, reason, replaced, started


def why(world: World) -> str:
    found = why_waiting(world.leader, world.leader.jobs[UID], at(world.now))
    return found[0] if found else ""


def of_index(world: World, index: int) -> str:
    return why_index(world.leader, world.leader.jobs[UID], index, at(world.now))[0]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, "", id="it runs"),
        pytest.param({"suspend": True}, "JobSuspended", id="suspended"),
        pytest.param({"parallelism": 0}, "Paused", id="parallelism 0"),
        pytest.param({"pool": "gpu"}, "UnknownPool", id="an unknown pool"),
        pytest.param({"cpu": "3"}, "RequestTooLarge", id="more CPU than any node has"),
        pytest.param({"memory": "2Gi"}, "RequestTooLarge", id="more memory than any node has"),
        pytest.param({"nodeSelector": {"a": "b"}}, "NoMatchingNode", id="no node with the label"),
        pytest.param(
            {"itemsFrom": {"configMapKeyRef": {"name": "l", "key": "k"}}},
            "ItemsMissing", id="no ConfigMap",
        ),
    ],
)  # fmt: skip
def test_why_a_job_waits(spec: dict[str, Any], expected: str):
    world = a_world(2, **spec)
    heard(world, 1.0)
    assert why(world) == expected
    assert reason(last(world)) == (expected or "Progressing")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"cordoned": True}, "NoUsableWorker", id="cordoned"),
        pytest.param({"ready": False}, "NoUsableWorker", id="not ready"),
        pytest.param({"taints": (Taint("k", "v", "NoSchedule"),)}, "NoMatchingNode", id="tainted"),
    ],
)
def test_why_no_node_will_do(change: dict[str, Any], expected: str):
    world = a_world(2, parallelism=0)
    world.leader.node_seen(replace(a_node("n1", 2), **change), at(0))
    edit(world, parallelism=None)
    assert why(world) == expected


def test_a_node_large_enough_in_cpu_and_another_in_memory_do_not_make_one():
    world = a_world(8, 1, cpu="4", memory="2Gi", parallelism=0)
    world.leader.node_seen(a_node("n2", 1, memory_bytes=2**33), at(0))
    world.leader.fleet.workers["default", "n2"].memory_bytes = 2**33
    edit(world, parallelism=None)
    assert why(world) == "RequestTooLarge"


def test_the_slots_are_taken_by_others():
    world = a_world(1)
    started(world)
    world.leader.job_seen(a_job("late", completions=1), at(0))
    heard(world, 1.0)
    assert world.statuses["uid-late"][-1]["conditions"][1]["reason"] == "NoFreeCPU"


def message(world: World, uid: str = UID) -> str:
    found = why_waiting(world.leader, world.leader.jobs[uid], at(world.now))
    return found[1] if found else ""


def test_a_job_behind_higher_priorities_is_told_so_and_one_among_equals_too():
    world = a_world(1, priority=5)
    started(world)
    world.leader.job_seen(a_job("low", priority=-5, completions=1), at(0))
    world.leader.job_seen(a_job("equal", priority=5, completions=1), at(0))
    heard(world, 1.0)
    assert "higher priority come first (2)" in message(world, "uid-low")
    assert "shares the pool with others (2)" in message(world, "uid-equal")


def test_memory_may_be_full_where_cpu_is_idle():
    world = a_world(4, completions=1, memory="700Mi")
    started(world)
    world.leader.job_seen(a_job("late", completions=1, memory="700Mi"), at(0))
    heard(world, 1.0)
    late = world.leader.jobs["uid-late"]
    assert why_waiting(world.leader, late, at(world.now))[0] == "NoFreeMemory"


@pytest.mark.parametrize("mode", ["Drain", "Now"])
def test_a_job_that_is_being_suspended_does_not_say_that_it_runs(mode: str):
    world = a_world(2)
    world.workers[N1].graceful = True
    started(world)
    edit(world, suspend=True, suspendMode=mode)
    heard(world, 1.0)
    assert (last(world)["phase"], reason(last(world))) == ("Running", "Suspending")


def test_it_is_said_until_when_a_job_backs_off():
    world = a_world(1, completions=1, retryPolicy={"initialSeconds": 50})
    world.tick(lambda index, ended: "Error", 1.0)
    assert "the next attempt starts at 2026-01-01T00:00:51Z" in message(world)


def test_an_index_that_a_rerun_left_out_is_not_waited_for():
    world = a_world(2, backoffLimitPerIndex=0, maxFailedIndexes=0)
    world.tick(lambda index, ended: "Error")
    heard(world)
    edit(world, rerun={"token": "a", "indexes": "1"})
    world.deliver()
    assert (of_index(world, 9), of_index(world, 10)) == ("NotWanted", "NotWanted")


def test_only_failed_tasks_are_left():
    world = a_world(2, completions=2, retryPolicy={"initialSeconds": 50})
    world.tick(lambda index, ended: "Error")
    assert (why(world), of_index(world, 0)) == ("BackingOff", "BackingOff")
    edit(world, suspend=True)
    assert of_index(world, 0) == "JobSuspended"


def test_a_new_leader_waits_for_answers():
    world = a_world(2)
    started(world)
    world.workers.clear()
    replaced(world)
    assert why(world) == "TakingOver"


@pytest.mark.parametrize(
    ("spec", "index", "expected"),
    [
        pytest.param({}, 0, "Running", id="it runs"),
        pytest.param({}, 9, "NoFreeCPU", id="behind the others"),
        pytest.param({"parallelism": 1}, 9, "ParallelismReached", id="parallelism"),
        pytest.param({"indexes": "0-3"}, 9, "NotWanted", id="not wanted"),
        pytest.param({"pool": "gpu"}, 0, "UnknownPool", id="whatever the job waits for"),
    ],
)
def test_why_an_index_does_not_run(spec: dict[str, Any], index: int, expected: str):
    world = a_world(2, **spec)
    started(world)
    assert of_index(world, index) == expected


def test_an_index_that_waits_at_a_worker_is_queued():
    world = a_world(2)
    assert of_index(world, 0) == "Queued"


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        pytest.param(0, "Failed", id="it failed"),
        pytest.param(1, "Succeeded", id="it succeeded"),
        pytest.param(5, "MaxFailedIndexesExceeded", id="it was never run"),
    ],
)
def test_an_index_of_a_job_that_is_over_waits_for_nothing(index: int, expected: str):
    world = a_world(2, backoffLimitPerIndex=0, maxFailedIndexes=0)
    world.tick(lambda index, ended: "" if index else "Error")
    heard(world)
    assert of_index(world, index) == expected


def test_of_an_index_that_failed_it_is_said_where_to_read_on():
    world = a_world(1, completions=1, backoffLimitPerIndex=0)
    world.tick(lambda index, ended: "Error")
    heard(world)
    _, said = why_index(world.leader, world.leader.jobs[UID], 0, at(world.now))
    assert "djob logs job 0" in said


def test_an_index_of_a_draining_job_waits_for_the_resumption():
    world = a_world(2)
    started(world)
    edit(world, suspend=True, suspendMode="Drain")
    assert (of_index(world, 0), of_index(world, 9)) == ("Running", "JobSuspended")
    assert world.workers[N1].jobs[UID].running

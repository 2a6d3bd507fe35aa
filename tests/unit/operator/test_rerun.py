"""``rerun``: a new token runs tasks of a finished job again, with fresh budgets."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from distributedjob_api.messages import Entry
from distributedjob_api.v1alpha1 import parse
from distributedjob_operator.core import checkpoints
from distributedjob_operator.core.effects import WriteStatus
from distributedjob_operator.core.round import seconds_to_next, settle
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
    replaced,
    started,
)

BAD = frozenset({2, 7})


def bad(index: int, ended: int) -> str:
    return "Error" if index in BAD else ""


def good(index: int, ended: int) -> str:
    return ""


def finished(outcome: Any = bad, **spec: Any) -> World:
    world = a_world(2, **{"backoffLimitPerIndex": 0, **spec})
    world.run(UID, outcome)
    for worker in world.workers.values():
        worker.ran.clear()
    heard(world)
    return world


def again(world: World, token: str = "again", outcome: Any = good, **rerun: Any) -> dict[str, Any]:
    honoured(world, token, **rerun)
    world.run(UID, outcome)
    heard(world)
    return last(world)


def honoured(world: World, token: str, **rerun: Any) -> None:
    """The token is set, what was seen of it is written, and then the run begins."""
    edit(world, rerun={"token": token, **rerun})
    for _ in range(3 if "itemsFrom" in world.spec else 1):
        world.deliver()
    assert world.leader.jobs[UID].rerun_token == token


def once(world: World) -> Any:
    """Bad tasks fail in the first run only."""
    return lambda index, ended: "" if world.leader.jobs[UID].run else bad(index, ended)


def test_a_token_runs_the_failed_tasks_again_with_fresh_budgets():
    world = finished(backoffLimitPerIndex=1)
    assert (last(world)["phase"], last(world)["failures"]) == ("Failed", 4)
    status = again(world)
    assert ran(world) == Counter(BAD)
    assert (status["phase"], status["succeeded"], status["failed"]) == ("Complete", 10, 0)
    assert (status["run"], status["rerunToken"], status["failures"]) == (1, "again", 0)
    assert holding(status) == {"SuccessCriteriaMet", "Complete", "Finished", "Ready"}


def test_the_times_of_a_run_are_its_own():
    world = finished()
    world.now = 100.0
    status = again(world)
    assert status["startTime"] >= "2026-01-01T00:01:40"
    assert status["completionTime"] > status["startTime"]


@pytest.mark.parametrize(
    ("indexes", "run"),
    [
        pytest.param("failed", {2, 7}, id="the failed ones"),
        pytest.param("0-1", {0, 1}, id="some that succeeded"),
        pytest.param("7", {7}, id="one of the failed ones"),
        pytest.param("0-9", set(range(10)), id="all of them"),
    ],
)
def test_the_chosen_tasks_run_again(indexes: str, run: set[int]):
    world = finished()
    status = again(world, indexes=indexes)
    assert ran(world) == Counter(run)
    assert status["failedIndexes"] == ",".join(str(index) for index in sorted(BAD - run))


def test_nothing_is_handed_out_before_the_rerun_is_recorded():
    world = finished()
    effects = []
    body = job_body(version=world.version + 1, **world.spec, rerun={"token": "a"})
    body["metadata"]["generation"] = 2
    world.leader.job_seen(parse(body), at(world.now))
    # First the generation that was observed, then the rerun.
    for number in range(2):
        settle(world.leader, at(world.now))
        effects = world.leader.take_effects()
        (write,) = [effect for effect in effects if isinstance(effect, WriteStatus)]
        if number == 0:
            checkpoints.written(
                world.leader, UID, str(world.version + 2), write.marks, at(world.now)
            )
            world.leader.take_effects()
    assert (write.status["run"], write.status["phase"]) == (1, "Pending")
    for _ in range(3):
        settle(world.leader, at(world.now + 1))
        assert not world.leader.take_effects()
    assert "startTime" not in write.status
    assert not world.leader.jobs[UID].ledger.busy


@pytest.mark.parametrize("landed", [False, True], ids=["the write is lost", "its answer is lost"])
def test_a_new_leader_honours_a_token_once(landed: bool):
    world = finished()
    before = list(world.statuses[UID])
    edit(world, rerun={"token": "a"})
    heard(world)
    recorded = next(status for status in world.statuses[UID] if status["run"] == 1)
    world.statuses[UID] = [*before, recorded] if landed else before
    for worker in world.workers.values():
        worker.jobs.clear()
        worker.ran.clear()
    job = replaced(world)
    for _ in range(3):
        heard(world)
    world.run(UID)
    assert (job.run, job.phase, job.rerun_token) == (1, "Complete", "a")
    assert ran(world) == Counter(BAD)


def test_a_token_at_creation_is_only_recorded():
    world = a_world(2, rerun={"token": "first"})
    world.run(UID)
    heard(world)
    assert (last(world)["run"], last(world)["rerunToken"]) == (0, "first")
    assert max(ran(world).values()) == 1


def test_a_token_at_creation_of_an_object_first_set_aside_is_only_recorded():
    world = a_world(2, rerun={"token": "first"})
    world.statuses[UID] = [{"conditions": [], "observedGeneration": 1}]
    replaced(world)
    world.run(UID)
    heard(world)
    assert (last(world)["run"], last(world)["rerunToken"]) == (0, "first")


def test_a_token_set_while_the_job_runs_waits_for_its_end():
    world = a_world(2, backoffLimitPerIndex=0)
    edit(world, rerun={"token": "a"})
    world.tick(bad)
    assert last(world)["run"] == 0
    for _ in range(40):
        world.tick(once(world))
    assert (last(world)["run"], last(world)["phase"]) == (1, "Complete")
    assert ran(world) == Counter([*range(10), *BAD])


def test_two_tokens_in_a_row_are_two_runs():
    world = finished()
    assert again(world, "a", bad)["run"] == 1
    assert again(world, "b")["run"] == 2
    assert ran(world) == Counter([*BAD, *BAD])


def test_of_two_tokens_before_the_end_the_last_one_counts():
    world = a_world(2, backoffLimitPerIndex=0)
    edit(world, rerun={"token": "a"})
    edit(world, rerun={"token": "b"})
    for _ in range(30):
        world.tick(once(world))
    assert (last(world)["run"], last(world)["rerunToken"]) == (1, "b")


def test_the_same_token_starts_nothing():
    world = finished()
    again(world)
    edit(world, rerun={"token": "again"}, ttlSecondsAfterFinished=9999)
    heard(world)
    assert last(world)["run"] == 1


def test_after_a_deadline_what_was_never_run_is_run():
    world = a_world(1, completions=5, activeDeadlineSeconds=5)
    started(world)
    world.now = 6.0
    for _ in range(3):
        heard(world)
    assert (last(world)["phase"], last(world)["cancelled"]) == ("Failed", 5)
    world.workers[N1].ran.clear()
    status = again(world)
    assert (status["phase"], status["succeeded"]) == ("Complete", 5)


def test_a_worker_that_remembers_the_end_of_a_run_takes_the_next_one():
    world = a_world(2, failurePolicy={"rules": [{"onReasons": ["Error"], "action": "FailJob"}]})
    started(world)
    job = world.workers[N1].jobs[UID]
    job.running.discard(1)
    world.workers[N1].finish(lambda index, ended: "Error")
    job.running.add(1)
    for _ in range(3):
        heard(world)
    assert last(world)["phase"] == "Failed"
    assert world.workers[N1].cancelled == {UID: 0}
    assert again(world)["phase"] == "Complete"


def test_late_results_of_an_older_run_are_acknowledged_and_dropped():
    world = finished()
    honoured(world, "a")
    heard(world)
    job = world.workers[N1].jobs[UID]
    job.last_seq += 1
    job.entries.append(Entry(job.last_seq, 0, [(2, 2)], [], [], 0.1))
    for _ in range(3):
        heard(world, 1.0)
    assert (job.acked, job.entries) == (job.last_seq, [])
    assert last(world)["completedIndexes"] == "0-1,3-6,8-9"


def test_a_run_waits_until_nothing_of_the_last_one_runs():
    world = a_world(1, 1, completions=4, backoffLimitPerIndex=0, activeDeadlineSeconds=60)
    started(world)
    lost = world.workers.pop(N1)
    for _ in range(8):
        heard(world, 10.0)
    assert last(world)["phase"] == "Failed"
    lost.graceful = True
    world.workers[N1] = lost
    for _ in range(3):
        heard(world)
    edit(world, rerun={"token": "a"})
    heard(world)
    assert (last(world)["run"], list(lost.jobs[UID].running)) == (0, [0])
    lost.stop()
    for _ in range(3):
        heard(world, 1.0)
    assert last(world)["run"] == 1
    world.run(UID)
    assert last(world)["phase"] == "Complete"


def test_a_run_of_a_suspended_job_starts_with_its_resumption():
    world = finished()
    edit(world, suspend=True, rerun={"token": "a"})
    for _ in range(3):
        heard(world)
    assert (last(world)["phase"], "startTime" in last(world)) == ("Suspended", False)
    edit(world, suspend=False)
    world.run(UID)
    assert ran(world) == Counter(BAD)


def test_the_deadline_of_a_run_begins_with_its_first_task():
    world = finished(activeDeadlineSeconds=30)
    node = world.leader.fleet.nodes["n1"]
    world.leader.node_seen(replace(node, cordoned=True), at(world.now))
    edit(world, rerun={"token": "a"})
    for _ in range(8):
        heard(world, 10.0)
    assert (last(world)["phase"], "startTime" in last(world)) == ("Pending", False)
    world.leader.node_seen(node, at(world.now))
    world.run(UID)
    assert last(world)["phase"] == "Complete"


def test_indexes_that_do_not_exist_start_nothing_and_stop_nobody():
    world = a_world(2, itemsFrom={"configMapKeyRef": {"name": "list", "key": "k"}})
    world.texts["list"] = "a\nb\n"
    for _ in range(2):
        heard(world, 3.0)
    world.run(UID)
    edit(world, rerun={"token": "a", "indexes": "1,5"})
    for _ in range(3):
        heard(world, 1.0)
    assert (last(world)["phase"], last(world)["succeeded"]) == ("Complete", 2)
    assert seconds_to_next(world.leader, at(world.now)) > 0.5
    status = again(world, "b", indexes="1")
    assert (status["phase"], status["run"], ran(world)[1]) == ("Complete", 1, 2)


def test_a_cancelled_job_is_not_run_again():
    world = a_world(2)
    edit(world, cancel=True)
    heard(world)
    edit(world, rerun={"token": "a"})
    for _ in range(3):
        heard(world)
    assert (last(world)["phase"], last(world)["run"]) == ("Cancelled", 0)


def test_the_next_run_that_another_replica_recorded_is_taken_over_in_the_middle():
    world = finished()
    body = job_body(version=world.version + 5, **world.spec, rerun={"token": "a"})
    body["metadata"]["generation"] = 2
    body["status"] = {
        **last(world),
        "run": 1, "rerunToken": "a", "phase": "Pending", "epoch": 4, "leader": "elsewhere",
        "conditions": [], "failedIndexes": "", "failed": 0, "startTime": None,
        "completionTime": None, "activeSeconds": 0,
    }  # fmt: skip
    world.leader.job_seen(parse(body), at(world.now))
    world.now = 50.0
    world.deliver()
    world.run(UID)
    assert (last(world)["run"], last(world)["phase"]) == (1, "Complete")
    assert last(world)["startTime"] >= "2026-01-01T00:00:50"
    assert ran(world) == Counter(BAD)

"""From facts to the end of a job: verdicts, what they wait for, and what outlives a leader."""

from typing import Any

import pytest

from distributedjob_api.v1alpha1 import parse
from distributedjob_operator.core import checkpoints
from distributedjob_operator.core.effects import DeleteJob
from distributedjob_operator.core.round import seconds_to_next, settle
from tests.support.builders import a_job, at, job_body
from tests.support.fleet import World
from tests.support.worlds import (
    N1,
    N2,
    UID,
    a_world,
    edit,
    heard,
    holding,
    killed,
    last,
    ran,
    reason,
    replaced,
    started,
)


def bad(index: int, ended: int) -> str:
    return "Error"


FAIL_JOB = {"rules": [{"onReasons": ["Error"], "action": "FailJob"}]}


def one_ends(world: World, outcome: Any = bad) -> None:
    """Of two running tasks the first ends; the other goes on."""
    job = world.workers[N1].jobs[UID]
    job.running.discard(1)
    world.workers[N1].finish(outcome)
    job.running.add(1)
    heard(world, 1.0)


@pytest.mark.parametrize(
    ("spec", "outcome", "interim", "final", "why"),
    [
        pytest.param(
            {"failurePolicy": FAIL_JOB},
            bad, "FailureTarget", "Failed", "PodFailurePolicy", id="a rule fails the job",
        ),
        pytest.param(
            {"backoffLimitPerIndex": 0, "maxFailedIndexes": 0},
            bad, "FailureTarget", "Failed", "MaxFailedIndexesExceeded", id="failed indexes",
        ),
        pytest.param(
            {"backoffLimit": 0},
            bad, "FailureTarget", "Failed", "BackoffLimitExceeded", id="failed attempts",
        ),
        pytest.param(
            {"activeDeadlineSeconds": 1},
            lambda index, ended: "",
            "FailureTarget", "Failed", "DeadlineExceeded", id="the deadline",
        ),
        pytest.param(
            {"successPolicy": {"rules": [{"succeededCount": 1}]}},
            lambda index, ended: "",
            "SuccessCriteriaMet", "Complete", "SuccessPolicy", id="enough succeeded",
        ),
    ],
)  # fmt: skip
def test_the_end_is_announced_and_final_only_when_nothing_runs(
    spec: dict[str, Any], outcome: Any, interim: str, final: str, why: str
):
    world = a_world(2, **spec)
    worker = world.workers[N1]
    worker.graceful = True
    started(world)
    one_ends(world, outcome)
    status = last(world)
    assert (holding(status), reason(status, interim)) == ({interim, "Reconciling"}, why)
    assert (status["phase"], reason(status)) == ("Running", "Terminating")
    for _ in range(5):
        heard(world)
    assert len(worker.cancels) == 1
    worker.stop()
    heard(world)
    status = last(world)
    assert {interim, final, "Finished"} <= holding(status)
    assert reason(status, final) == why
    assert status["succeeded"] + status["failed"] + status["cancelled"] == 10
    assert (status["pending"], status["running"]) == (0, 0)


@pytest.mark.parametrize(
    ("spec", "outcome", "phase"),
    [
        pytest.param({"failurePolicy": FAIL_JOB}, bad, "Failed", id="failed"),
        pytest.param(
            {"successPolicy": {"rules": [{"succeededCount": 1}]}},
            lambda index, ended: "", "Complete", id="complete",
        ),
    ],
)  # fmt: skip
def test_an_announced_end_outlives_the_leader(spec: dict[str, Any], outcome: Any, phase: str):
    world = a_world(2, **spec)
    world.workers[N1].graceful = True
    started(world)
    one_ends(world, outcome)
    why = reason(last(world), "FailureTarget" if phase == "Failed" else "SuccessCriteriaMet")
    job = replaced(world)
    for _ in range(3):
        heard(world)
    assert (job.phase, sum(ran(world).values())) == ("Running", 2)
    world.workers[N1].stop()
    for _ in range(2):
        heard(world)
    assert (last(world)["phase"], reason(last(world), phase)) == (phase, why)


def test_a_success_after_the_job_has_failed_is_counted_and_changes_nothing():
    world = a_world(2, failurePolicy=FAIL_JOB)
    world.workers[N1].graceful = True
    started(world)
    one_ends(world)
    world.workers[N1].finish()
    heard(world)
    status = last(world)
    assert (status["phase"], status["succeeded"], status["failed"]) == ("Failed", 1, 1)
    assert status["cancelled"] == 8


def test_limits_crossed_by_many_failures_at_once_say_how_many():
    world = a_world(8, backoffLimitPerIndex=0, maxFailedIndexes=2)
    started(world)
    world.tick(bad)
    assert (last(world)["phase"], last(world)["failed"]) == ("Failed", 8)
    assert "8 indexes failed" in next(
        one["message"] for one in last(world)["conditions"] if one["type"] == "Failed"
    )


def test_failures_come_before_successes():
    rules = {"rules": [{"succeededCount": 1}]}
    world = a_world(2, failurePolicy=FAIL_JOB, successPolicy=rules)
    started(world)
    world.tick(lambda index, ended: "Error" if index else "")
    assert last(world)["phase"] == "Failed"


def test_a_rule_sees_that_a_task_was_lost_with_its_worker():
    rules = [{"onReasons": ["Interrupted"], "action": "FailJob"}]
    world = a_world(1, 1, failurePolicy={"rules": rules})
    started(world)
    killed(world, "n1")
    for _ in range(3):
        heard(world)
    assert (last(world)["phase"], reason(last(world), "Failed")) == ("Failed", "PodFailurePolicy")


def test_evidence_that_fails_the_job_survives_another_write():
    rules = [{"onReasons": ["Interrupted"], "action": "FailJob"}]
    world = a_world(1, 1, failurePolicy={"rules": rules})
    started(world)
    world.workers[N2].graceful = True
    killed(world, "n1")
    status = {**world.statuses[UID][0], "epoch": 4, "leader": "elsewhere"}
    body = job_body(version=world.version + 10, **world.spec)
    body["status"] = status
    world.leader.jobs[UID].writing = True
    checkpoints.not_written(world.leader, UID, parse(body), at(world.now))
    world.version += 10
    world.workers[N2].stop()
    for _ in range(3):
        heard(world)
    assert last(world)["phase"] == "Failed"


# -- time --------------------------------------------------------------------------


def until(world: World, seconds: float) -> None:
    while world.now < seconds and not world.leader.jobs[UID].finished:
        heard(world, 1.0)


def test_the_deadline_counts_from_the_first_dispatch():
    world = a_world(1, parallelism=0, activeDeadlineSeconds=10)
    until(world, 50.0)
    edit(world, parallelism=None)
    started(world)
    until(world, 58.0)
    assert last(world)["phase"] == "Running"
    until(world, 63.0)
    assert (last(world)["phase"], reason(last(world), "Failed")) == ("Failed", "DeadlineExceeded")


def test_the_clock_stands_still_while_suspended():
    world = a_world(1, activeDeadlineSeconds=10)
    started(world)
    until(world, 6.0)
    edit(world, suspend=True)
    until(world, 100.0)
    edit(world, suspend=False)
    heard(world)
    until(world, 103.0)
    assert last(world)["phase"] == "Running"
    until(world, 106.0)
    assert last(world)["phase"] == "Failed"


@pytest.mark.parametrize("deadline", [60, 600])
def test_the_clock_outlives_the_leader_though_nothing_happens(deadline: int):
    world = a_world(1, activeDeadlineSeconds=deadline)
    started(world)
    until(world, deadline * 0.6)
    replaced(world)
    until(world, deadline * 1.2)
    assert last(world)["phase"] == "Failed"
    assert len(world.statuses[UID]) < 40


def test_a_deadline_is_met_in_time_though_nothing_happens():
    world = a_world(1, activeDeadlineSeconds=10)
    started(world)
    world.now = 9.5
    world.deliver()
    assert 0.4 < seconds_to_next(world.leader, at(world.now)) <= 0.5


def test_a_longer_deadline_saves_the_job_and_a_shorter_one_ends_it():
    world = a_world(1, activeDeadlineSeconds=10)
    started(world)
    until(world, 8.0)
    edit(world, activeDeadlineSeconds=20)
    until(world, 15.0)
    assert last(world)["phase"] == "Running"
    edit(world, activeDeadlineSeconds=12)
    until(world, 17.0)
    assert last(world)["phase"] == "Failed"


def deletions(world: World) -> int:
    return len([one for one in world.others if isinstance(one, DeleteJob)])


def test_a_finished_job_is_deleted_once_after_its_time():
    world = a_world(10, ttlSecondsAfterFinished=30)
    world.run(UID)
    ended = world.now
    while world.now < ended + 28:
        heard(world, 1.0)
    assert deletions(world) == 0
    for _ in range(90):
        heard(world, 0.1)
    assert deletions(world) == 1


def test_a_deletion_that_failed_is_tried_again_after_a_while():
    world = a_world(10, ttlSecondsAfterFinished=0)
    world.run(UID)
    heard(world)
    for _ in range(100):
        world.leader.not_deleted(UID)
        heard(world, 0.1)
        assert seconds_to_next(world.leader, at(world.now)) > 0
    assert 2 <= deletions(world) <= 4


def test_a_job_is_not_deleted_before_its_end_is_written():
    world = a_world(10, ttlSecondsAfterFinished=0)
    started(world)
    world.workers[N1].finish()
    world.report_all()
    settle(world.leader, at(world.now))
    assert world.leader.jobs[UID].finished
    settle(world.leader, at(world.now + 9))
    assert not any(isinstance(one, DeleteJob) for one in world.leader.take_effects())


def test_a_time_set_later_counts_from_the_end():
    world = a_world(10)
    world.run(UID)
    heard(world, 100.0)
    edit(world, ttlSecondsAfterFinished=50)
    for _ in range(3):
        heard(world)
    assert deletions(world) == 1


# -- who ---------------------------------------------------------------------------


def test_a_job_that_another_controller_manages_is_left_alone():
    world = a_world(1)
    job = a_job("theirs", managedBy="example.com/controller")
    world.leader.job_seen(job, at(0))
    heard(world)
    assert "uid-theirs" not in world.leader.jobs
    ours = a_job("ours", managedBy="distributedjob.dev/operator")
    world.leader.job_seen(ours, at(0))
    assert "uid-ours" in world.leader.jobs


def test_conditions_never_go_back_within_a_run():
    world = a_world(2, failurePolicy=FAIL_JOB)
    world.workers[N1].graceful = True
    started(world)
    one_ends(world)
    edit(world, suspend=True)
    heard(world)
    edit(world, cancel=True)
    heard(world)
    world.workers[N1].stop()
    for _ in range(3):
        heard(world, 1.0)
    seen: set[str] = set()
    for status in world.statuses[UID]:
        lasting = holding(status) & {"FailureTarget", "SuccessCriteriaMet", "Failed", "Cancelled"}
        assert seen <= lasting
        seen = lasting
    assert seen == {"FailureTarget", "Failed"}

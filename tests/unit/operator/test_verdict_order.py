"""Where several things end a job at once, Job's order decides which of them is named."""

from typing import Any

import pytest

from tests.support.worlds import UID, a_world, heard, last, reason, started

COUNT_THREE = {"rules": [{"succeededCount": 3}]}
FAIL_JOB = {"rules": [{"onReasons": ["Error"], "action": "FailJob"}]}


def bad(index: int, ended: int) -> str:
    return "Error"


def first_is_bad(index: int, ended: int) -> str:
    return "Error" if index == 0 else ""


@pytest.mark.parametrize(
    ("spec", "outcome", "seconds", "expected"),
    [
        pytest.param(
            {"failurePolicy": FAIL_JOB, "backoffLimit": 0}, bad, 1.0, "PodFailurePolicy",
            id="a rule before the attempts",
        ),
        pytest.param(
            {"backoffLimit": 0, "activeDeadlineSeconds": 2}, bad, 5.0, "BackoffLimitExceeded",
            id="the attempts before the deadline",
        ),
        pytest.param(
            {"backoffLimit": 0, "maxFailedIndexes": 0}, bad, 1.0, "BackoffLimitExceeded",
            id="the attempts before the indexes",
        ),
        pytest.param(
            {"maxFailedIndexes": 0, "activeDeadlineSeconds": 2}, bad, 5.0, "DeadlineExceeded",
            id="the deadline before the indexes",
        ),
        pytest.param(
            {"maxFailedIndexes": 0}, bad, 1.0, "MaxFailedIndexesExceeded",
            id="too many indexes before some of all",
        ),
        pytest.param(
            {"successPolicy": COUNT_THREE}, first_is_bad, 1.0, "FailedIndexes",
            id="some of all before a success that comes with the last one",
        ),
    ],
)  # fmt: skip
def test_what_comes_first(spec: dict[str, Any], outcome: Any, seconds: float, expected: str):
    world = a_world(4, completions=4, backoffLimitPerIndex=0, **spec)
    started(world)
    world.tick(outcome, seconds)
    heard(world)
    assert (last(world)["phase"], reason(last(world), "Failed")) == ("Failed", expected)


def test_a_success_that_comes_before_the_last_task_has_ended_stands():
    world = a_world(4, completions=5, backoffLimitPerIndex=0, successPolicy=COUNT_THREE)
    world.run(UID, first_is_bad)
    heard(world)
    assert (last(world)["phase"], reason(last(world), "Complete")) == ("Complete", "SuccessPolicy")

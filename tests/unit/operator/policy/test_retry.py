"""Whether and when a failed task is tried again."""

import pytest

from distributedjob_api.messages import Failure
from distributedjob_api.task_reasons import HOPELESS
from distributedjob_api.v1alpha1 import RetryPolicy, Spec
from distributedjob_operator.core.policy.retry import (
    GiveUp,
    Judgement,
    RetryAt,
    Tries,
    after_failure,
    after_interruption,
    backoff_seconds,
)
from tests.support.builders import a_job


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [
        pytest.param(1, 1.0, id="the first wait is the initial one"),
        pytest.param(2, 2.0, id="the second is twice as long"),
        pytest.param(6, 32.0, id="it doubles each time"),
        pytest.param(7, 60.0, id="it stops at the maximum"),
        pytest.param(10_000, 60.0, id="however often it failed"),
    ],
)
def test_the_wait_doubles_up_to_its_maximum(failures: int, seconds: float):
    assert backoff_seconds(RetryPolicy(), failures) == seconds


@pytest.mark.parametrize(
    ("policy", "failures", "seconds"),
    [
        pytest.param({"initialSeconds": 5, "factor": 1}, 9, 5.0, id="factor 1 never grows"),
        pytest.param({"initialSeconds": 0}, 9, 0.0, id="0 means at once"),
        pytest.param({"initialSeconds": 3, "factor": 10}, 2, 30.0, id="factor 10"),
        pytest.param({"initialSeconds": 3, "maxSeconds": 4}, 2, 4.0, id="own maximum"),
    ],
)
def test_the_wait_follows_the_policy(policy: dict[str, int], failures: int, seconds: float):
    assert backoff_seconds(RetryPolicy.model_validate(policy), failures) == seconds


def a_failure(ended: int = 0, reason: str = "ExitCode") -> Failure:
    return Failure(7, ended, reason, 1, 0, "")


@pytest.mark.parametrize(
    ("limit", "failures", "retried"),
    [
        pytest.param(0, 0, False, id="limit 0 gives up at the first failure"),
        pytest.param(3, 2, True, id="the third failure of limit 3 is tried again"),
        pytest.param(3, 3, False, id="the fourth is not"),
    ],
)
def test_an_index_fails_after_as_many_retries_as_allowed(limit: int, failures: int, retried: bool):
    spec = a_job(backoffLimitPerIndex=limit).spec
    verdict = after_failure(spec, Tries(failures, failures, 0), a_failure(failures))
    assert isinstance(verdict, RetryAt) is retried
    assert verdict.tries.failures == failures + 1


@pytest.mark.parametrize(
    ("ended", "told", "charged"),
    [
        pytest.param(2, 2, 3, id="what the assignment knew counts"),
        pytest.param(2, 0, 2, id="what is known here counts, too"),
        pytest.param(2, 9, 3, id="never more than there were attempts"),
    ],
)
def test_what_was_charged_before_is_learnt_from_the_failure(ended: int, told: int, charged: int):
    spec = a_job(backoffLimitPerIndex=9).spec
    failure = Failure(7, ended, "ExitCode", 1, 0, "", told)
    assert after_failure(spec, Tries(1, 1, 0), failure).tries == Tries(ended + 1, charged)


@pytest.mark.parametrize(
    "tries",
    [
        pytest.param(Tries(2, 0, 1), id="one of them was lost with its worker"),
        pytest.param(Tries(2, 0, 0, 1), id="one of them was charged to no limit"),
    ],
)
def test_what_is_known_to_have_ended_otherwise_was_not_charged(tries: Tries):
    spec = a_job(backoffLimitPerIndex=9).spec
    failure = Failure(7, 2, "Error", 1, 0, "", 2)
    assert after_failure(spec, tries, failure).tries.failures == 2


@pytest.mark.parametrize("reason", sorted(HOPELESS))
def test_a_command_that_cannot_start_is_not_tried_again(reason: str):
    verdict = after_failure(a_job().spec, Tries(), a_failure(reason=reason))
    assert verdict == GiveUp(Tries(1, 1, 0), reason)


def test_interruptions_are_not_charged_to_the_failures():
    verdict = after_failure(a_job(backoffLimitPerIndex=1).spec, Tries(4, 0, 4), a_failure(4))
    assert verdict == RetryAt(Tries(5, 1, 4), 1.0)


def test_what_is_not_to_blame_for_its_loss_is_charged_nothing():
    verdict = after_interruption(a_job(interruptionLimit=0).spec, Tries(4, 2, 0), 0, blamed=False)
    assert verdict == RetryAt(Tries(5, 2, 0), 0.0)


@pytest.mark.parametrize(
    ("interruptions", "again"),
    [
        pytest.param(0, True, id="the first interruption"),
        pytest.param(1, True, id="the last one allowed"),
        pytest.param(2, False, id="one too many"),
    ],
)
def test_an_interrupted_task_runs_again_at_once_within_its_limit(interruptions: int, again: bool):
    tries = Tries(interruptions + 2, 2, interruptions)
    verdict = after_interruption(a_job(interruptionLimit=2).spec, tries, 0, blamed=True)
    after = Tries(interruptions + 3, 2, interruptions + 1)
    expected = RetryAt(after, 0.0) if again else GiveUp(after, "InterruptionLimitExceeded")
    assert verdict == expected


def ruled(action: str, reason: str, **spec: object) -> Spec:
    return a_job(failurePolicy={"rules": [{"action": action, "onReasons": [reason]}]}, **spec).spec


@pytest.mark.parametrize(
    ("action", "tries", "expected"),
    [
        pytest.param("Ignore", Tries(), RetryAt(Tries(1, 0, 0, 1), 1.0), id="Ignore: no charge"),
        pytest.param(
            "Ignore", Tries(6, 0, 0, 6), RetryAt(Tries(7, 0, 0, 7), 60.0), id="Ignore backs off"
        ),
        pytest.param("Count", Tries(), RetryAt(Tries(1, 1, 0), 1.0), id="Count is as without"),
        pytest.param("FailIndex", Tries(), GiveUp(Tries(1, 1, 0), "Error"), id="FailIndex ends it"),
    ],
)
def test_a_rule_decides_about_a_failure(action: str, tries: Tries, expected: Judgement):
    assert after_failure(ruled(action, "Error"), tries, a_failure(tries.ended, "Error")) == expected


@pytest.mark.parametrize(
    ("action", "tries", "expected"),
    [
        pytest.param("Ignore", Tries(9), RetryAt(Tries(10), 0.0), id="Ignore knows no limit"),
        pytest.param("Count", Tries(), RetryAt(Tries(1, 1, 0), 0.0), id="Count is a failure"),
        pytest.param(
            "Count", Tries(3, 3, 0), GiveUp(Tries(4, 4, 0), "Interrupted"), id="up to its limit"
        ),
        pytest.param(
            "FailIndex", Tries(), GiveUp(Tries(1, 0, 1), "Interrupted"), id="FailIndex ends it"
        ),
    ],
)
def test_a_rule_decides_about_an_interruption(action: str, tries: Tries, expected: Judgement):
    assert after_interruption(ruled(action, "Interrupted"), tries, 0, blamed=True) == expected


def test_a_rule_that_fails_the_job_names_the_task_and_itself():
    judgement = after_failure(ruled("FailJob", "Error"), Tries(), a_failure(reason="Error"))
    assert isinstance(judgement, GiveUp)
    assert judgement.job is not None
    assert judgement.job[0] == "PodFailurePolicy"
    assert "Task 7 ended with exit code 1" in judgement.job[1]
    assert "rules[0]" in judgement.job[1]


def test_a_command_that_cannot_start_is_tried_again_where_a_rule_ignores_that():
    judgement = after_failure(ruled("Ignore", "NotFound"), Tries(), a_failure(reason="NotFound"))
    assert judgement == RetryAt(Tries(1, 0, 0, 1), 1.0)


def test_interruptions_without_charge_do_not_lengthen_the_back_off():
    spec = a_job(failurePolicy={"rules": [{"onReasons": ["Interrupted"], "action": "Ignore"}]}).spec
    tries = Tries()
    for _ in range(5):
        lost = after_interruption(spec, tries, 7, blamed=True)
        assert isinstance(lost, RetryAt)
        tries = lost.tries
    assert after_failure(spec, tries, a_failure(5)) == RetryAt(Tries(6, 1, 0), 1.0)


def test_ignored_failures_do_and_are_counted_up_to_where_it_no_longer_matters():
    rule = {"onReasons": ["Error"], "action": "Ignore"}
    spec = a_job(failurePolicy={"rules": [rule]}).spec
    waits, tries = [], Tries()
    for ended in range(20):
        failed = after_failure(spec, tries, a_failure(ended, "Error"))
        assert isinstance(failed, RetryAt)
        tries = failed.tries
        waits.append(failed.delay)
    assert (waits[:3], waits[-1]) == ([1.0, 2.0, 4.0], 60.0)
    assert tries == Tries(20, 0, 0, 15)

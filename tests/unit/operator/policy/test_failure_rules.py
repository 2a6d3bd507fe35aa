"""``failurePolicy``: the first rule that matches decides."""

from typing import Any

import pytest

from distributedjob_api.v1alpha1 import FailureAction
from distributedjob_operator.core.policy.failure_rules import Ruling, ruling
from tests.support.builders import a_job

NONE = Ruling(FailureAction.COUNT)


def exits(action: str, operator: str, *values: int) -> dict[str, Any]:
    return {"action": action, "onExitCodes": {"operator": operator, "values": values}}


def ends(action: str, *reasons: str) -> dict[str, Any]:
    return {"action": action, "onReasons": reasons}


@pytest.mark.parametrize(
    ("rules", "reason", "exit_code", "expected"),
    [
        pytest.param([exits("FailJob", "In", 42)], "Error", 42, "FailJob", id="the code is named"),
        pytest.param([exits("FailJob", "In", 42)], "Error", 1, None, id="another code"),
        pytest.param(
            [exits("FailIndex", "NotIn", 0, 42)], "Error", 1, "FailIndex", id="any other code"
        ),
        pytest.param([exits("FailIndex", "NotIn", 42)], "Error", 42, None, id="not this code"),
        pytest.param(
            [exits("FailJob", "NotIn", 42)], "Signaled", -1, None, id="a signal has no code"
        ),
        pytest.param(
            [exits("FailJob", "In", 127)], "NotFound", 127, None, id="what never ran has no code"
        ),
        pytest.param(
            [exits("Ignore", "In", 1)], "DeadlineExceeded", 1, None, id="nor what ran too long"
        ),
        pytest.param(
            [ends("Ignore", "Interrupted")], "Interrupted", -1, "Ignore", id="a reason"
        ),
        pytest.param(
            [ends("Ignore", "Signaled", "OutOfMemory")], "OutOfMemory", -1, "Ignore",
            id="one of several reasons",
        ),
        pytest.param([ends("Ignore", "Signaled")], "Error", 1, None, id="another reason"),
        pytest.param(
            [exits("Ignore", "In", 3), ends("FailJob", "Error")], "Error", 3, "Ignore",
            id="the first rule that matches",
        ),
        pytest.param([ends("Count", "Error")], "Error", 1, "Count", id="Count is a rule, too"),
        pytest.param([], "Error", 1, None, id="no rules"),
    ],
)  # fmt: skip
def test_a_failure_is_ruled(
    rules: list[dict[str, Any]], reason: str, exit_code: int, expected: str | None
):
    policy = a_job(failurePolicy={"rules": rules}).spec.failure_policy if rules else None
    found = ruling(policy, reason, exit_code)
    assert found == (NONE if expected is None else Ruling(FailureAction(expected), found.rule))
    assert (found.rule >= 0) is (expected is not None)


def test_a_ruling_says_which_rule_it_was():
    rules = [ends("Ignore", "Signaled"), exits("FailJob", "In", 2)]
    policy = a_job(failurePolicy={"rules": rules}).spec.failure_policy
    assert ruling(policy, "Error", 2).rule == 1

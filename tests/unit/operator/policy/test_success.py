"""``successPolicy``: complete before every index succeeded."""

from typing import Any

import pytest

from distributedjob_api.indexes import BitMap, IndexTextError
from distributedjob_operator.core.policy.success import met
from tests.support.builders import a_job


@pytest.mark.parametrize(
    ("rules", "succeeded", "rule"),
    [
        pytest.param([{"succeededCount": 3}], {1, 5}, None, id="too few"),
        pytest.param([{"succeededCount": 3}], {1, 5, 9}, 0, id="enough of any"),
        pytest.param([{"succeededIndexes": "0,2-3"}], {0, 2, 3, 7}, 0, id="all of the chosen"),
        pytest.param([{"succeededIndexes": "0,2-3"}], {0, 2, 7}, None, id="one of them is missing"),
        pytest.param(
            [{"succeededIndexes": "0-4", "succeededCount": 2}], {3, 4}, 0, id="enough of the chosen"
        ),
        pytest.param(
            [{"succeededIndexes": "0-4", "succeededCount": 2}], {4, 8, 9}, None,
            id="others do not count",
        ),
        pytest.param(
            [{"succeededIndexes": "9"}, {"succeededCount": 2}], {1, 2}, 1, id="any rule will do"
        ),
        pytest.param(
            [{"succeededCount": 1}, {"succeededIndexes": "1"}], {1}, 0, id="the first is named"
        ),
        pytest.param([{"succeededCount": 1}], set(), None, id="nothing yet"),
    ],
)  # fmt: skip
def test_a_rule_holds(rules: list[dict[str, Any]], succeeded: set[int], rule: int | None):
    policy = a_job(successPolicy={"rules": rules}).spec.success_policy
    found = met(policy, BitMap(succeeded), 10)
    assert (found is None) is (rule is None)
    if found is not None:
        assert found[0] == "SuccessPolicy"
        assert f"rules[{rule}]" in found[1]


def test_without_a_policy_nothing_is_met():
    assert met(None, BitMap(range(10)), 10) is None


def test_indexes_that_do_not_exist_are_an_error():
    policy = a_job(successPolicy={"rules": [{"succeededIndexes": "5"}]}).spec.success_policy
    with pytest.raises(IndexTextError):
        met(policy, BitMap(), 3)

"""``backoffLimit`` and ``maxFailedIndexes``: one more than the limit is too many."""

import pytest

from distributedjob_operator.core.policy.limits import attempts_exceeded, indexes_exceeded
from tests.support.builders import a_job


@pytest.mark.parametrize(
    ("spec", "failures", "failed", "expected"),
    [
        pytest.param({}, 10**6, 9, None, id="no limits"),
        pytest.param({"backoffLimit": 3}, 3, 0, None, id="as many failures as allowed"),
        pytest.param({"backoffLimit": 3}, 4, 0, "BackoffLimitExceeded", id="one more"),
        pytest.param({"backoffLimit": 0}, 1, 0, "BackoffLimitExceeded", id="none allowed"),
        pytest.param({"maxFailedIndexes": 2}, 0, 2, None, id="as many indexes as allowed"),
        pytest.param(
            {"maxFailedIndexes": 2}, 0, 3, "MaxFailedIndexesExceeded", id="one more index"
        ),
        pytest.param(
            {"maxFailedIndexes": 0}, 0, 1, "MaxFailedIndexesExceeded", id="no index may fail"
        ),
        pytest.param(
            {"backoffLimit": 1, "maxFailedIndexes": 1}, 9, 9, "BackoffLimitExceeded",
            id="both at once: the attempts are named, as by Job",
        ),
    ],
)  # fmt: skip
def test_a_limit_is_exceeded(
    spec: dict[str, int], failures: int, failed: int, expected: str | None
):
    limits = a_job(**spec).spec
    found = attempts_exceeded(limits, failures) or indexes_exceeded(limits, failed)
    assert (found[0] if found else None) == expected


def test_the_message_names_both_numbers():
    found = attempts_exceeded(a_job(backoffLimit=1000).spec, 1234)
    assert found is not None
    assert "1,234 attempts failed" in found[1]
    assert "allows 1,000" in found[1]

"""What the regression gate of ``make bench`` calls worse."""

import pytest

from bench.gate import regressions
from bench.jobs import Run
from bench.spread import percentile

ACCEPTED = {"ratio_to_xargs": 1.4, "ratio_to_parallel": 8.0, "ratio_to_ceiling": None}


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param([1.4, 1.41, 1.39], id="as before"),
        pytest.param([1.9, 1.8, 1.85], id="better"),
        pytest.param([1.31, 1.3, 1.3], id="within the tolerance"),
        pytest.param([1.2, 1.35, 1.22], id="no farther off than its rounds are apart"),
    ],
)
def test_what_is_no_regression(rounds: list[float]):
    assert not list(regressions({"ratios": {"xargs": rounds}}, ACCEPTED))


def test_a_lower_ratio_is_named_with_both_values():
    (line,) = regressions({"ratios": {"xargs": [1.2, 1.21, 1.2], "parallel": [8.1]}}, ACCEPTED)
    assert "ratio_to_xargs" in line
    assert "1.20" in line
    assert "1.40" in line


def test_rounds_that_differ_too_much_decide_nothing_and_say_so():
    (line,) = regressions({"ratios": {"xargs": [0.9, 1.4, 1.6]}}, ACCEPTED)
    assert "quiet machine" in line


def test_what_was_never_accepted_or_not_measured_is_not_compared():
    assert not list(regressions({"ratios": {"ceiling": [0.1]}}, ACCEPTED))
    assert not list(regressions({}, ACCEPTED))


def test_the_rate_in_each_tenth_follows_the_statuses():
    steady = Run(1000, seconds=10.0, progress=[(step / 2, step * 50) for step in range(21)])
    assert steady.tenths() == pytest.approx([100.0] * 10)
    slower = Run(
        1000,
        seconds=15.0,
        progress=[(step / 2, step * 50) for step in range(11)]
        + [(5 + step, 500 + step * 50) for step in range(1, 11)],
    )
    assert slower.tenths() == pytest.approx([100.0] * 5 + [50.0] * 5)


def test_a_percentile_is_one_of_the_values():
    values = [float(value) for value in range(100, 0, -1)]
    assert percentile(values, 0.5) == 50.0
    assert percentile(values, 0.99) == 99.0
    assert percentile([3.0], 0.99) == 3.0

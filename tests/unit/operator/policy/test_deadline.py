"""The clock of ``activeDeadlineSeconds``."""

import pytest

from distributedjob_operator.core.policy.deadline import ActiveClock

Turn = tuple[bool, float]


@pytest.mark.parametrize(
    ("turns", "now", "seconds"),
    [
        pytest.param([], 50.0, 0.0, id="never started"),
        pytest.param([(True, 10.0)], 15.0, 5.0, id="it runs from its start"),
        pytest.param([(True, 10.0), (True, 12.0)], 15.0, 5.0, id="started twice"),
        pytest.param([(True, 10.0), (False, 12.0)], 99.0, 2.0, id="stopped"),
        pytest.param([(True, 10.0), (False, 12.0), (False, 50.0)], 99.0, 2.0, id="stopped twice"),
        pytest.param([(True, 10.0), (False, 12.0), (True, 20.0)], 21.0, 3.0, id="resumed"),
    ],
)
def test_what_the_clock_shows(turns: list[Turn], now: float, seconds: float):
    clock = ActiveClock()
    for running, moment in turns:
        clock.run(running, moment)
    assert clock.seconds(now) == seconds


@pytest.mark.parametrize(
    ("clock", "due"),
    [
        pytest.param(ActiveClock(), None, id="never, while it stands"),
        pytest.param(ActiveClock(0.0, 10.0), 40.0, id="from its start"),
        pytest.param(ActiveClock(25.0, 10.0), 15.0, id="less what it showed before"),
        pytest.param(ActiveClock(50.0, 10.0), -10.0, id="already over"),
    ],
)
def test_when_the_deadline_is_due(clock: ActiveClock, due: float | None):
    assert clock.reaches(30.0) == due


def test_another_run_begins_at_nothing():
    clock = ActiveClock(25.0, 10.0)
    clock.restart()
    assert clock.seconds(99.0) == 0.0

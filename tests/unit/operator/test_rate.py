"""How many a second, of late."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributedjob_operator.core.rate import SECONDS, Rate


def steady(per_second: float, seconds: int) -> Rate:
    rate = Rate()
    for tenth in range(seconds * 10):
        rate = rate.after(int(per_second / 10), tenth / 10)
    return rate


def test_nothing_happened_is_zero_at_any_time():
    assert (Rate().per_second(0), Rate().per_second(1e9)) == (0, 0)


@pytest.mark.parametrize("per_second", [10, 200, 3000])
def test_what_goes_on_evenly_is_its_own_rate(per_second: int):
    assert steady(per_second, 60).per_second(59.95) == pytest.approx(per_second, rel=0.05)


def test_what_has_stopped_fades():
    rate = steady(100, 60)
    assert rate.per_second(60 + SECONDS) < 45
    assert rate.per_second(60 + 10 * SECONDS) < 0.1


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 10**6)), max_size=20))
def test_it_is_never_negative_and_never_more_than_all_of_it_at_once(
    events: list[tuple[float, int]],
):
    rate, now = Rate(), 0.0
    for pause, count in events:
        now += pause
        rate = rate.after(count, now)
    assert 0 <= rate.per_second(now) <= sum(count for _, count in events) / SECONDS + 1e-6

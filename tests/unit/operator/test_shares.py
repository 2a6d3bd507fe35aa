"""Fair division: nothing wasted, nobody over a limit, the least served first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributedjob_operator.core.shares import level, max_min

AMOUNTS = st.integers(0, 5_000)


@given(AMOUNTS, st.lists(AMOUNTS, max_size=12))
def test_nobody_gets_more_than_asked_and_nothing_is_wasted(capacity: int, demands: list[int]):
    grants = max_min(capacity, demands)
    assert all(0 <= grant <= demand for grant, demand in zip(grants, demands, strict=True))
    assert sum(grants) == min(capacity, sum(demands))


@given(AMOUNTS, st.lists(AMOUNTS, max_size=12))
def test_whoever_asked_for_more_than_it_got_got_as_much_as_anyone(
    capacity: int, demands: list[int]
):
    grants = max_min(capacity, demands)
    for grant, demand in zip(grants, demands, strict=True):
        if grant < demand:
            assert grant >= max(grants) - 1


@pytest.mark.parametrize(
    ("capacity", "demands", "grants"),
    [
        pytest.param(10, [20, 20], [5, 5], id="two hungry jobs get half each"),
        pytest.param(10, [2, 20], [2, 8], id="what the modest one leaves goes to the other"),
        pytest.param(3, [5, 5], [2, 1], id="a remainder goes to the first"),
        pytest.param(0, [5, 5], [0, 0], id="nothing is divided into nothing"),
        pytest.param(10, [], [], id="nobody asks"),
    ],
)
def test_capacity_is_divided(capacity: int, demands: list[int], grants: list[int]):
    assert max_min(capacity, demands) == grants


WORKERS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=12)


@given(st.integers(-5, 4_000), WORKERS)
def test_units_are_handed_out_as_far_as_there_is_room_and_never_beyond(
    supply: int, workers: list[tuple[int, int]]
):
    held, limits = [have for have, _ in workers], [limit for _, limit in workers]
    gains = level(supply, held, limits)
    room = [max(0, limit - have) for have, limit in workers]
    assert all(0 <= gain <= free for gain, free in zip(gains, room, strict=True))
    assert sum(gains) == min(max(0, supply), sum(room))


@given(st.integers(1, 500), st.lists(st.integers(0, 50), min_size=1, max_size=8))
def test_whoever_got_something_ends_no_fuller_than_whoever_got_less(supply: int, held: list[int]):
    after = [
        have + gain for have, gain in zip(held, level(supply, held, [100] * len(held)), strict=True)
    ]
    for have, now in zip(held, after, strict=True):
        if now > have:
            assert now <= min(after) + 1


def test_a_worker_twice_the_size_gets_twice_as_much():
    assert level(30, [0, 0], [40, 80]) == [10, 20]

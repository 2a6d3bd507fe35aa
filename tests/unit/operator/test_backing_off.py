"""Waiting indexes against a plain dictionary of when each is due."""

from hypothesis import given
from hypothesis import strategies as st

from distributedjob_api.indexes import BitMap
from distributedjob_operator.core.backing_off import BackingOff

INDEXES = st.frozensets(st.integers(0, 12), max_size=6)
STEPS = st.one_of(
    st.tuples(st.just("wait"), INDEXES, st.integers(1, 4)),
    st.tuples(st.just("leave"), INDEXES),
    st.tuples(st.just("wake"), st.integers(0, 3)),
)


@given(st.lists(STEPS, max_size=20))
def test_each_waits_until_it_is_due_last(steps):
    waiting, expected, now = BackingOff(), {}, 0
    for step in steps:
        match step:
            case ("wait", indexes, seconds):
                waiting.wait(BitMap(indexes), now + seconds)
                expected |= dict.fromkeys(indexes, now + seconds)
            case ("leave", indexes):
                waiting.leave(BitMap(indexes))
                expected = {i: due for i, due in expected.items() if i not in indexes}
            case ("wake", seconds):
                now += seconds
                woken = {i for i, due in expected.items() if due <= now}
                assert set(waiting.wake(now)) == woken
                expected = {i: due for i, due in expected.items() if due > now}
        assert {index: waiting.due(index) for index in waiting.indexes} == expected
        assert waiting.next() == min(expected.values(), default=None)
        assert waiting.due(99) is None

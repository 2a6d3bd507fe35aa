"""The counters of many indexes against a plain dictionary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributedjob_api.indexes import BitMap
from distributedjob_operator.core.policy.retry import Tries
from distributedjob_operator.core.tried import Tried

INDEXES = st.frozensets(st.integers(0, 30), max_size=10)
TRIES = st.tuples(*[st.integers(0, 5)] * 4).map(lambda some: Tries(sum(some), *some[1:]))


@given(st.lists(st.tuples(INDEXES, st.one_of(st.none(), TRIES)), max_size=8), INDEXES)
def test_it_is_what_a_dictionary_would_be_and_is_read_back_from_a_status(steps, asked):
    tried, expected = Tried(), {}
    for indexes, tries in steps:
        if tries is None:
            tried.drop(BitMap(indexes))
        else:
            tried.put(BitMap(indexes), tries)
        kept = tries if tries and tries.ended else None
        expected |= dict.fromkeys(indexes, kept)
    expected = {index: tries for index, tries in expected.items() if tries}
    counters = tried.counters()
    assert (counters is None) == (not expected)
    for one in (tried, Tried.recorded(counters) if counters else Tried()):
        assert one == expected == Tried(expected)
        assert one.ended() == {index: tries.ended for index, tries in expected.items()}
        parts = one.split(BitMap(asked))
        assert sorted(index for _, part in parts for index in part) == sorted(asked)
        for tries, part in parts:
            assert {expected.get(index, Tries()) for index in part} == {tries}


def test_what_the_other_counters_explain_takes_no_room():
    counters = Tried({3: Tries(3, 1, 1, 1)}).counters()
    assert counters is not None
    assert counters.uncharged == []


@pytest.mark.parametrize(
    "tries",
    [
        pytest.param(Tries(1, 1, 1), id="fewer ended than charged"),
        pytest.param(Tries(1, -1, 0), id="negative"),
    ],
)
def test_counters_that_do_not_add_up_are_refused(tries: Tries):
    with pytest.raises(ValueError, match="do not add up"):
        Tried({7: tries})

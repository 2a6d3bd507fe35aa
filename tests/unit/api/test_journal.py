"""What a journal's message says of itself before it is read."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from distributedjob_api.indexes import BitMap, from_ranges
from distributedjob_api.journal import INDEXES_HEADER, MOST_RANGES, covering, headers_of, may_hold
from distributedjob_api.messages import JournalBatch, TaskRecord

index_sets = st.sets(st.integers(0, 999_999), min_size=1, max_size=200)


def batch(indexes: set[int]) -> JournalBatch:
    records = [TaskRecord(index, 1, 0.0, 0.0, "", 0, 0, b"", b"", 0, 0) for index in indexes]
    return JournalBatch("u", 0, "n", records)


@given(index_sets)
def test_a_message_never_denies_what_it_holds_and_its_headers_stay_short(indexes):
    headers = headers_of(batch(indexes))
    assert all(may_hold(headers, BitMap([index])) for index in indexes)
    assert not may_hold(headers, BitMap([min(indexes) - 1] if min(indexes) else []))
    assert len(headers[INDEXES_HEADER]) < 512


def test_one_of_few_ranges_denies_everything_else():
    headers = headers_of(batch({*range(100), 200, *range(300, 400)}))
    assert headers == {INDEXES_HEADER: "0-99,200,300-399"}
    assert not may_hold(headers, BitMap([150, 250, 400]))
    assert may_hold(headers, BitMap([150, 200]))


def test_one_that_does_not_say_what_it_holds_may_hold_anything():
    for headers in (None, {}, {INDEXES_HEADER: "damaged"}, {INDEXES_HEADER: "9-1"}):
        assert may_hold(headers, BitMap([5]))


@given(index_sets, st.integers(1, MOST_RANGES))
def test_ranges_that_are_too_many_close_the_narrowest_gaps(indexes, most):
    covered = covering(indexes, most)
    whole = from_ranges(covered)
    assert len(covered) <= most
    assert BitMap(indexes) <= whole
    gaps = sorted(b - a for a, b in pairwise(sorted(indexes)))
    kept = [b[0] - a[1] for a, b in pairwise(covered)]
    assert sorted(kept) == gaps[len(gaps) - len(kept) :]

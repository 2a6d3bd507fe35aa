"""Counters are what a plain dictionary would be, and fit where they are stored."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributedjob_api import spec_rules
from distributedjob_api.constants import MAX_COMPLETIONS
from distributedjob_api.counters import Sliced
from distributedjob_api.indexes import BitMap, IndexTextError, encode

ETCD_REQUEST_BYTES = 1_572_864
COUNTED_INDEXES = 65_536

INDEXES = st.frozensets(st.integers(0, 40), max_size=12)


@given(st.lists(st.tuples(INDEXES, st.integers(0, 300))), INDEXES)
def test_they_are_what_a_dictionary_would_be_and_are_read_back(puts, asked):
    counts, expected = Sliced(), dict.fromkeys(range(41), 0)
    for indexes, number in puts:
        counts.put(BitMap(indexes), number)
        expected |= dict.fromkeys(indexes, number)
    for one in (counts, Sliced.decoded(counts.encoded())):
        assert {index: one.of(index) for index in expected} == expected
        assert set(one.indexes()) == {index for index, number in expected.items() if number}
        parts = one.split(BitMap(asked))
        assert sorted(index for _, part in parts for index in part) == sorted(asked)
        assert all(expected[index] == number for number, part in parts for index in part)
        assert len({number for number, _ in parts}) == len(parts)


def test_as_many_sets_are_written_as_the_highest_number_has_bits():
    counts = Sliced()
    counts.put(BitMap([3, 4]), 300)
    counts.put(BitMap([3]), 0)
    assert len(counts.encoded()) == 9
    counts.put(BitMap([4]), 1)
    assert counts.encoded() == [encode(BitMap([4]))]
    counts.put(BitMap([4]), 0)
    assert counts.encoded() == []


def test_a_damaged_counter_is_named():
    with pytest.raises(IndexTextError):
        Sliced.decoded(["?"])


@pytest.mark.parametrize(
    ("completions", "failures", "interruptions", "limit"),
    [
        pytest.param(MAX_COMPLETIONS, 3, 3, 1 << 20, id="the largest job at the defaults"),
        pytest.param(MAX_COMPLETIONS, 7, 7, ETCD_REQUEST_BYTES, id="the largest job's limits"),
        pytest.param(spec_rules.LARGE_JOB, 63, 63, ETCD_REQUEST_BYTES, id="the widest limits"),
    ],
)
def test_the_worst_pattern_fits(completions, failures, interruptions, limit):
    # Each count is the one with the most bits that its limit allows, at scattered
    # indexes, beside sets of outcomes that do not compress.
    chosen = random.Random(0).sample(range(completions), completions // 2)
    size = len(encode(BitMap(chosen))) * 2
    for most in (failures, interruptions):
        counts = Sliced()
        counts.put(BitMap(chosen[:COUNTED_INDEXES]), most)
        size += sum(map(len, counts.encoded()))
    assert size < limit

"""Counters survive the status, and the status fits where it is stored."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributedjob_api import spec_rules
from distributedjob_api.constants import MAX_COMPLETIONS
from distributedjob_api.counters import decode_counters, encode_counters
from distributedjob_api.indexes import BitMap, IndexTextError, encode
from distributedjob_api.v1alpha1 import Counters

ETCD_REQUEST_BYTES = 1_572_864
COUNTED_INDEXES = 65_536

counts = st.tuples(st.integers(0, 9), st.integers(0, 300), st.integers(0, 300)).map(
    lambda drawn: (sum(drawn), drawn[1], drawn[2])
)


@given(st.dictionaries(st.integers(0, MAX_COMPLETIONS - 1), counts, max_size=50))
def test_counters_are_read_back(attempts):
    counted = {index: each for index, each in attempts.items() if any(each)}
    written = encode_counters(attempts)
    assert (decode_counters(written) if written else {}) == counted


@pytest.mark.parametrize(
    "attempts",
    [
        pytest.param({}, id="no index"),
        pytest.param({5: (0, 0, 0)}, id="an index never tried"),
    ],
)
def test_nothing_to_keep_is_none(attempts):
    assert encode_counters(attempts) is None


def test_what_failures_and_interruptions_explain_takes_no_room():
    assert encode_counters({3: (2, 1, 1)}).uncharged == []


@pytest.mark.parametrize(
    "each",
    [
        pytest.param((1, 1, 1), id="fewer ended than charged"),
        pytest.param((1, -1, 0), id="negative"),
    ],
)
def test_counters_that_do_not_add_up_are_refused(each):
    with pytest.raises(ValueError, match="index 7 do not add up"):
        encode_counters({7: each})


def test_a_damaged_counter_is_named():
    with pytest.raises(IndexTextError):
        decode_counters(Counters(failures=["?"]))


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
    each = (failures + interruptions, failures, interruptions)
    counters = encode_counters(dict.fromkeys(chosen[:COUNTED_INDEXES], each))
    outcomes = BitMap(chosen)
    size = len(counters.model_dump_json()) + len(encode(outcomes)) * 2
    assert size < limit

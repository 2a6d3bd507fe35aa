"""Index sets behave as plain sets of numbers do."""

import base64
import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributedjob_api import indexes
from distributedjob_api.indexes import BitMap, IndexTextError

BOUND = 3000
# Long runs as well as scattered members: both forms of a compressed set occur.
plain_sets = st.one_of(
    st.sets(st.integers(0, BOUND - 1), max_size=60),
    st.lists(st.tuples(st.integers(0, BOUND - 1), st.integers(0, 200)), max_size=6).map(
        lambda runs: {i for first, size in runs for i in range(first, min(first + size, BOUND))}
    ),
)


@given(plain_sets)
def test_text_is_read_back_as_the_set_it_was_written_from(members):
    text, whole = indexes.format_indexes(BitMap(members))
    assert whole
    assert set(indexes.parse_indexes(text, below=BOUND)) == members


@given(plain_sets)
def test_ranges_are_maximal_ascending_and_cover_the_set(members):
    runs = indexes.ranges(BitMap(members))
    covered = [i for first, last in runs for i in range(first, last + 1)]
    assert covered == sorted(members)
    assert all(last + 1 < first for (_, last), (first, _) in itertools.pairwise(runs))
    assert set(indexes.from_ranges(runs)) == members


@given(st.lists(st.integers(0, BOUND), unique=True, max_size=80))
def test_runs_of_indexes_in_any_order_are_those_of_their_set(members):
    assert indexes.runs_of(members) == indexes.ranges(BitMap(members))


@given(plain_sets, plain_sets)
def test_ranges_may_overlap_and_come_in_any_order(one, other):
    runs = indexes.ranges(BitMap(one)) + indexes.ranges(BitMap(other))
    assert set(indexes.from_ranges(reversed(runs))) == one | other


@given(plain_sets, st.integers(-1, BOUND))
def test_take_gives_the_lowest(members, count):
    assert list(indexes.take(BitMap(members), count)) == sorted(members)[: max(0, count)]


@given(plain_sets)
def test_take_gives_a_set_of_its_own(members):
    whole = BitMap(members)
    indexes.take(whole, BOUND).clear()
    assert set(whole) == members


@given(plain_sets)
def test_an_encoded_set_is_read_back(members):
    assert set(indexes.decode(indexes.encode(BitMap(members)))) == members


@given(plain_sets, st.integers(0, 200))
def test_a_cut_text_says_so_and_holds_the_lowest_indexes(members, limit):
    whole, _ = indexes.format_indexes(BitMap(members))
    text, complete = indexes.format_indexes(BitMap(members), limit)
    assert complete == (text == whole)
    if not complete:
        assert text.endswith(indexes.CUT_MARK)
        assert len(text) <= limit + len(indexes.CUT_MARK)
        assert whole.startswith(text.removesuffix(indexes.CUT_MARK))


@given(st.one_of(st.text(), st.binary().map(lambda data: base64.b64encode(data).decode())))
def test_what_is_no_encoded_set_raises_nothing_but_an_index_text_error(text):
    with contextlib.suppress(IndexTextError):
        indexes.decode(text)


@given(st.text(alphabet="0123456789-, x٣"))
def test_any_text_is_read_or_refused(text):
    try:
        read = indexes.parse_indexes(text, below=BOUND)
    except IndexTextError:
        return
    assert all(index < BOUND for index in read)


@pytest.mark.parametrize(
    ("text", "members"),
    [
        pytest.param("", set(), id="empty text is the empty set"),
        pytest.param("7", {7}, id="one index"),
        pytest.param("0-3,7", {0, 1, 2, 3, 7}, id="a range and an index"),
        pytest.param(" 0 - 0".replace(" - ", "-") + " , 5 ", {0, 5}, id="blanks around items"),
        pytest.param("5,1-2", {1, 2, 5}, id="any order"),
        pytest.param("1-5,3-9", set(range(1, 10)), id="overlapping ranges"),
    ],
)
def test_reads(text, members):
    assert set(indexes.parse_indexes(text, below=10)) == members


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("3-1", "item 1 (3-1) runs backwards", id="backward range"),
        pytest.param("1,10", "the last index is 9", id="index beyond the last"),
        pytest.param("0-10", "the last index is 9", id="range beyond the last"),
        pytest.param("1,,2", "item 2 ('')", id="empty item"),
        pytest.param("1,", "item 2 ('')", id="comma at the end"),
        pytest.param("-1", "write something like 0-99,200", id="negative"),
        pytest.param("all", "write something like 0-99,200", id="a word"),
        pytest.param("01", "neither an index nor a range", id="leading zero"),
        pytest.param("1..3", "neither an index nor a range", id="dots"),
        pytest.param("9" * 5000, "neither an index nor a range", id="endless number"),
    ],
)
def test_refuses_and_names_the_place(text, words):
    with pytest.raises(IndexTextError) as caught:
        indexes.parse_indexes(text, below=10)
    assert words in str(caught.value)

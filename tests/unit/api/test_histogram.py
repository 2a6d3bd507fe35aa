"""Histograms that take in batches."""

from hypothesis import given
from hypothesis import strategies as st

from distributedjob_api.histogram import SECONDS, Histogram

VALUES = st.lists(st.one_of(st.floats(0, 20_000), st.sampled_from(SECONDS)))


@given(VALUES)
def test_a_batch_counts_as_its_values_one_by_one(values: list[float]) -> None:
    whole, single = Histogram(SECONDS), Histogram(SECONDS)
    whole.observe_all(values)
    for value in values:
        single.observe(value)
    assert whole.counts == single.counts


@given(VALUES)
def test_every_bound_counts_what_is_not_above_it(values: list[float]) -> None:
    histogram = Histogram(SECONDS)
    histogram.observe_all(values)
    bounds = [*SECONDS, float("inf")]
    expected = [sum(value <= bound for value in values) for bound in bounds]
    assert [count for _, count in histogram.cumulative()] == expected
    assert [float(bound) for bound, _ in histogram.cumulative()] == bounds


def test_a_weight_is_so_many_values() -> None:
    histogram = Histogram((1.0, 2.0))
    histogram.observe(1.5, 1000)
    assert histogram.cumulative() == [("1.0", 0), ("2.0", 1000), ("+Inf", 1000)]
    assert histogram.sum == 1500


def test_a_copy_stays_as_it_was() -> None:
    histogram = Histogram((1.0,))
    copied = histogram.copy()
    histogram.observe(0.5)
    assert copied.counts == [0, 0]
    assert copied.sum == 0

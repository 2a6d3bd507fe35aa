"""Medians, percentiles and spread of a few measurements."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """What several measurements of one thing say together."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.median:,.0f} ({self.least:,.0f}-{self.most:,.0f})"


def spread(values: Sequence[float]) -> Spread:
    """Median and range."""
    return Spread(statistics.median(values), min(values), max(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(len(ordered) * share) - 1))]

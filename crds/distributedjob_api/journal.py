"""What a journal's message says in its headers, so that most need not be read.

Whoever looks for few of a job's tasks takes the headers of all its messages, which
JetStream sends alone, and then reads those that may hold one of them.
"""

import heapq
from collections.abc import Iterable, Mapping
from typing import Final

from distributedjob_api.constants import MAX_COMPLETIONS
from distributedjob_api.indexes import (
    BitMap,
    IndexTextError,
    format_indexes,
    from_ranges,
    parse_indexes,
    ranges,
)
from distributedjob_api.messages import JournalBatch, Range

INDEXES_HEADER: Final = "Djob-Indexes"
MOST_RANGES: Final = 32
"""Ranges that one header holds, at most: some 450 bytes."""


def headers_of(batch: JournalBatch) -> dict[str, str]:
    """The headers that go with a batch: where its indexes lie."""
    covered = covering(BitMap(record.index for record in batch.records), MOST_RANGES)
    return {INDEXES_HEADER: format_indexes(from_ranges(covered))[0]}


def may_hold(headers: Mapping[str, str] | None, wanted: BitMap) -> bool:
    """Whether a message may hold one of these indexes; one that does not say so may."""
    text = (headers or {}).get(INDEXES_HEADER)
    if text is None:
        return True
    try:
        return bool(parse_indexes(text, MAX_COMPLETIONS).intersect(wanted))
    except IndexTextError:
        return True


def covering(indexes: Iterable[int], most: int) -> list[Range]:
    """The ranges of a set, or where these are too many, those that cover it with least beside it.

    The narrowest gaps between ranges are closed.
    """
    found = ranges(BitMap(indexes))
    if len(found) <= most:
        return found
    behind = range(1, len(found))
    widest = heapq.nlargest(most - 1, behind, key=lambda at: found[at][0] - found[at - 1][1])
    firsts = [0, *sorted(widest)]
    lasts = [*(first - 1 for first in firsts[1:]), len(found) - 1]
    return [(found[a][0], found[b][1]) for a, b in zip(firsts, lasts, strict=True)]

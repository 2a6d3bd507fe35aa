"""Index sets: the indexes of a job's tasks as compressed bitmaps, ranges and text.

The text form is the one ``batch/v1`` Job prints in ``status.completedIndexes``:
ascending indexes and inclusive ranges joined by commas, such as ``0-4,7``.
"""

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from pyroaring import BitMap

__all__ = [
    "CUT_MARK",
    "BitMap",
    "IndexTextError",
    "decode",
    "encode",
    "format_indexes",
    "from_ranges",
    "iter_ranges",
    "parse_indexes",
    "ranges",
    "runs_of",
    "take",
]

CUT_MARK: Final = ",..."
"""Ends a text that was cut; the exact set then stands beside it, encoded."""

FEW: Final = 32
"""Of a set up to this size the runs are found faster one by one: a shift copies it all."""

_ITEM: Final = re.compile(r"(0|[1-9][0-9]{0,8})(?:-(0|[1-9][0-9]{0,8}))?")


class IndexTextError(ValueError):
    """A text that is no list of index ranges; the message names the place."""


def iter_ranges(indexes: BitMap) -> Iterator[tuple[int, int]]:
    """Yield the maximal runs of a set as inclusive ``(first, last)``, ascending.

    The work is done on the compressed form: it costs as many steps as there are
    runs, not as there are indexes.
    """
    if len(indexes) <= FEW:
        return iter(_runs(indexes))
    firsts = indexes - indexes.shift(1)
    lasts = indexes - indexes.shift(-1)
    return zip(firsts, lasts, strict=True)


def runs_of(indexes: Collection[int]) -> list[tuple[int, int]]:
    """The runs of distinct indexes in any order, as :func:`ranges` has them."""
    return _runs(sorted(indexes)) if len(indexes) <= FEW else ranges(BitMap(indexes))


def _runs(indexes: Iterable[int]) -> list[tuple[int, int]]:
    """The runs of a few ascending indexes, one after the other."""
    found: list[tuple[int, int]] = []
    first = last = -1
    for index in indexes:
        if index != last + 1 or last < 0:
            if last >= 0:
                found.append((first, last))
            first = index
        last = index
    if last >= 0:
        found.append((first, last))
    return found


def ranges(indexes: BitMap) -> list[tuple[int, int]]:
    """The runs of a set as a list; see :func:`iter_ranges`."""
    return list(iter_ranges(indexes))


def from_ranges(pairs: Iterable[tuple[int, int]]) -> BitMap:
    """The set made of inclusive ranges, in any order, overlapping or not."""
    indexes = BitMap()
    for first, last in pairs:
        indexes.add_range(first, last + 1)
    return indexes


def take(indexes: BitMap, count: int) -> BitMap:
    """The lowest ``count`` members, or the whole set where it has fewer."""
    if count <= 0:
        return BitMap()
    if count >= len(indexes):
        return indexes.copy()
    bound = indexes[count]
    return indexes & BitMap(range(indexes.min(), bound))


def parse_indexes(text: str, below: int) -> BitMap:
    """Read ``"0-99,200"``; blanks around items are allowed, order is free.

    Args:
        text: the list; an empty text is the empty set.
        below: every index must be lower than this.

    Raises:
        IndexTextError: an item is malformed, a range runs backwards, or an index
            is out of bounds.
    """
    indexes = BitMap()
    if not text.strip():
        return indexes
    for position, item in enumerate(text.split(","), start=1):
        found = _ITEM.fullmatch(item.strip())
        if found is None:
            raise IndexTextError(
                f"item {position} ({item.strip()!r}) is neither an index nor a range;"
                " write something like 0-99,200"
            )
        first = int(found[1])
        last = first if found[2] is None else int(found[2])
        if last < first:
            raise IndexTextError(f"item {position} ({item.strip()}) runs backwards")
        if last >= below:
            raise IndexTextError(
                f"item {position} ({item.strip()}) is out of bounds: the last index is {below - 1}"
            )
        indexes.add_range(first, last + 1)
    return indexes


def format_indexes(indexes: BitMap, limit: int | None = None) -> tuple[str, bool]:
    """Write a set as Job does, cut to about ``limit`` characters.

    Returns:
        The text, and whether it is whole. A cut text ends in :data:`CUT_MARK`.
    """
    parts: list[str] = []
    length = 0
    for first, last in iter_ranges(indexes):
        part = str(first) if first == last else f"{first}-{last}"
        length += len(part) + 1
        if limit is not None and length > limit:
            return ",".join(parts) + CUT_MARK, False
        parts.append(part)
    return ",".join(parts), True


def encode(indexes: BitMap) -> str:
    """A set as base64 of the portable roaring format, in its smallest form."""
    compact = indexes.copy()
    compact.run_optimize()
    return base64.b64encode(compact.serialize()).decode("ascii")


def decode(text: str) -> BitMap:
    """The inverse of :func:`encode`.

    Raises:
        IndexTextError: the text is not what :func:`encode` writes.
    """
    try:
        return BitMap.deserialize(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, IndexError) as error:
        raise IndexTextError(f"not an encoded index set: {error}") from error

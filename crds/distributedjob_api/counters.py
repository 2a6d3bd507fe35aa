"""Counters of a job's unfinished indexes, as bit-sliced bitmaps in the status.

Element ``k`` of a list is the encoded set of the indexes whose counter has bit ``k`` set:
a few compressed bitmaps, however many indexes failed. Of ``ended`` only what exceeds
the others is kept, which is mostly nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from distributedjob_api.indexes import BitMap, decode, encode
from distributedjob_api.status import Counters


def encode_counters(
    attempts: Mapping[int, tuple[int, int, int]], ignored: Mapping[int, int] | None = None
) -> Counters | None:
    """Write ``{index: (ended, failures, interruptions)}``, and of some the ignored failures.

    Returns:
        The counters, or None where there is nothing to keep. An index whose counters are
        all 0 is not kept.

    Raises:
        ValueError: a counter is negative, or ``ended`` is below the sum of the others.
    """
    if not any(any(counts) for counts in attempts.values()):
        return None
    ignored = ignored or {}
    return Counters(
        uncharged=_slices(
            (i, ended - f - lost - ignored.get(i, 0)) for i, (ended, f, lost) in attempts.items()
        ),
        ignored=_slices(ignored.items()),
        failures=_slices((i, failures) for i, (_, failures, _) in attempts.items()),
        interruptions=_slices((i, lost) for i, (_, _, lost) in attempts.items()),
    )


def decode_counters(counters: Counters) -> dict[int, tuple[int, int, int]]:
    """The inverse of :func:`encode_counters`.

    Raises:
        IndexTextError: an element is not an encoded set.
    """
    uncharged = _values(counters.uncharged)
    failures = _values(counters.failures)
    ignored = decode_ignored(counters)
    interruptions = _values(counters.interruptions)
    return {
        index: (
            uncharged[index] + ignored.get(index, 0) + failures[index] + interruptions[index],
            failures[index],
            interruptions[index],
        )
        for index in sorted(
            uncharged.keys() | ignored.keys() | failures.keys() | interruptions.keys()
        )
    }


def decode_ignored(counters: Counters) -> dict[int, int]:
    """How often an index failed without charge; raises :class:`IndexTextError`."""
    return _values(counters.ignored)


def _slices(values: Iterable[tuple[int, int]]) -> list[str]:
    """Encode ``(index, value)`` pairs, a set for each bit."""
    members: list[list[int]] = []
    for index, value in values:
        if value < 0:
            raise ValueError(f"the counters of index {index} do not add up")
        members.extend([] for _ in range(value.bit_length() - len(members)))
        for bit in range(value.bit_length()):
            if value >> bit & 1:
                members[bit].append(index)
    return [encode(BitMap(indexes)) for indexes in members]


def _values(slices: Sequence[str]) -> defaultdict[int, int]:
    """The value of each index that occurs in a slice, 0 for any other."""
    values: defaultdict[int, int] = defaultdict(int)
    for bit, text in enumerate(slices):
        for index in decode(text):
            values[index] |= 1 << bit
    return values

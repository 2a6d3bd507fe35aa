"""The counters of all indexes that were tried and have no outcome, however many there are."""

from collections.abc import Iterator, Mapping, MutableMapping

from distributedjob_api.counters import Sliced
from distributedjob_api.indexes import BitMap
from distributedjob_api.v1alpha1 import Counters
from distributedjob_operator.core.policy.retry import Tries

NEVER = Tries()


class Tried(MutableMapping[int, Tries]):
    """A mapping of indexes that is read and written a set at a time; one never tried is not in it.

    Of the attempts ended only what the other counters do not explain is kept, which is
    mostly nothing.
    """

    def __init__(self, tries: Mapping[int, Tries] | None = None) -> None:
        self.indexes = BitMap()
        self._uncharged, self._failures = Sliced(), Sliced()
        self._interruptions, self._ignored = Sliced(), Sliced()
        alike: dict[Tries, list[int]] = {}
        for index, each in (tries or {}).items():
            alike.setdefault(each, []).append(index)
        for each, indexes in alike.items():
            self.put(BitMap(indexes), each)

    @classmethod
    def recorded(cls, counters: Counters) -> "Tried":
        """As a status says; raises :class:`IndexTextError`."""
        tried = cls()
        tried._uncharged = Sliced.decoded(counters.uncharged)
        tried._failures = Sliced.decoded(counters.failures)
        tried._interruptions = Sliced.decoded(counters.interruptions)
        tried._ignored = Sliced.decoded(counters.ignored)
        tried.indexes = BitMap().union(*(counts.indexes() for counts in tried._counters))
        return tried

    def counters(self) -> Counters | None:
        """As they stand in a status; None where there is nothing to keep."""
        if not self.indexes:
            return None
        return Counters(
            uncharged=self._uncharged.encoded(),
            failures=self._failures.encoded(),
            interruptions=self._interruptions.encoded(),
            ignored=self._ignored.encoded(),
        )

    @property
    def _counters(self) -> tuple[Sliced, Sliced, Sliced, Sliced]:
        return self._uncharged, self._failures, self._interruptions, self._ignored

    def put(self, indexes: BitMap, tries: Tries) -> None:
        """Give all these indexes the same counters.

        Raises:
            ValueError: a counter is negative, or fewer attempts ended than were counted.
        """
        uncharged = tries.ended - tries.failed - tries.interruptions
        values = (uncharged, tries.failures, tries.interruptions, tries.ignored)
        if min(values) < 0:
            raise ValueError(f"counters that do not add up: {tries}")
        for counts, value in zip(self._counters, values, strict=True):
            counts.put(indexes, value)
        if tries.ended:
            self.indexes |= indexes
        else:
            self.indexes -= indexes

    def drop(self, indexes: BitMap) -> None:
        """Forget these indexes: they have an outcome."""
        self.put(indexes, NEVER)

    def split(self, indexes: BitMap) -> list[tuple[Tries, BitMap]]:
        """Part indexes by their counters, those never tried among them."""
        if not indexes:
            return []
        if not self.indexes.intersect(indexes):
            return [(NEVER, indexes)]
        return [
            (Tries(uncharged + failures + lost + ignored, failures, lost, ignored), part)
            for failures, some in self._failures.split(indexes)
            for lost, fewer in self._interruptions.split(some)
            for ignored, few in self._ignored.split(fewer)
            for uncharged, part in self._uncharged.split(few)
        ]

    def ended(self) -> dict[int, int]:
        """How many attempts of each index ended."""
        return {index: tries.ended for tries, part in self.split(self.indexes) for index in part}

    def __getitem__(self, index: int) -> Tries:
        if index not in self.indexes:
            raise KeyError(index)
        uncharged, failures, lost, ignored = (counts.of(index) for counts in self._counters)
        return Tries(uncharged + failures + lost + ignored, failures, lost, ignored)

    def __setitem__(self, index: int, tries: Tries) -> None:
        self.put(BitMap([index]), tries)

    def __delitem__(self, index: int) -> None:
        if index not in self.indexes:
            raise KeyError(index)
        self.put(BitMap([index]), NEVER)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indexes)

    def __len__(self) -> int:
        return len(self.indexes)

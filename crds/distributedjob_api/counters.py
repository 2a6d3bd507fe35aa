"""A small number for each of very many indexes, as one set of indexes for each bit.

So the counters of unfinished tasks take a few compressed bitmaps, however many tasks failed:
in the status, where they stand encoded, and in the leader's memory, where those of a whole
set of indexes are read and written by operations on sets.
"""

from collections.abc import Iterable, Sequence

from distributedjob_api.indexes import BitMap, decode, encode


class Sliced:
    """The numbers; that of an index in no set is 0.

    Args:
        slices: element ``k`` holds the indexes whose number has bit ``k`` set.
    """

    def __init__(self, slices: Iterable[BitMap] = ()) -> None:
        self._slices = list(slices)

    @classmethod
    def decoded(cls, texts: Sequence[str]) -> "Sliced":
        """The inverse of :meth:`encoded`; raises :class:`IndexTextError`."""
        return cls(decode(text) for text in texts)

    def encoded(self) -> list[str]:
        """A text for each bit up to the highest that any number has."""
        used = max((bit + 1 for bit, members in enumerate(self._slices) if members), default=0)
        return [encode(members) for members in self._slices[:used]]

    def of(self, index: int) -> int:
        """The number of one index."""
        return sum(1 << bit for bit, members in enumerate(self._slices) if index in members)

    def put(self, indexes: BitMap, number: int) -> None:
        """Give all these indexes the same number, which is not negative."""
        for bit, members in enumerate(self._slices):
            if number >> bit & 1:
                members |= indexes
            else:
                members -= indexes
        for bit in range(len(self._slices), number.bit_length()):
            self._slices.append(indexes.copy() if number >> bit & 1 else BitMap())

    def split(self, indexes: BitMap) -> list[tuple[int, BitMap]]:
        """Part indexes by their number: each number that occurs, and who has it."""
        parts = [(0, indexes)]
        for bit, members in enumerate(self._slices):
            if not members.intersect(indexes):
                continue
            halves = [(number, part & members, part) for number, part in parts]
            parts = [(number, part - has) for number, has, part in halves if len(has) < len(part)]
            parts += [(number | 1 << bit, has) for number, has, _ in halves if has]
        return parts

    def indexes(self) -> BitMap:
        """Those whose number is not 0."""
        return BitMap().union(*self._slices)

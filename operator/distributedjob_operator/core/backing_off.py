"""Indexes that failed and wait for the end of their back-off."""

import heapq
from collections.abc import Iterator

from distributedjob_api.indexes import BitMap


class BackingOff:
    """Sets by when they are due: what failed together waits together.

    Times are seconds on the leader's clock.
    """

    def __init__(self) -> None:
        self.indexes = BitMap()
        self._by_due: dict[float, BitMap] = {}
        self._order: list[float] = []

    def __iter__(self) -> Iterator[tuple[float, BitMap]]:
        return iter(self._by_due.items())

    def wait(self, indexes: BitMap, due: float) -> None:
        """Let indexes wait; one that waits already does so until then instead."""
        if not indexes:
            return
        self.leave(indexes)
        self.indexes |= indexes
        if due in self._by_due:
            self._by_due[due] |= indexes
        else:
            self._by_due[due] = indexes.copy()
            heapq.heappush(self._order, due)

    def leave(self, indexes: BitMap) -> None:
        """These wait no more, for they were found in hand or ended; that is rare."""
        if not self.indexes.intersect(indexes):
            return
        self.indexes -= indexes
        for due, waiting in list(self._by_due.items()):
            waiting -= indexes
            if not waiting:
                del self._by_due[due]

    def wake(self, now: float) -> BitMap:
        """Those that have waited long enough."""
        woken = BitMap()
        while self._order and self._order[0] <= now:
            woken |= self._by_due.pop(heapq.heappop(self._order), BitMap())
        self.indexes -= woken
        return woken

    def next(self) -> float | None:
        """When the first of them becomes ready."""
        while self._order and self._order[0] not in self._by_due:
            heapq.heappop(self._order)
        return self._order[0] if self._order else None

    def due(self, index: int) -> float | None:
        """When an index becomes ready; None where it does not wait."""
        if index not in self.indexes:
            return None
        return next(due for due, waiting in self._by_due.items() if index in waiting)

"""When something of each of many jobs is due: one moment a job, the earliest first."""

import heapq
from collections.abc import Iterator
from typing import Final

NEVER: Final = float("inf")

SLACK: Final = 64
"""So many entries that hold no longer are kept, beside as many as hold."""


class Alarms:
    """Moments on any one clock; of those at the same moment, the one set first comes first."""

    def __init__(self) -> None:
        self._set: dict[str, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._count = 0

    def set(self, uid: str, moment: float) -> None:
        """Have a job ring at this moment and at no other; :data:`NEVER` is none at all."""
        if moment == NEVER:
            self._set.pop(uid, None)
            return
        if uid in self._set and self._set[uid][0] == moment:
            return
        self._count += 1
        self._set[uid] = (moment, self._count)
        heapq.heappush(self._heap, (moment, self._count, uid))
        if len(self._heap) > 2 * len(self._set) + SLACK:
            self._heap = [(*entry, uid) for uid, entry in self._set.items()]
            heapq.heapify(self._heap)

    def next(self) -> float:
        """When the first one rings."""
        while self._heap:
            moment, count, uid = self._heap[0]
            if self._set.get(uid) == (moment, count):
                return moment
            heapq.heappop(self._heap)
        return NEVER

    def pop(self, now: float) -> str | None:
        """The job that rings first, where that is not later than now; it rings once."""
        if self.next() > now:
            return None
        _, _, uid = heapq.heappop(self._heap)
        del self._set[uid]
        return uid

    def ring(self, now: float) -> Iterator[str]:
        """All that ring up to now."""
        while (uid := self.pop(now)) is not None:
            yield uid

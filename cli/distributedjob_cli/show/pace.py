"""How fast a job goes, and how long it will take at that pace."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

WINDOW_SECONDS: Final = 20.0
"""What lies further back says nothing of the pace now."""


@dataclass(slots=True)
class Pace:
    """Tasks done at some moments, in seconds of one clock."""

    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, done: int, now: float) -> None:
        """So many are done by now; fewer than before means that it started over."""
        if self._samples and done < self._samples[-1][1]:
            self._samples.clear()
        self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[1][0] > WINDOW_SECONDS:
            self._samples.popleft()

    def rate(self, now: float) -> float:
        """Tasks a second; 0 before there is anything to go by."""
        if len(self._samples) < 2:
            return 0.0
        began, first = self._samples[0]
        return (self._samples[-1][1] - first) / max(now - began, 1e-3)

    def seconds_left(self, undone: int, now: float) -> float | None:
        """How long the rest takes at this pace; None where nobody can tell."""
        per_second = self.rate(now)
        return undone / per_second if per_second > 0 else None

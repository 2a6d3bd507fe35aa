"""How many a second, of late."""

import math
from dataclasses import dataclass
from typing import Final

SECONDS: Final = 5.0
"""What lies so far back counts for a third."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A mean over the last seconds that fades: two numbers, whatever the rate is."""

    level: float = 0.0
    at: float = float("-inf")

    def after(self, count: int, now: float) -> "Rate":
        """The rate once so many more have happened."""
        return Rate(self.per_second(now) + count / SECONDS, now)

    def per_second(self, now: float) -> float:
        """The rate at a moment that is not before the last one noted."""
        return self.level * math.exp((self.at - now) / SECONDS) if self.level else 0.0

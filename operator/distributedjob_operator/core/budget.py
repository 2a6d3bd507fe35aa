"""How much the leader may write to the API server (protocol item 11).

Every status write rewrites the whole object in etcd, which keeps each revision for five
minutes, and goes out to every watcher. So ordinary progress has to wait its turn, while
first and final writes go through, and both stay within one bound in bytes.
"""

from dataclasses import dataclass, field
from typing import Final

from distributedjob_operator.core.alarms import NEVER, Alarms

WRITES_A_SECOND: Final = 20.0
URGENT_A_SECOND: Final = 200.0
BYTES_A_SECOND: Final = 1024.0 * 1024.0
BURST_BYTES: Final = 4.0 * BYTES_A_SECOND


@dataclass(slots=True)
class Bucket:
    """Tokens that come back at a rate, up to a bound; it may be overdrawn once."""

    rate: float
    most: float
    level: float = field(init=False)
    at: float = float("-inf")

    def __post_init__(self) -> None:
        self.level = self.most

    def ready_at(self) -> float:
        """When there is a token, on the leader's clock."""
        return self.at if self.level >= 1 else self.at + (1 - self.level) / self.rate

    def take(self, tokens: float, now: float) -> None:
        """Take tokens at a moment not before the last one."""
        if self.at > float("-inf"):
            self.level = min(self.most, self.level + (now - self.at) * self.rate)
        self.level -= tokens
        self.at = now


@dataclass(slots=True)
class WriteBudget:
    """What all status writes of one leader share."""

    ordinary: Bucket = field(default_factory=lambda: Bucket(WRITES_A_SECOND, WRITES_A_SECOND))
    urgent: Bucket = field(default_factory=lambda: Bucket(URGENT_A_SECOND, URGENT_A_SECOND))
    bytes: Bucket = field(default_factory=lambda: Bucket(BYTES_A_SECOND, BURST_BYTES))

    def ready_at(self, *, urgent: bool) -> float:
        """When the next write may leave, on the leader's clock."""
        writes = self.urgent if urgent else self.ordinary
        return max(writes.ready_at(), self.bytes.ready_at())

    def take(self, size: int, now: float, *, urgent: bool) -> None:
        """Account for a write of so many bytes."""
        (self.urgent if urgent else self.ordinary).take(1, now)
        self.bytes.take(size, now)


@dataclass(slots=True)
class WriteQueue:
    """Jobs with something to write: no more of them are looked at than may be written."""

    _urgent: Alarms = field(default_factory=Alarms)
    _ordinary: Alarms = field(default_factory=Alarms)

    def want(self, uid: str, moment: float, *, urgent: bool) -> None:
        """Have a job written from this moment on, on the leader's clock, or never."""
        self._urgent.set(uid, moment if urgent else NEVER)
        self._ordinary.set(uid, NEVER if urgent else moment)

    def drop(self, uid: str) -> None:
        """Have nothing of a job written."""
        self.want(uid, NEVER, urgent=True)

    def due_at(self, budget: WriteBudget) -> float:
        """When the next write may leave, on the leader's clock."""
        return min(
            max(self._urgent.next(), budget.ready_at(urgent=True)),
            max(self._ordinary.next(), budget.ready_at(urgent=False)),
        )

    def pop(self, budget: WriteBudget, now: float) -> str | None:
        """The job whose write is due and may leave now: first and final ones before others."""
        for alarms, urgent in ((self._urgent, True), (self._ordinary, False)):
            if budget.ready_at(urgent=urgent) <= now and (uid := alarms.pop(now)) is not None:
                return uid
        return None

"""How much the leader may write to the API server (protocol item 11).

Every status write rewrites the whole object in etcd, which keeps each revision for five
minutes, and goes out to every watcher. So ordinary progress has to wait its turn, while
first and final writes go through, and both stay within one bound in bytes.
"""

from dataclasses import dataclass, field
from enum import IntEnum
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


class Haste(IntEnum):
    """What a write tells, the one that goes first first."""

    END = 0
    """That a job is over, or what its tasks wait for."""

    BEGINNING = 1
    """That a job begins, or whatever else a user waits for."""

    PROGRESS = 2


MOST_UNDER_WAY: Final = {Haste.END: 12, Haste.BEGINNING: 14, Haste.PROGRESS: 16}
"""So many writes that are at least as hasty are under way at once.

An API server that is slow gets no more of them, so that what matters most does not queue up
behind what was thought of before it; and however many jobs end, others are seen to go on.
"""


@dataclass(slots=True)
class WriteQueue:
    """Jobs with something to write: no more of them are looked at than may be written."""

    _wanted: dict[Haste, Alarms] = field(default_factory=lambda: {one: Alarms() for one in Haste})
    _under_way: dict[str, Haste] = field(default_factory=dict)

    def want(self, uid: str, moment: float, haste: Haste) -> None:
        """Have a job written from this moment on, on the leader's clock, or never."""
        for one, alarms in self._wanted.items():
            alarms.set(uid, moment if one is haste else NEVER)

    def drop(self, uid: str) -> None:
        """Have nothing of a job written; a write that is out is waited for no longer."""
        self.want(uid, NEVER, Haste.PROGRESS)
        self.answered(uid)

    def answered(self, uid: str) -> None:
        """The write of a job is under way no longer."""
        self._under_way.pop(uid, None)

    def due_at(self, budget: WriteBudget) -> float:
        """When the next write may leave if none is answered, on the leader's clock."""
        return min(
            max(alarms.next(), budget.ready_at(urgent=_urgent(haste)))
            if self._room(haste)
            else NEVER
            for haste, alarms in self._wanted.items()
        )

    def pop(self, budget: WriteBudget, now: float) -> str | None:
        """The job whose write is due and may leave now; it is under way until it is answered."""
        for haste, alarms in self._wanted.items():
            if not self._room(haste) or budget.ready_at(urgent=_urgent(haste)) > now:
                continue
            if (uid := alarms.pop(now)) is not None:
                self._under_way[uid] = haste
                return uid
        return None

    def _room(self, haste: Haste) -> bool:
        as_hasty = sum(one <= haste for one in self._under_way.values())
        return len(self._under_way) < MOST_UNDER_WAY[Haste.PROGRESS] and (
            as_hasty < MOST_UNDER_WAY[haste]
        )


def _urgent(haste: Haste) -> bool:
    return haste is not Haste.PROGRESS

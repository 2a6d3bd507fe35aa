"""Jobs that wait for the same thing: one of them is looked at, and speaks for all.

Why a job waits for a slot follows from its pool, from what it asks of a node and from the
state of the fleet. So of ten thousand jobs that rest, as many are asked now and then as
there are kinds of them.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from distributedjob_operator.core.job import Job

LOOK_SECONDS: Final = 0.5
LOOKED_AT_ONCE: Final = 1000


def pause(many: int) -> float:
    """Seconds between two looks at why each of so many waits: longer where there are thousands."""
    return LOOK_SECONDS * max(1.0, many / LOOKED_AT_ONCE)


@dataclass(slots=True)
class Kind:
    """Jobs for which the fleet gives the same reason."""

    members: dict[str, Job] = field(default_factory=dict)
    reason: str | None = None
    """The one that all of them know; None where they may differ."""

    looked_at: float = float("-inf")

    @property
    def example(self) -> Job:
        """One of them, there is always one."""
        return next(iter(self.members.values()))


class Kinds:
    """The jobs that rest while they wait for a slot, and which kind is looked at next."""

    def __init__(self) -> None:
        self._kinds: OrderedDict[object, Kind] = OrderedDict()
        self._of: dict[str, object] = {}

    def join(self, job: Job, now: float) -> None:
        """A job rests, with the reason that it has."""
        key = _kind(job)
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = Kind(reason=job.waiting, looked_at=now)
        elif kind.reason != job.waiting:
            kind.reason, kind.looked_at = None, float("-inf")
            self._kinds.move_to_end(key, last=False)
        kind.members[job.uid] = job
        self._of[job.uid] = key

    def leave(self, uid: str) -> None:
        """It rests no longer."""
        key = self._of.pop(uid, None)
        if key is None:
            return
        kind = self._kinds[key]
        del kind.members[uid]
        if not kind.members:
            del self._kinds[key]

    def due(self, now: float) -> Iterator[Kind]:
        """The kinds that are to be looked at."""
        between = pause(len(self._kinds))
        while self._kinds:
            key, kind = next(iter(self._kinds.items()))
            if now < kind.looked_at + between:
                return
            kind.looked_at = now
            self._kinds.move_to_end(key)
            yield kind


def _kind(job: Job) -> object:
    # Where nothing is plannable, all that is left backs off.
    return job.spec.pool, job.turned_away, job.ledger.plannable == 0, job.shape

"""What is counted for the metrics: once for each checkpoint, command or loss, never for a task.

Outcomes are counted as a checkpoint that holds them is acknowledged, by the difference to
what the object said before. So replicas that take over from one another count each
outcome once, but for those of a write whose leader died before the answer.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

from distributedjob_api.histogram import BYTES, SECONDS, Histogram
from distributedjob_api.v1alpha1 import Phase, Status

KEPT_SECONDS: Final = 600.0
"""How long the counts of a namespace and pool outlive its last job: to be scraped once more."""

Group = tuple[str, str]
"""A namespace and a pool."""


class Loss(StrEnum):
    """Why a worker was given up."""

    LEFT = "left"
    """It said that it stops."""
    NODE = "node"
    """Its node was deleted."""
    SILENCE = "silence"


class Unwritten(StrEnum):
    """Why a status write did not go through."""

    CONFLICT = "conflict"
    """Somebody else wrote in the meantime; it is folded anew."""
    UNAVAILABLE = "unavailable"


class Recorded(NamedTuple):
    """The counts that an object's status holds."""

    phase: Phase = Phase.PENDING
    succeeded: int = 0
    failed: int = 0
    retries: int = 0
    interruptions: int = 0


def of_status(status: Status) -> Recorded:
    """As it was read."""
    return Recorded(
        status.phase, status.succeeded, status.failed, status.retries, status.interruptions
    )


def of_body(body: dict[str, Any]) -> Recorded:
    """As it is about to be written."""
    return Recorded(
        Phase(body["phase"]),
        body["succeeded"],
        body["failed"],
        body["retries"],
        body["interruptions"],
    )


def _by_pool() -> "defaultdict[str, Histogram]":
    return defaultdict(lambda: Histogram(SECONDS))


@dataclass(slots=True)
class Tally:
    """Counts since this replica began to lead."""

    succeeded: Counter[Group] = field(default_factory=Counter)
    failed: Counter[Group] = field(default_factory=Counter)
    retried: Counter[Group] = field(default_factory=Counter)
    interrupted: Counter[Group] = field(default_factory=Counter)
    ended: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    unwritten: Counter[str] = field(default_factory=Counter)
    queue_seconds: "defaultdict[str, Histogram]" = field(default_factory=_by_pool)
    dispatch_seconds: "defaultdict[str, Histogram]" = field(default_factory=_by_pool)
    checkpoint_seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    checkpoint_bytes: Histogram = field(default_factory=lambda: Histogram(BYTES))
    _gone_since: dict[Group, float] = field(default_factory=dict)

    def checkpoint(self, group: Group, before: Recorded, now: Recorded) -> None:
        """A status stands in which these counts have become those.

        A rerun takes outcomes back: what falls is not counted, what rises again is.
        """
        self.succeeded[group] += max(0, now.succeeded - before.succeeded)
        self.failed[group] += max(0, now.failed - before.failed)
        self.retried[group] += max(0, now.retries - before.retries)
        self.interrupted[group] += max(0, now.interruptions - before.interruptions)

    def dispatched(self, pool: str, arrived: Iterable[tuple[float, int]]) -> None:
        """A worker has said that it has these: seconds since they were sent, and how many tasks."""
        for seconds, tasks in arrived:
            self.dispatch_seconds[pool].observe(seconds, tasks)

    def keep(self, present: Collection[Group], now: float) -> None:
        """Have series for these, and none any more for what was gone for long."""
        for group in present:
            self._gone_since.pop(group, None)
            for counts in self._by_group:
                counts[group] += 0
        for group in [group for group in self.succeeded if group not in present]:
            if now - self._gone_since.setdefault(group, now) >= KEPT_SECONDS:
                self._forget(group)

    @property
    def _by_group(self) -> tuple[Counter[Group], ...]:
        return self.succeeded, self.failed, self.retried, self.interrupted

    def _forget(self, group: Group) -> None:
        del self._gone_since[group]
        for counts in self._by_group:
            del counts[group]
        for key in [key for key in self.ended if key[:2] == group]:
            del self.ended[key]

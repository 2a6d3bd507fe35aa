"""What really ran, written down outside the system, and what excuses a second run."""

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

SILENCE_SECONDS: Final = 3.0
"""After so long the leader gives a worker up."""

HEARTBEATS: Final = 1.5
"""So much sooner a worker may seem silent: its last words took their time."""


class How(StrEnum):
    """How a run ended."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    KILLED = "killed"


@dataclass(slots=True, eq=False)
class Run:
    """One execution of one index."""

    uid: str
    run: int
    index: int
    ended: int
    place: str
    started: float
    end: float = float("inf")
    how: How = How.RUNNING
    told_to_end: bool = False

    def __str__(self) -> str:
        return f"{self.uid}/{self.run} index {self.index} ({self.ended} ended) at {self.place}"


@dataclass(slots=True)
class Ledger:
    """Every run, and for each machine the times when others could not know of its runs."""

    runs: dict[tuple[str, int, int], list[Run]] = field(default_factory=lambda: defaultdict(list))
    active: dict[Run, None] = field(default_factory=dict)
    troubles: dict[str, list[tuple[float, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    deafness: dict[str, float] = field(default_factory=dict)
    heard: dict[tuple[str, str], float] = field(default_factory=dict)
    count: int = 0
    repeats: int = 0

    def of(self, run: Run) -> list[Run]:
        """Every run of the same index in the same run of the job."""
        return self.runs[run.uid, run.run, run.index]

    def begin(self, run: Run) -> None:
        """A task starts."""
        self.of(run).append(run)
        self.active[run] = None
        self.count += 1

    def finish(self, run: Run, how: How, now: float) -> None:
        """A task has ended."""
        if run.how is How.RUNNING:
            run.how, run.end = how, now
            del self.active[run]

    # -- excuses -------------------------------------------------------------------

    def trouble(self, place: str, since: float, until: float) -> None:
        """What ran at a machine in this time may run again elsewhere."""
        self.troubles[place].append((since, until))

    def operator_began(self, operator: str, workers: list[str], now: float) -> None:
        """A replica listens, or listens again: what it did not hear before is its own fault."""
        self.operator_left(operator, workers, now)
        for place in workers:
            self.heard[operator, place] = now

    def operator_left(self, operator: str, workers: list[str], now: float) -> None:
        """A replica is away: nobody's silence counts from now on."""
        for place in workers:
            self.hears(operator, place, now)
            self.heard.pop((operator, place), None)

    def hears(self, operator: str, place: str, now: float) -> None:
        """A replica hears a worker."""
        last = self.heard.get((operator, place))
        if last is not None:
            if now - last > SILENCE_SECONDS - HEARTBEATS:
                self.trouble(place, last, now)
            self.heard[operator, place] = now

    def troubled(self, place: str, since: float, now: float) -> bool:
        """Whether a machine was dead, gone, or silent for too long, since then."""
        if any(begin <= now and since <= end for begin, end in self.troubles.get(place, ())):
            return True
        return any(
            now - last > SILENCE_SECONDS - HEARTBEATS
            for (_, heard), last in self.heard.items()
            if heard == place
        )

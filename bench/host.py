"""One node in virtual time: the worker's real core, and the tasks that run there.

Between two messages a node meets nobody, so what ends and starts on it meanwhile is gone
through in one go: a cluster's clock moves by reports and commands, not by tasks.
"""

from array import array
from bisect import insort
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count, repeat
from operator import attrgetter
from typing import Final

from bench.load import Load
from distributedjob_api.messages import Acks, LeaderMessage
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_worker.core.effects import Effect
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.core.worker import Worker

NEVER: Final = float("inf")
_started: Final = count()


@dataclass(slots=True)
class Spans:
    """When each task of a namespace starts and ends, in the order in which they started."""

    starts: "array[float]" = field(default_factory=lambda: array("d"))
    ends: "array[float]" = field(default_factory=lambda: array("d"))

    def busy_until(self, moment: float) -> float:
        """Slot-seconds used up to a moment."""
        until = repeat(moment)
        return sum(map(min, self.ends, until)) - sum(map(min, self.starts, until))


@dataclass(slots=True)
class Host:
    """One node, brought up to a moment when it is looked at."""

    key: WorkerKey
    core: Worker
    load: Load
    shortest: float
    """No task takes less: how far ahead it is known what ends next."""

    spans: Mapping[str, Spans]
    """By namespace, for all nodes."""

    wakes_at: float = NEVER
    _ends: list[tuple[float, int, Task, float]] = field(default_factory=list)
    _acks: deque[tuple[float, Acks]] = field(default_factory=deque)

    def acknowledged(self, message: Acks, moment: float) -> None:
        """An acknowledgement arrives later on; it is nobody's business before the next report."""
        self._acks.append((moment, message))

    def handle(self, message: LeaderMessage, now: float) -> list[Effect]:
        """A message of the leader arrives."""
        self.advance(now)
        effects = self.core.handle(message, now)
        self._start(now)
        return effects

    def report(self, now: float) -> list[Effect]:
        """What the node has to say now, if anything."""
        self.advance(now)
        if self.core.due() > now:
            return []
        effects = self.core.report(now)
        self._start(now)
        return effects

    def advance(self, now: float) -> None:
        """Let all end, and what waits behind it start, that does so by now."""
        while self._acks and self._acks[0][0] <= now:
            moment, message = self._acks.popleft()
            self.core.handle(message, moment)
        ends, finish = self._ends, self.core.finish
        while ends and ends[0][0] <= now:
            moment, _, task, seconds = ends.pop(0)
            finish(task, Outcome(0.0, seconds))
            self._start(moment)

    def _start(self, now: float) -> None:
        core, queues = self.core, self.core.queues
        while queues.free_millis > 0 and (task := core.take(now)) is not None:
            define = task.define
            seconds = self.load.seconds_of(define.uid, task.index)
            insort(self._ends, (now + seconds, next(_started), task, seconds))
            spans = self.spans[define.namespace]
            spans.starts.append(now)
            spans.ends.append(now + seconds)

    def next_look(self) -> float:
        """No later than the node's next report, if no message comes before.

        The first end after a report makes it have news; an end with nothing waiting makes
        it urgent. The latter cannot be before as many tasks have ended as wait now.
        """
        due, ends = self.core.due(), self._ends
        if not ends:
            return due
        if not self.core.ledgers.finished:
            return min(due, ends[0][0])
        waiting = sum(map(len, map(_waiting, self.core.queues.jobs.values())))
        if waiting >= len(ends):
            return min(due, ends[0][0] + self.shortest)
        return min(due, ends[waiting][0], ends[0][0] + self.shortest)


_waiting: Final = attrgetter("waiting")

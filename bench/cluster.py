"""A cluster in virtual time: the operator's real core, and the worker's real core on every node.

Only what lies between them is made up: messages take :data:`HOP_SECONDS`, a status write takes
:data:`WRITE_SECONDS`, a task takes as long as it is told to, and the leader is busy after each
round for as long as :class:`Pace` says, so that reports gather meanwhile as they would.
"""

import heapq
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from distributedjob_api.messages import Hello, LeaderMessage, Report
from distributedjob_api.v1alpha1 import DistributedJob
from distributedjob_operator.core import checkpoints, reporting
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import Broadcast, Send, WorkerKey, WriteStatus
from distributedjob_operator.core.fleet import Node
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.round import seconds_to_next, settle
from distributedjob_worker.core.effects import Publish
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.core.worker import Identity, Worker

HOP_SECONDS: Final = 0.001
WRITE_SECONDS: Final = 0.01
MEMORY_BYTES: Final = 1 << 38
START: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Pace:
    """How long the leader is busy: with each report, and in each round for each worker."""

    report_seconds: float = 100e-6
    worker_seconds: float = 10e-6


@dataclass
class Host:
    """One node: the worker's core, and when it reports next."""

    key: WorkerKey
    core: Worker
    reports_at: float = float("inf")


@dataclass
class Measured:
    """What a run showed; CPU in seconds of this machine, all else in virtual seconds."""

    rounds_ms: list[float] = field(default_factory=list)
    rounds_cpu: float = 0.0
    reports: int = 0
    reports_cpu: float = 0.0
    busy_modelled: float = 0.0
    writes: int = 0
    started: int = 0
    ended: int = 0
    last_start: float = 0.0
    last_end: float = 0.0
    busy: int = 0
    slot_seconds: float = 0.0
    slot_seconds_at_last_start: float = 0.0
    since: float = 0.0
    by_namespace: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))


class Cluster:
    """Nodes of one size, jobs, and the virtual clock.

    Args:
        nodes: how many.
        cpus: slots of one CPU on each.
        seconds: how long a task of a job takes, by uid and index.
        on_event: called with each moment at which the number of running tasks changes.
    """

    def __init__(
        self,
        nodes: int,
        cpus: int,
        seconds: Callable[[str, int], float],
        pace: Pace,
        on_event: Callable[["Cluster"], None] = lambda _: None,
    ) -> None:
        self.now = 0.0
        self.measured = Measured()
        self.seconds = seconds
        self.pace = pace
        self.on_event = on_event
        self.leader = Leader(1, "simulated", "bench/bench")
        self.hosts: dict[WorkerKey, Host] = {}
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0
        self._version = 1
        self._inbox: list[tuple[WorkerKey, Hello | Report]] = []
        self._round_at = float("inf")
        self._free_at = 0.0
        names = [f"n{number:05}" for number in range(nodes)]
        for name in names:
            identity = Identity(name, name, "127.0.0.1", "0", cpus * 1000, MEMORY_BYTES)
            self.hosts["default", name] = Host(("default", name), Worker(identity))
        self.leader.take_over(
            [],
            [Node(n, "", cpus * 1000, ready=True, cordoned=False, memory_bytes=MEMORY_BYTES)
             for n in names],
            self._instant(),
            listened=float("inf"),
        )  # fmt: skip
        self._carry_out()

    def submit(self, resource: DistributedJob) -> None:
        """Create a job now."""
        self.leader.job_seen(resource, self._instant())
        self._want_round(self.now)

    def run(self, until: Callable[[], bool]) -> None:
        """Let time pass until a condition holds."""
        events = self._events
        while not until():
            self.now, _, act, arguments = heapq.heappop(events)
            act(*arguments)

    @property
    def finished(self) -> bool:
        """Whether every job has its terminal condition."""
        return all(job.finished for job in self.leader.jobs.values())

    # -- time ----------------------------------------------------------------------

    def _instant(self) -> Instant:
        return Instant(self.now, START + timedelta(seconds=self.now))

    def _at(self, moment: float, act: Callable[..., None], *arguments: Any) -> None:
        self._count += 1
        heapq.heappush(self._events, (moment, self._count, act, arguments))

    # -- workers -------------------------------------------------------------------

    def _tell(self, host: Host, message: LeaderMessage) -> None:
        self._follow(host, host.core.handle(message, self.now))

    def _follow(self, host: Host, effects: list[Any]) -> None:
        for effect in effects:
            if isinstance(effect, Publish):
                self._at(self.now + HOP_SECONDS, self._hear, host.key, effect.message)
        self._start(host)

    def _start(self, host: Host) -> None:
        core, measured = host.core, self.measured
        while core.queues.free_millis > 0 and (task := core.take(self.now)) is not None:
            seconds = self.seconds(task.define.uid, task.index)
            self._change(1, task.define.namespace)
            measured.started += 1
            measured.last_start = self.now
            measured.slot_seconds_at_last_start = measured.slot_seconds
            self._at(self.now + seconds, self._end, host, task, seconds)
        due = max(self.now, core.due())
        if due < host.reports_at:
            host.reports_at = due
            self._at(due, self._report, host)

    def _end(self, host: Host, task: Task, seconds: float) -> None:
        self._change(-1, task.define.namespace)
        self.measured.ended += 1
        self.measured.last_end = self.now
        host.core.finish(task, Outcome(0.0, seconds))
        self._start(host)

    def _change(self, by: int, namespace: str) -> None:
        measured = self.measured
        self.on_event(self)
        measured.slot_seconds += measured.busy * (self.now - measured.since)
        measured.since = self.now
        measured.busy += by
        measured.by_namespace[namespace] += by

    def _report(self, host: Host) -> None:
        if host.reports_at > self.now:
            return  # It has reported since, and is due later.
        host.reports_at = float("inf")
        if host.core.due() <= self.now:
            self._follow(host, host.core.report(self.now))
        else:
            self._start(host)

    # -- the leader ----------------------------------------------------------------

    def _hear(self, key: WorkerKey, message: Hello | Report) -> None:
        self._inbox.append((key, message))
        self._want_round(self.now)

    def _want_round(self, moment: float) -> None:
        moment = max(moment, self._free_at)
        if moment < self._round_at:
            self._round_at = moment
            self._at(moment, self._round)

    def _round(self) -> None:
        if self._round_at > self.now:
            return  # An earlier one has taken its place.
        self._round_at = float("inf")
        if self.now < self._free_at:
            self._want_round(self._free_at)
            return
        leader, measured, now = self.leader, self.measured, self._instant()
        inbox, self._inbox = self._inbox, []
        began = time.process_time()
        leader.proved(now)
        for key, message in inbox:
            if isinstance(message, Hello):
                reporting.hello(leader, key, message, now)
            else:
                reporting.report(leader, key, message, now)
        heard = time.process_time()
        settle(leader, now)
        settled = time.process_time()
        measured.reports += len(inbox)
        measured.reports_cpu += heard - began
        measured.rounds_cpu += settled - heard
        measured.rounds_ms.append((settled - heard) * 1e3)
        busy = len(inbox) * self.pace.report_seconds + len(self.hosts) * self.pace.worker_seconds
        measured.busy_modelled += busy
        self._free_at = self.now + busy
        self._carry_out()
        self._want_round(self.now + max(busy, seconds_to_next(leader, now)))

    def _carry_out(self) -> None:
        arrives = max(self.now, self._free_at) + HOP_SECONDS
        for effect in self.leader.take_effects():
            match effect:
                case Send(worker=key, message=message):
                    self._at(arrives, self._tell, self.hosts[key], message)
                case Broadcast(message=message):
                    for host in self.hosts.values():
                        self._at(arrives, self._tell, host, message)
                case WriteStatus():
                    self.measured.writes += 1
                    self._at(self.now + WRITE_SECONDS, self._written, effect)
                case _:
                    pass

    def _written(self, write: WriteStatus) -> None:
        self._version += 1
        checkpoints.written(
            self.leader, write.uid, str(self._version), write.marks, self._instant()
        )
        self._carry_out()

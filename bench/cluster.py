"""A cluster in virtual time: the operator's real core, and the worker's real core on every node.

Only what lies between them is made up: messages take :data:`HOP_SECONDS`, a status write takes
:data:`WRITE_SECONDS`, a task takes as long as it is told to, and the leader is busy after each
round for as long as :class:`Pace` says, so that reports gather meanwhile as they would.
"""

import heapq
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bench.host import NEVER, Host, Spans
from bench.load import Load
from distributedjob_api.messages import Acks, Hello, LeaderMessage, Report
from distributedjob_api.v1alpha1 import DistributedJob
from distributedjob_operator.core import checkpoints, reporting
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import Broadcast, Send, WorkerKey, WriteStatus
from distributedjob_operator.core.fleet import Node
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.round import seconds_to_next, settle
from distributedjob_worker.core.effects import Effect, Publish
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
class Measured:
    """What a run showed; CPU in seconds of this machine, all else in virtual seconds."""

    rounds_ms: list[float] = field(default_factory=list)
    rounds_cpu: float = 0.0
    reports: int = 0
    reports_cpu: float = 0.0
    answers_cpu: float = 0.0
    """What the answers to status writes cost."""

    busy_modelled: float = 0.0
    writes: int = 0
    spans: defaultdict[str, Spans] = field(default_factory=lambda: defaultdict(Spans))
    """Of every task, by namespace."""

    contended_until: float = NEVER
    """From when on a namespace has nothing more that waits."""

    @property
    def started(self) -> int:
        """Tasks that started."""
        return sum(len(spans.starts) for spans in self.spans.values())

    @property
    def leader_cpu(self) -> float:
        """All that the leader cost."""
        return self.rounds_cpu + self.reports_cpu + self.answers_cpu

    def busy_until(self, moment: float) -> float:
        """Slot-seconds used up to a moment."""
        return sum(spans.busy_until(moment) for spans in self.spans.values())


class Cluster:
    """Nodes of one size, jobs, and the virtual clock.

    Args:
        nodes: how many.
        cpus: slots of one CPU on each.
        load: how long tasks take; its jobs are not submitted yet.
        pace: how long the leader is busy.
    """

    def __init__(self, nodes: int, cpus: int, load: Load, pace: Pace) -> None:
        self.now = 0.0
        self.measured = Measured()
        self.pace = pace
        self.leader = Leader(1, "simulated", "bench/bench")
        self.hosts: dict[WorkerKey, Host] = {}
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0
        self._version = 1
        self._inbox: deque[tuple[float, WorkerKey, Hello | Report]] = deque()
        self._round_at = NEVER
        self._free_at = 0.0
        names = [f"n{number:05}" for number in range(nodes)]
        shortest = load.shortest
        for name in names:
            identity = Identity(name, name, "127.0.0.1", "0", cpus * 1000, MEMORY_BYTES)
            key = ("default", name)
            self.hosts[key] = Host(key, Worker(identity), load, shortest, self.measured.spans)
        self.leader.take_over(
            [],
            [Node(n, "", cpus * 1000, ready=True, cordoned=False, memory_bytes=MEMORY_BYTES)
             for n in names],
            self._instant(),
            listened=NEVER,
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
        self._follow(host, host.handle(message, self.now))

    def _look(self, host: Host) -> None:
        if host.wakes_at == self.now:  # Else it was looked at meanwhile.
            self._follow(host, host.report(self.now))

    def _follow(self, host: Host, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Publish) and isinstance(effect.message, Hello | Report):
                self._hear(host.key, effect.message)
        wakes_at = max(self.now, host.next_look())
        if wakes_at != host.wakes_at or wakes_at == self.now:
            host.wakes_at = wakes_at
            self._at(wakes_at, self._look, host)

    # -- the leader ----------------------------------------------------------------

    def _hear(self, key: WorkerKey, message: Hello | Report) -> None:
        arrives = self.now + HOP_SECONDS
        self._inbox.append((arrives, key, message))
        self._want_round(arrives)

    def _want_round(self, moment: float) -> None:
        moment = max(moment, self._free_at)
        if moment < self._round_at:
            self._round_at = moment
            self._at(moment, self._round)

    def _round(self) -> None:
        if self._round_at > self.now:
            return  # An earlier one has taken its place.
        self._round_at = NEVER
        if self.now < self._free_at:
            self._want_round(self._free_at)
            return
        leader, measured, now = self.leader, self.measured, self._instant()
        heard = self._arrived()
        began = time.process_time()
        leader.proved(now)
        for key, message in heard:
            if isinstance(message, Hello):
                reporting.hello(leader, key, message, now)
            else:
                reporting.report(leader, key, message, now)
        folded = time.process_time()
        settle(leader, now)
        settled = time.process_time()
        measured.reports += len(heard)
        measured.reports_cpu += folded - began
        measured.rounds_cpu += settled - folded
        measured.rounds_ms.append((settled - folded) * 1e3)
        busy = len(heard) * self.pace.report_seconds + len(self.hosts) * self.pace.worker_seconds
        measured.busy_modelled += busy
        self._free_at = self.now + busy
        self._note_supply()
        self._carry_out()
        self._want_round(self.now + max(busy, seconds_to_next(leader, now)))
        if self._inbox:
            self._want_round(self._inbox[0][0])

    def _arrived(self) -> list[tuple[WorkerKey, Hello | Report]]:
        """What has come by now, in its order: every hop takes as long."""
        heard = []
        while self._inbox and self._inbox[0][0] <= self.now:
            _, key, message = self._inbox.popleft()
            heard.append((key, message))
        return heard

    def _note_supply(self) -> None:
        """Note when the first namespace has handed out all that it has."""
        supply: dict[str, int] = {}
        for job in self.leader.jobs.values():
            supply[job.namespace] = supply.get(job.namespace, 0) + job.ledger.plannable
        if not all(supply.values()):
            self.measured.contended_until = min(self.measured.contended_until, self.now)

    def _carry_out(self) -> None:
        arrives = max(self.now, self._free_at) + HOP_SECONDS
        for effect in self.leader.take_effects():
            match effect:
                case Send(worker=key, message=Acks() as message):
                    self.hosts[key].acknowledged(message, arrives)
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
        began = time.process_time()
        checkpoints.written(
            self.leader, write.uid, str(self._version), write.marks, self._instant()
        )
        self.measured.answers_cpu += time.process_time() - began
        self._carry_out()

"""Workers without processes: they speak the protocol and end tasks when told to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from distributedjob_api.indexes import BitMap, from_ranges, ranges
from distributedjob_api.messages import (
    Acks,
    Announce,
    Assign,
    Cancel,
    Commands,
    Define,
    Entry,
    Failure,
    Forget,
    Hello,
    JobReport,
    LeaderMessage,
    Report,
    Resend,
    Return,
    Welcome,
)
from distributedjob_operator.core import checkpoints, items, reporting
from distributedjob_operator.core.effects import (
    Broadcast,
    Effect,
    ReadItems,
    Send,
    WorkerKey,
    WriteStatus,
)
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.round import settle
from tests.support.builders import at

Outcome = Callable[[int, int], str]
"""(index, ended) -> reason of the failure, or an empty text for success."""


TASK_SECONDS = 0.001
"""What each task is said to have taken."""


@dataclass
class FakeJob:
    """One job at a fake worker."""

    define: Define
    queued: BitMap = field(default_factory=BitMap)
    stopping: BitMap = field(default_factory=BitMap)
    forgotten: bool = False
    running: BitMap = field(default_factory=BitMap)
    ended: dict[int, int] = field(default_factory=dict)
    acked: int = 0
    sent: int = 0
    entries: list[Entry] = field(default_factory=list)
    last_seq: int = 0

    @property
    def listed(self) -> bool:
        """Whether anything of it waits, runs or is not acknowledged."""
        return bool(self.queued or self.running or self.entries)

    def unsent(self) -> list[Entry]:
        """The entries that no report of this session carried; they count as sent now."""
        entries = [entry for entry in self.entries if entry.seq > self.sent]
        self.sent = self.last_seq
        return entries

    def record(self, succeeded: BitMap, failed: list[Failure], stopped: BitMap) -> None:
        self.last_seq += 1
        count = len(succeeded) + len(failed)
        self.entries.append(
            Entry(
                self.last_seq,
                self.define.run,
                ranges(succeeded),
                failed,
                ranges(stopped),
                TASK_SECONDS * count,
            )
        )


@dataclass
class FakeWorker:
    """A worker whose slots are counted and whose tasks end on demand."""

    name: str
    cpu_millis: int = 1000
    pool: str = "default"
    incarnation: str = "i1"
    epoch: int = 0
    session: int = 0
    applied: int = 0
    jobs: dict[str, FakeJob] = field(default_factory=dict)
    ran: list[tuple[str, int]] = field(default_factory=list)
    refused: int = 0
    items: dict[tuple[str, int], str] = field(default_factory=dict)
    cancels: list[Cancel] = field(default_factory=list)
    cancelled: dict[str, int] = field(default_factory=dict)
    numbered: dict[str, int] = field(default_factory=dict)
    graceful: bool = False
    dropped_records: int = 0

    @property
    def key(self) -> WorkerKey:
        return (self.pool, self.name)

    def hello(self) -> Hello:
        return Hello(
            self.incarnation,
            self.epoch,
            self.name,
            "127.0.1.1",
            "test",
            self.cpu_millis,
            2**30,
            [self._stated(job, []) for job in self.jobs.values() if job.listed],
        )

    def hear(self, message: LeaderMessage) -> None:
        match message:
            case Welcome(incarnation=incarnation) if incarnation == self.incarnation:
                if (self.epoch, self.session) != (message.epoch, message.session):
                    self.epoch, self.session, self.applied = message.epoch, message.session, 0
                    self._send_again(self.jobs)
            case Commands(epoch=epoch, session=session) if (epoch, session) == (
                self.epoch,
                self.session,
            ):
                for command in message.commands:
                    if command.number == self.applied + 1:
                        self.applied = command.number
                        self._apply(command)
            case Acks(session=session) if session == self.session:
                for uid, seq in message.upto:
                    job = self.jobs.get(uid)
                    if job is not None:
                        job.acked = max(job.acked, seq)
                        job.sent = max(job.sent, seq)
                        job.entries = [e for e in job.entries if e.seq > seq]
                self._purge()
            case Announce(epoch=epoch) if epoch >= self.epoch:
                self.epoch, self.session = epoch, 0
            case Resend(session=session) if session == self.session:
                self._send_again(message.uids)
            case _:
                self.refused += 1

    def _purge(self) -> None:
        gone = [uid for uid, job in self.jobs.items() if job.forgotten and not job.listed]
        for uid in gone:
            self.numbered[uid] = self.jobs.pop(uid).last_seq

    def _send_again(self, uids: Iterable[str]) -> None:
        for uid in uids:
            if uid in self.jobs:
                self.jobs[uid].sent = self.jobs[uid].acked

    def _apply(self, command: Define | Assign | Cancel | Return | Forget) -> None:
        match command:
            case Define():
                known = self.jobs.get(command.uid)
                if known is None:
                    # Numbers never start again within an incarnation.
                    last = self.numbered.get(command.uid, 0)
                    job = FakeJob(command, acked=last, sent=last, last_seq=last)
                    self.jobs[command.uid] = job
                else:
                    self._redefine(known, command)
            case Assign() if command.run <= self.cancelled.get(command.uid, -1):
                self.refused += 1
            case Assign():
                job = self.jobs[command.uid]
                fresh = from_ranges(command.fresh)
                order = (*fresh, *(attempt.index for attempt in command.retries))
                if command.items:
                    pairs = zip(order, command.items, strict=True)
                    self.items.update(((command.uid, index), item) for index, item in pairs)
                job.queued |= fresh
                for attempt in command.retries:
                    job.queued.add(attempt.index)
                    job.ended[attempt.index] = attempt.ended
            case Cancel() if command.uid in self.jobs:
                job = self.jobs[command.uid]
                which = from_ranges(command.ranges) if command.ranges else job.queued | job.running
                self.cancels.append(command)
                if not command.ranges:
                    self.cancelled[command.uid] = job.define.run
                job.stopping |= which & job.running
                job.queued -= which
                if not self.graceful:
                    self.stop()
            case Return() if command.uid in self.jobs:
                self.jobs[command.uid].queued -= from_ranges(command.ranges)
            case Forget() if command.uid in self.jobs:
                job = self.jobs[command.uid]
                job.queued, job.forgotten = BitMap(), True
                self._purge()
            case _:
                pass

    def _redefine(self, job: FakeJob, define: Define) -> None:
        """A newer run ends what is left of the older one."""
        job.forgotten = False
        if define.run > job.define.run:
            job.queued, job.stopping = BitMap(), job.running.copy()
            self.stop()
            job.define = define

    def stop(self) -> None:
        """The running tasks that were told to end do so."""
        for job in self.jobs.values():
            stopped = job.stopping & job.running
            job.running -= stopped
            job.stopping = BitMap()
            if stopped:
                job.record(BitMap(), [], stopped)

    def start(self) -> None:
        """Fill the slots from the queues, jobs in turn."""
        free = self.cpu_millis - sum(
            len(job.running) * job.define.cpu_millis for job in self.jobs.values()
        )
        for job in self.jobs.values():
            while job.queued and free >= job.define.cpu_millis:
                index = job.queued.min()
                job.queued.discard(index)
                job.running.add(index)
                self.ran.append((job.define.uid, index))
                free -= job.define.cpu_millis

    def finish(self, outcome: Outcome = lambda index, ended: "") -> None:
        """End everything that runs."""
        for job in self.jobs.values():
            succeeded, failed = BitMap(), []
            for index in job.running:
                ended = job.ended.pop(index, 0)
                reason = outcome(index, ended)
                if reason:
                    failed.append(Failure(index, ended, reason, 1, 0, "tail"))
                else:
                    succeeded.add(index)
            job.running = BitMap()
            if succeeded or failed:
                job.record(succeeded, failed, BitMap())

    def report(self, *, leaving: bool = False) -> Report:
        return Report(
            self.incarnation,
            self.epoch,
            self.session,
            self.applied,
            [self._stated(job, job.unsent()) for job in self.jobs.values() if job.listed],
            leaving,
            self.dropped_records,
        )

    def _stated(self, job: FakeJob, entries: list[Entry]) -> JobReport:
        return JobReport(
            job.define.uid,
            job.define.namespace,
            job.define.name,
            job.define.run,
            ranges(job.queued),
            ranges(job.running),
            job.acked,
            job.last_seq,
            entries,
        )


class World:
    """A leader and its workers, with perfect delivery unless a test interferes."""

    def __init__(self, leader: Leader, *workers: FakeWorker) -> None:
        self.leader = leader
        self.workers = {worker.key: worker for worker in workers}
        self.now = 0.0
        self.statuses: dict[str, list[dict[str, Any]]] = {}
        self.version = 1000
        self.others: list[Effect] = []
        self.texts: dict[str, str | None] = {}
        self.reads = 0
        self.spec: dict[str, Any] = {}

    def deliver(self) -> None:
        """Settle once and carry every effect out, until nothing is left to do."""
        self.leader.proved(at(self.now))
        settle(self.leader, at(self.now))
        while effects := self.leader.take_effects():
            for effect in effects:
                self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Send(worker=key, message=message):
                if key in self.workers:
                    self._tell(self.workers[key], message)
            case Broadcast(message=message):
                for worker in list(self.workers.values()):
                    self._tell(worker, message)
            case WriteStatus():
                self.version += 1
                self.statuses.setdefault(effect.uid, []).append(effect.status)
                checkpoints.written(
                    self.leader, effect.uid, str(self.version), effect.marks, at(self.now)
                )
            case ReadItems(uid=uid, name=name):
                self.reads += 1
                items.were_read(self.leader, uid, self.texts.get(name))
                self.others.append(effect)
            case _:
                self.others.append(effect)

    def _tell(self, worker: FakeWorker, message: LeaderMessage) -> None:
        worker.hear(message)
        if isinstance(message, Announce) and not worker.session:
            reporting.hello(self.leader, worker.key, worker.hello(), at(self.now))

    def restart(self, name: str) -> FakeWorker:
        """Another incarnation of a worker: its tasks are gone, its entries are not."""
        key = ("default", name)
        old = self.workers[key]
        new = FakeWorker(name, old.cpu_millis, incarnation=old.incarnation + "'")
        for uid, job in old.jobs.items():
            if job.entries:
                entries = [
                    Entry(number, e.run, e.succeeded, e.failed, e.stopped, e.busy_seconds)
                    for number, e in enumerate(job.entries, start=1)
                ]
                new.jobs[uid] = FakeJob(job.define, entries=entries, last_seq=len(entries))
        self.workers[key] = new
        reporting.hello(self.leader, key, new.hello(), at(self.now))
        return new

    def report_all(self) -> None:
        for worker in list(self.workers.values()):
            reporting.report(self.leader, worker.key, worker.report(), at(self.now))

    def tick(self, outcome: Outcome = lambda index, ended: "", seconds: float = 0.05) -> None:
        """Run what is queued, end it, report it, and let the leader conclude."""
        self.now += seconds
        for worker in self.workers.values():
            worker.start()
            worker.finish(outcome)
        self.report_all()
        self.deliver()

    def run(
        self,
        uid: str,
        outcome: Outcome = lambda index, ended: "",
        seconds: float = 0.05,
        rounds: int = 2000,
    ) -> None:
        """Go on until the job is finished."""
        for _ in range(rounds):
            if self.leader.jobs[uid].finished:
                return
            self.tick(outcome, seconds)
        raise AssertionError(f"{uid} is not finished: {self.leader.jobs[uid]}")

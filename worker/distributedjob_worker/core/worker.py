"""The worker as a state machine: messages and ends of tasks in, effects out.

One object holds the session, the queues and the results. The shell serialises its
calls; no call waits for anything, and time is an argument.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, assert_never

from distributedjob_api.histogram import SECONDS, Histogram
from distributedjob_api.messages import (
    Acks,
    Announce,
    Assign,
    Cancel,
    Command,
    Commands,
    Define,
    Entry,
    Forget,
    Hello,
    JobReport,
    LeaderMessage,
    OutputReply,
    OutputRequest,
    Range,
    Refusal,
    Report,
    Resend,
    Return,
    Welcome,
)
from distributedjob_worker.core import reports, results
from distributedjob_worker.core.effects import (
    Effect,
    Journal,
    Publish,
    Recall,
    Release,
    Show,
    Stop,
    Store,
    Wake,
)
from distributedjob_worker.core.queues import JobQueue, Queues, Task
from distributedjob_worker.core.records import Records
from distributedjob_worker.core.results import JobLedger, Outcome
from distributedjob_worker.core.session import Session, Standing

HELLO_SECONDS: Final = 1.0
HEARTBEAT_SECONDS: Final = 1.0
REPORT_GAP_SECONDS: Final = 0.003
"""Between two reports, however urgent: many single tasks that end together share one."""

SHARE_BYTES: Final = 64 * 1024 * 1024
"""Results of one job that may wait for a checkpoint, about, so that one whose status cannot
be written leaves room in the spool for the others."""

REMEMBERED_JOBS: Final = 4096
"""Cancelled jobs, whose late assignments are refused, and forgotten ones, whose numbers go on."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a worker says of itself."""

    incarnation: str
    node: str
    address: str
    version: str
    cpu_millis: int
    memory_bytes: int


class Worker:
    """See the module; ``finished`` collects ended attempts between two reports.

    Args:
        identity: what it says of itself.
        journals: whether it keeps records for the journal.
    """

    def __init__(self, identity: Identity, *, journals: bool = True) -> None:
        self.identity = identity
        self.session = Session()
        self.queues = Queues(identity.cpu_millis, identity.memory_bytes)
        self.ledgers: dict[str, JobLedger] = {}
        self.finished: list[tuple[Task, Outcome]] = []
        self.urgent = False
        self.leaving = False
        self.held = False
        self.run_seconds = Histogram(SECONDS)
        """How long attempts ran, whatever became of them."""
        self.dropped_records = 0
        """Records that the journal's way out gave up, as the shell counts them."""
        self._records = Records(identity.node, kept=journals)
        self._cancelled: OrderedDict[str, int] = OrderedDict()
        self._news = False
        self._numbered: OrderedDict[str, int] = OrderedDict()
        self._sent_at = self._looked_at = -HEARTBEAT_SECONDS

    # -- tasks ---------------------------------------------------------------------

    def take(self, now: float) -> Task | None:
        """The next task to start, or None."""
        if self.held or not self.queues.waiting:
            return None
        return self.queues.take(now)

    @property
    def has_room(self) -> bool:
        """Whether any CPU is free."""
        return self.queues.free_millis > 0

    def runs(self, task: Task) -> bool:
        """Whether this very attempt runs."""
        return self.queues.runs(task)

    def finish(self, task: Task, outcome: Outcome) -> bool:
        """A task ended; a worker that has nothing else to run reports at once.

        Returns:
            Whether a report is due earlier than before.
        """
        self.queues.finish(task)
        sooner = not self.finished
        self.finished.append((task, outcome))
        if not self.urgent and not self.queues.waiting:
            self.urgent = sooner = True
        return sooner

    def take_ahead(self, define: Define, most: int, shares: int) -> list[Task]:
        """Tasks that may each take the place of one of this job that ends."""
        return [] if self.held else self.queues.take_ahead(define, most, shares)

    def follow(self, task: Task) -> None:
        """A task that was ahead runs, in the place of one that has just ended."""
        self.queues.follow(task)

    def give_back(self, task: Task) -> bool:
        """A task that was ahead was not started; whether a report is due for it.

        The leader learns from a report that no longer lists it that it is free.
        """
        if self.queues.give_back(task):
            return False
        self._purge(task.define.uid)
        self.urgent = True
        return True

    def hold(self, held: bool) -> list[Effect]:
        """Start no more tasks while there is no room for their results."""
        self.held = held
        if not held:
            return [Wake()]
        ahead = [task for job in self.queues.jobs.values() for task in job.ahead.values()]
        return [Recall(ahead)] if ahead else []

    @property
    def kept(self) -> list[Store]:
        """Every entry that is not acknowledged, as the spool should hold it."""
        return [
            Store(uid, ledger.namespace, ledger.name, ledger.unpacked())
            for uid, ledger in self.ledgers.items()
            if ledger.entries
        ]

    @property
    def settled(self) -> bool:
        """Whether nothing runs and every result is acknowledged."""
        return self.idle and not any(ledger.entries for ledger in self.ledgers.values())

    @property
    def idle(self) -> bool:
        """Whether nothing runs and every result has a number."""
        return (
            not self.queues.running_count
            and not self.finished
            and not any(job.ahead for job in self.queues.jobs.values())
        )

    # -- the leader ----------------------------------------------------------------

    def connected(self, now: float) -> list[Effect]:
        """The transport is there, perhaps anew: present ourselves."""
        self.session.number = None
        return self._hello(now)

    def handle(self, message: LeaderMessage, now: float) -> list[Effect]:
        """Apply what a leader sent."""
        match message:
            case Announce():
                if not self.session.follow(message.epoch):
                    return [self._refusal()]
                return self._hello(now)
            case Welcome():
                return self._welcome(message)
            case Commands():
                return self._fenced(message, now) or self._commands(message, now)
            case Acks():
                return self._fenced(message, now) or self._acknowledge(message)
            case Resend():
                return self._fenced(message, now) or self._resend(message)
            case OutputRequest():
                return self._fenced(message, now) or [self._show(message)]
            case _:
                assert_never(message)

    def due(self) -> float:
        """When :meth:`tick` has something to say next."""
        return min(self._report_due(), self._records.due())

    def tick(self, now: float) -> list[Effect]:
        """Say what is due: a report, or else what the journal has waited for long enough."""
        return self.report(now) if now >= self._report_due() else self._journal(now)

    def _report_due(self) -> float:
        if self.urgent:
            return self._looked_at + REPORT_GAP_SECONDS
        if self.finished or self._news:
            return self._looked_at + self.session.report_seconds
        return self._sent_at + (HELLO_SECONDS if self.session.number is None else HEARTBEAT_SECONDS)

    def report(self, now: float) -> list[Effect]:
        """Number what ended and say what there is to say, a heartbeat at least."""
        effects = self._collect(now)
        self.urgent = self._news = False
        self._looked_at = now
        if self.session.number is None:
            if now >= self._sent_at + HELLO_SECONDS:  # As `due` reckons, to the last bit.
                effects += self._hello(now)
            return effects
        self._sent_at = now
        entries = {
            uid: unsent for uid, ledger in self.ledgers.items() if (unsent := ledger.unsent())
        }
        for jobs in reports.spread(self._states(), entries):
            effects.append(
                Publish(
                    Report(
                        incarnation=self.identity.incarnation,
                        epoch=self.session.epoch,
                        session=self.session.number,
                        applied=self.session.applied,
                        jobs=jobs,
                        leaving=self.leaving,
                        dropped_records=self.dropped_records,
                    )
                )
            )
        if self.queues.waiting and self.queues.free_millis > 0:
            # Slots that were kept for a task that did not fit may be kept no longer.
            effects.append(Wake())
        return effects

    def adopt(self, stores: Iterable[Store]) -> None:
        """Take over the entries that an earlier incarnation left, under new numbers."""
        for store in stores:
            ledger = self._ledger(store.uid, store.namespace, store.name)
            for entry in store.entries:
                ledger.append(
                    Entry(
                        ledger.last_seq + 1,
                        entry.run,
                        entry.succeeded,
                        entry.failed,
                        entry.stopped,
                        entry.busy_seconds,
                    )
                )

    def leave(self) -> list[Effect]:
        """Take nothing more, give back what waits, end what runs."""
        self.leaving = self.urgent = True
        running: list[Task] = []
        for job in self.queues.jobs.values():
            running += job.running.values()
            running += self.queues.drop(job, None)
        return [Stop(running)] if running else []

    # -- messages ------------------------------------------------------------------

    def _fenced(
        self, message: Commands | Acks | Resend | OutputRequest, now: float
    ) -> list[Effect]:
        """What to do instead of applying a message that is not of this session."""
        match self.session.standing(message.epoch, message.session):
            case Standing.OUTDATED:
                return [self._refusal()]
            case Standing.CURRENT:
                return []
            case Standing.STRANGE:
                if self.session.number is None:
                    return self._hello(now)
                self.urgent = True
                return self.report(now)
            case standing:
                assert_never(standing)

    def _welcome(self, message: Welcome) -> list[Effect]:
        if message.epoch < self.session.epoch:
            return [self._refusal()]
        if message.incarnation != self.identity.incarnation:
            return []
        if self.session.grant(message.epoch, message.session, message.report_seconds):
            for ledger in self.ledgers.values():
                ledger.resend()
        self.urgent = True
        return []

    def _commands(self, message: Commands, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for command in message.commands:
            if command.number > self.session.applied + 1:
                # The leader repeats from the number that the report carries.
                self.urgent = True
                break
            if command.number == self.session.applied + 1:
                effects += self._apply(command)
                self.session.applied = command.number
                self._news = True
        return effects

    def _apply(self, command: Command) -> list[Effect]:
        match command:
            case Define():
                # Commands come in order: who defines a job after its end means it.
                self._cancelled.pop(command.uid, None)
                outdated = self.queues.define(command)
                self._share_out(command.uid)
                return [Stop(outdated)] if outdated else []
            case Assign():
                return self._assign(command)
            case Cancel():
                return self._cancel(command)
            case Return():
                job = self.queues.jobs.get(command.uid)
                return [] if job is None else self._recalled(job, command.ranges)
            case Forget():
                job = self.queues.jobs.get(command.uid)
                effects = [] if job is None else self._recalled(job, None)
                if job is not None:
                    job.forgotten = True
                self._purge(command.uid)
                return effects
            case _:
                assert_never(command)

    def _assign(self, command: Assign) -> list[Effect]:
        job = self.queues.jobs.get(command.uid)
        if (
            job is None
            or self.leaving
            or job.define.run != command.run
            or command.run <= self._cancelled.get(command.uid, -1)
            or job.define.cpu_millis > self.identity.cpu_millis
            or job.define.memory_bytes > self.identity.memory_bytes
            or (command.items and len(command.items) != command.count)
        ):
            # The report that leaves at once does not list them: that is the answer.
            self.urgent = True
            return []
        self.queues.add(
            job,
            command.fresh,
            command.retries,
            command.items,
            command.parallelism,
            command.priority,
        )
        return [Wake()]

    def _recalled(self, job: JobQueue, ranges: list[Range] | None) -> list[Effect]:
        recalled = self.queues.drop(job, ranges)
        return [Recall(recalled)] if recalled else []

    def _cancel(self, command: Cancel) -> list[Effect]:
        job = self.queues.jobs.get(command.uid)
        if job is None:
            return []
        whole = not command.ranges
        if whole:
            self._cancelled[command.uid] = job.define.run
            self._cancelled.move_to_end(command.uid)
            if len(self._cancelled) > REMEMBERED_JOBS:
                self._cancelled.popitem(last=False)
        recalled = self.queues.drop(job, None if whole else command.ranges)
        # A report that no longer lists what waited is the answer.
        self.urgent = True
        chosen = [
            task
            for index, task in job.running.items()
            if whole or any(first <= index <= last for first, last in command.ranges)
        ]
        return [Stop([*recalled, *chosen])] if recalled or chosen else []

    def _acknowledge(self, message: Acks) -> list[Effect]:
        effects: list[Effect] = [Release()]
        for uid, upto in message.upto:
            ledger = self.ledgers.get(uid)
            if ledger is not None:
                ledger.acknowledge(upto)
                if self._share_out(uid):
                    effects.append(Wake())
                self._purge(uid)
        return effects

    def _share_out(self, uid: str) -> bool:
        """Start no more tasks of a job that fills its share; whether it may go on again."""
        ledger, queue = self.ledgers.get(uid), self.queues.jobs.get(uid)
        if ledger is None or queue is None:
            return False
        before, queue.held = queue.held, ledger.size >= SHARE_BYTES
        return before and not queue.held

    def _resend(self, message: Resend) -> list[Effect]:
        for uid in message.uids:
            ledger = self.ledgers.get(uid)
            if ledger is not None:
                ledger.resend()
        self.urgent = True
        return []

    def _show(self, message: OutputRequest) -> Show | Publish:
        job = self.queues.jobs.get(message.uid)
        task = job.running.get(message.index) if job is not None else None
        if task is None:
            return Publish(OutputReply(self.identity.incarnation, message.request))
        return Show(task, message)

    # -- state ---------------------------------------------------------------------

    def _collect(self, now: float) -> list[Effect]:
        """Give numbers to what ended since the last report."""
        if not self.finished:
            return self._journal(now)
        finished, self.finished = self.finished, []
        self.run_seconds.observe_all([outcome.duration for _, outcome in finished])
        ended = results.fold(finished)
        effects: list[Effect] = []
        for batch in ended.values():
            define = batch.define
            ledger = self._ledger(define.uid, define.namespace, define.name)
            made = results.entries(batch, ledger.last_seq)
            for entry in made:
                ledger.append(entry)
            self._share_out(define.uid)
            effects.append(Store(define.uid, define.namespace, define.name, made))
            self._records.add(batch, now)
        return effects + self._journal(now)

    def _journal(self, now: float) -> list[Effect]:
        """What the journal is sent now."""
        return [Journal(batch) for batch in self._records.take(now, self.queues.has)]

    def _ledger(self, uid: str, namespace: str, name: str) -> JobLedger:
        ledger = self.ledgers.get(uid)
        if ledger is None:
            # Numbers never start again within an incarnation, not even for a job that
            # was forgotten and came back: the leader may remember the old ones.
            last = self._numbered.pop(uid, 0)
            ledger = self.ledgers[uid] = JobLedger(namespace, name, 0, last, last, last)
        return ledger

    def _purge(self, uid: str) -> None:
        """Drop a job that was forgotten once nothing of it is left here."""
        job = self.queues.jobs.get(uid)
        if job is not None and (not job.forgotten or job.running or job.waiting or job.ahead):
            return
        if any(task.define.uid == uid for task, _ in self.finished):
            return
        ledger = self.ledgers.get(uid)
        if ledger is not None and ledger.entries:
            return
        self.queues.jobs.pop(uid, None)
        if ledger is not None:
            del self.ledgers[uid]
            self._numbered[uid] = ledger.last_seq
            if len(self._numbered) > REMEMBERED_JOBS:
                self._numbered.popitem(last=False)

    def _states(self, *, idle: bool = False) -> list[JobReport]:
        """What is held of each job, on request also of those that only have a definition."""
        states = []
        for uid in {**self.queues.jobs, **self.ledgers}:
            queue, ledger = self.queues.jobs.get(uid), self.ledgers.get(uid)
            if (
                (queue is not None and idle)
                or (queue is not None and (queue.waiting or queue.running or queue.ahead))
                or (ledger is not None and ledger.entries)
            ):
                states.append(reports.job_report(uid, queue, ledger))
        return states

    def _hello(self, now: float) -> list[Effect]:
        self._sent_at = now
        who = self.identity
        return [
            Publish(
                Hello(
                    incarnation=who.incarnation,
                    epoch=self.session.epoch,
                    node=who.node,
                    address=who.address,
                    version=who.version,
                    cpu_millis=who.cpu_millis,
                    memory_bytes=who.memory_bytes,
                    jobs=self._states(idle=True),
                )
            )
        ]

    def _refusal(self) -> Publish:
        return Publish(Refusal(self.identity.incarnation, self.session.epoch))

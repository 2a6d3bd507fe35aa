"""The worker as a state machine: messages and ends of tasks in, effects out.

One object joins the session, the queues and the ledgers. The shell serialises its
calls; no call waits for anything, and time is an argument.
"""

from dataclasses import dataclass
from typing import assert_never

from distributedjob_api.histogram import SECONDS, Histogram
from distributedjob_api.messages import (
    Acks,
    Announce,
    Assign,
    Commands,
    Define,
    Hello,
    LeaderMessage,
    OutputReply,
    OutputRequest,
    Refusal,
    Report,
    Resend,
    Welcome,
)
from distributedjob_worker.core import jobs, reports
from distributedjob_worker.core.commands import Orders
from distributedjob_worker.core.effects import (
    Effect,
    Journal,
    Publish,
    Recall,
    Release,
    Show,
    Wake,
)
from distributedjob_worker.core.ledgers import Ledgers
from distributedjob_worker.core.queues import Queues, Task
from distributedjob_worker.core.records import Records
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.core.session import Session, Standing
from distributedjob_worker.core.timing import Timing


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
    """See the module.

    Args:
        identity: what it says of itself.
        journals: whether it keeps records for the journal.
    """

    def __init__(self, identity: Identity, *, journals: bool = True) -> None:
        self.identity = identity
        self.session = Session()
        self.queues = Queues(identity.cpu_millis, identity.memory_bytes)
        self.ledgers = Ledgers()
        self.held = False
        self.run_seconds = Histogram(SECONDS)
        """How long attempts ran, whatever became of them."""
        self.dropped_records = 0
        """Records that the journal's way out gave up, as the shell counts them."""
        self._records = Records(identity.node, kept=journals)
        self._timing = Timing()
        self._orders = Orders(self.queues, self.ledgers, self._timing)

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

        It is news where the leader has something to decide: the attempt failed, or
        nothing more of its job waits here.

        Returns:
            Whether a report is due earlier than before.
        """
        finished, timing = self.ledgers.finished, self._timing
        self.queues.finish(task)
        sooner = not finished
        finished.append((task, outcome))
        if not self.queues.waiting:
            if not timing.urgent:
                timing.urgent = sooner = True
        elif not timing.news and (outcome.reason or not self.queues.waits(task.define.uid)):
            timing.news = sooner = True
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
        jobs.purge(self.queues, self.ledgers, task.define.uid)
        self._timing.urgent = True
        return True

    def hold(self, held: bool) -> list[Effect]:
        """Start no more tasks while there is no room for their results."""
        self.held = held
        if not held:
            return [Wake()]
        ahead = [task for job in self.queues.jobs.values() for task in job.ahead.values()]
        return [Recall(ahead)] if ahead else []

    @property
    def settled(self) -> bool:
        """Whether nothing runs and every result is acknowledged."""
        return self.idle and not any(ledger.entries for ledger in self.ledgers.jobs.values())

    @property
    def idle(self) -> bool:
        """Whether nothing runs and every result has a number."""
        return (
            not self.queues.running_count
            and not self.ledgers.finished
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

    def report(self, now: float) -> list[Effect]:
        """Number what ended and say what there is to say, a heartbeat at least."""
        effects = self._collect(now)
        self._timing.look(now)
        if self.session.number is None:
            if self._timing.may_greet(now):
                effects += self._hello(now)
            return effects
        self._timing.sent_at = now
        states = reports.job_states(self.queues, self.ledgers)
        self._timing.stated = len(states)
        for stated in reports.spread(states, self.ledgers.unsent()):
            effects.append(
                Publish(
                    Report(
                        incarnation=self.identity.incarnation,
                        epoch=self.session.epoch,
                        session=self.session.number,
                        applied=self.session.applied,
                        jobs=stated,
                        leaving=self._orders.leaving,
                        dropped_records=self.dropped_records,
                    )
                )
            )
        if self.queues.waiting and self.queues.free_millis > 0:
            # Slots that were kept for a task that did not fit may be kept no longer.
            effects.append(Wake())
        return effects

    def leave(self) -> list[Effect]:
        """Take nothing more, give back what waits, end what runs."""
        return self._orders.leave()

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
                self._timing.urgent = True
                return self.report(now)
            case standing:
                assert_never(standing)

    def _welcome(self, message: Welcome) -> list[Effect]:
        if message.epoch < self.session.epoch:
            return [self._refusal()]
        if message.incarnation != self.identity.incarnation:
            return []
        if self.session.grant(message.epoch, message.session, message.report_seconds):
            self.ledgers.resend(self.ledgers.jobs)
        self._timing.urgent = True
        return []

    def _commands(self, message: Commands, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for command in message.commands:
            if command.number > self.session.applied + 1:
                # The leader repeats from the number that the report carries.
                self._timing.urgent = True
                break
            if command.number == self.session.applied + 1:
                more = isinstance(command, Assign) and self.queues.waits(command.uid)
                effects += self._orders.apply(command)
                self.session.applied = command.number
                if more:
                    self._timing.goes_on = True
                else:
                    self._timing.news = True
        return effects

    def _acknowledge(self, message: Acks) -> list[Effect]:
        effects: list[Effect] = [Release()]
        for uid, upto in message.upto:
            ledger = self.ledgers.jobs.get(uid)
            if ledger is not None:
                ledger.acknowledge(upto)
                if jobs.share_out(self.queues, self.ledgers, uid):
                    effects.append(Wake())
                jobs.purge(self.queues, self.ledgers, uid)
        return effects

    def _resend(self, message: Resend) -> list[Effect]:
        self.ledgers.resend(message.uids)
        self._timing.urgent = True
        return []

    def _show(self, message: OutputRequest) -> Show | Publish:
        job = self.queues.jobs.get(message.uid)
        task = job.running.get(message.index) if job is not None else None
        if task is None:
            return Publish(OutputReply(self.identity.incarnation, message.request))
        return Show(task, message)

    # -- what is said -------------------------------------------------------------

    def _report_due(self) -> float:
        return self._timing.due(self.session, ended=bool(self.ledgers.finished))

    def _collect(self, now: float) -> list[Effect]:
        """Give numbers to what ended since the last report."""
        effects: list[Effect] = []
        if self.ledgers.finished:
            self.run_seconds.observe_all([end.duration for _, end in self.ledgers.finished])
            for batch, store in self.ledgers.number():
                jobs.share_out(self.queues, self.ledgers, store.uid)
                self._records.add(batch, now)
                effects.append(store)
        return effects + self._journal(now)

    def _journal(self, now: float) -> list[Effect]:
        """What the journal is sent now."""
        return [Journal(batch) for batch in self._records.take(now, self.queues.has)]

    def _hello(self, now: float) -> list[Effect]:
        self._timing.sent_at = now
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
                    jobs=reports.job_states(self.queues, self.ledgers, idle=True),
                )
            )
        ]

    def _refusal(self) -> Publish:
        return Publish(Refusal(self.identity.incarnation, self.session.epoch))

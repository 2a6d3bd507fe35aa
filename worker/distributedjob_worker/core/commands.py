"""What the leader commands: a job defined, assigned, cancelled, asked back or forgotten."""

from typing import assert_never

from distributedjob_api.messages import Assign, Cancel, Command, Define, Forget, Range, Return
from distributedjob_worker.core import jobs
from distributedjob_worker.core.effects import Effect, Recall, Stop, Wake
from distributedjob_worker.core.ledgers import Ledgers
from distributedjob_worker.core.queues import JobQueue, Queues, Task
from distributedjob_worker.core.timing import Timing


class Orders:
    """Carries out commands, one after the other.

    A command may be answered by what the next report no longer lists: ``timing`` is told
    where that report is urgent. A worker that is ``leaving`` takes nothing more.
    """

    def __init__(self, queues: Queues, ledgers: Ledgers, timing: Timing) -> None:
        self.leaving = False
        self._queues = queues
        self._ledgers = ledgers
        self._timing = timing

    def apply(self, command: Command) -> list[Effect]:
        """Do what the next command says; whether it is the next one is not judged here."""
        match command:
            case Define():
                outdated = self._queues.define(command)
                jobs.share_out(self._queues, self._ledgers, command.uid)
                return [Stop(outdated)] if outdated else []
            case Assign():
                return self._assign(command)
            case Cancel():
                return self._cancel(command)
            case Return():
                return self._give_back(self._queues.jobs.get(command.uid), command.ranges)
            case Forget():
                return self._forget(command)
            case _:
                assert_never(command)

    def leave(self) -> list[Effect]:
        """Take nothing more, give back what waits, end what runs."""
        self.leaving = self._timing.urgent = True
        running: list[Task] = []
        for job in self._queues.jobs.values():
            running += job.running.values()
            running += self._queues.drop(job, None)
        return [Stop(running)] if running else []

    def _assign(self, command: Assign) -> list[Effect]:
        job = self._queues.jobs.get(command.uid)
        if (
            job is None
            or self.leaving
            or job.cancelled
            or job.define.run != command.run
            or not self._queues.could_fit(job)
            or (command.items and len(command.items) != command.count)
        ):
            # The report that leaves at once does not list them: that is the answer.
            self._timing.urgent = True
            return []
        self._queues.add(
            job,
            command.fresh,
            command.retries,
            command.items,
            command.parallelism,
            command.priority,
        )
        return [Wake()]

    def _give_back(self, job: JobQueue | None, ranges: list[Range] | None) -> list[Effect]:
        recalled = [] if job is None else self._queues.drop(job, ranges)
        return [Recall(recalled)] if recalled else []

    def _forget(self, command: Forget) -> list[Effect]:
        job = self._queues.jobs.get(command.uid)
        effects = self._give_back(job, None)
        if job is not None:
            job.forgotten = True
        jobs.purge(self._queues, self._ledgers, command.uid)
        return effects

    def _cancel(self, command: Cancel) -> list[Effect]:
        job = self._queues.jobs.get(command.uid)
        if job is None:
            return []
        whole = not command.ranges
        job.cancelled = job.cancelled or whole
        recalled = self._queues.drop(job, None if whole else command.ranges)
        # A report that no longer lists what waited is the answer.
        self._timing.urgent = True
        chosen = [
            task
            for index, task in job.running.items()
            if whole or any(first <= index <= last for first, last in command.ranges)
        ]
        return [Stop([*recalled, *chosen])] if recalled or chosen else []

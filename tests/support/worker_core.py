"""The worker's core without a shell: a worker in a session, what it is told and what it says."""

from distributedjob_api.messages import (
    Command,
    Commands,
    Hello,
    JobReport,
    Report,
    Welcome,
    WorkerMessage,
)
from distributedjob_worker.core.effects import Effect, Publish
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.core.worker import Identity, Worker
from tests.support.worker_driver import UID

IDENTITY = Identity("inc", "node", "10.0.0.1", "0.1", 2000, 1 << 30)


def granted(worker: Worker) -> Worker:
    """A worker, now in session 7 of epoch 5."""
    worker.connected(0.0)
    worker.handle(Welcome(5, 7, "inc", 0.05), 0.0)
    return worker


def a_worker() -> Worker:
    """A worker in session 7 of epoch 5 that has nothing to say."""
    worker = granted(Worker(IDENTITY))
    worker.report(0.0)
    return worker


def command(worker: Worker, *commands: Command, now: float = 1.0) -> list[Effect]:
    """Tell it commands, in its session."""
    return worker.handle(Commands(5, 7, list(commands)), now)


def said(effects: list[Effect]) -> list[WorkerMessage]:
    """What it sends to the leader."""
    return [effect.message for effect in effects if isinstance(effect, Publish)]


def reported(worker: Worker, now: float = 2.0) -> Report:
    """Its one report."""
    (report,) = said(worker.report(now))
    assert isinstance(report, Report)
    return report


def stated(report: Report | Hello, uid: str = UID) -> JobReport:
    """What it says of a job."""
    (job,) = [job for job in report.jobs if job.uid == uid]
    return job


def taken(worker: Worker) -> Task:
    """The task that starts next."""
    task = worker.take(1.0)
    assert task is not None
    return task


def run(worker: Worker, count: int, reason: str = "") -> None:
    """Start and end so many tasks, one after the other."""
    for _ in range(count):
        worker.finish(taken(worker), Outcome(0.0, 0.5, reason, exit_code=1 if reason else 0))

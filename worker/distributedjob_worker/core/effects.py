"""What the worker's core asks its shell to do, in this order."""

from collections.abc import Iterable
from dataclasses import dataclass

from distributedjob_api.messages import Entry, JournalBatch, OutputRequest, WorkerMessage
from distributedjob_worker.core.queues import Task


@dataclass(frozen=True, slots=True)
class Store:
    """Append entries to the spool; stands before the message that sends them."""

    uid: str
    namespace: str
    name: str
    entries: Iterable[Entry]


@dataclass(frozen=True, slots=True)
class Release:
    """Acknowledgements arrived: the spool may drop what ``Ledgers.kept`` lacks."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Send to the leader."""

    message: WorkerMessage


@dataclass(frozen=True, slots=True)
class Journal:
    """Send to the journal, whenever it can take it."""

    batch: JournalBatch


@dataclass(frozen=True, slots=True)
class Stop:
    """End these running tasks, each with its job's grace; give back those ahead."""

    tasks: list[Task]


@dataclass(frozen=True, slots=True)
class Recall:
    """Give back these tasks ahead, but let go on what was started meanwhile."""

    tasks: list[Task]


@dataclass(frozen=True, slots=True)
class Show:
    """Answer with what a running task has written so far."""

    task: Task
    request: OutputRequest


@dataclass(frozen=True, slots=True)
class Wake:
    """There may be tasks to start."""


Effect = Store | Release | Publish | Journal | Stop | Recall | Show | Wake

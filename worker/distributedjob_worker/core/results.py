"""Ended attempts as results: folded by job and run, cut into numbered entries."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from distributedjob_api import task_reasons
from distributedjob_api.indexes import BitMap, ranges
from distributedjob_api.messages import Define, Entry, Failure, TaskRecord
from distributedjob_worker.core.queues import Task

ENTRY_BYTES: Final = 128 * 1024
"""About how much of failures one entry holds, so that messages can be cut between entries."""


class Outcome(NamedTuple):
    """How an attempt ended; ``reason`` is empty for a success."""

    started: float
    duration: float
    reason: str = ""
    exit_code: int = 0
    signal: int = 0
    tail: str = ""
    stdout: bytes = b""
    stderr: bytes = b""
    stdout_bytes: int = 0
    stderr_bytes: int = 0


Ended = tuple[Task, Outcome]


@dataclass(slots=True)
class Batch:
    """Ended attempts of one job and run that have no number yet."""

    define: Define
    succeeded: BitMap = field(default_factory=BitMap)
    stopped: BitMap = field(default_factory=BitMap)
    failed: list[Failure] = field(default_factory=list)
    records: list[TaskRecord] = field(default_factory=list)
    busy_seconds: float = 0.0


def fold(finished: Iterable[Ended]) -> dict[tuple[str, int], Batch]:
    """Gather ended attempts by job and run."""
    batches: dict[tuple[str, int], Batch] = {}
    for task, outcome in finished:
        define = task.define
        key = (define.uid, define.run)
        batch = batches.get(key)
        if batch is None:
            batch = batches[key] = Batch(define)
        reason = outcome.reason
        if not reason:
            batch.succeeded.add(task.index)
        elif reason == task_reasons.STOPPED:
            batch.stopped.add(task.index)
        else:
            batch.failed.append(
                Failure(
                    task.index,
                    task.ended,
                    reason,
                    outcome.exit_code,
                    outcome.signal,
                    outcome.tail,
                    task.failures,
                )
            )
        batch.busy_seconds += outcome.duration
        batch.records.append(_record(task, outcome))
    return batches


def entries(batch: Batch, after: int) -> list[Entry]:
    """Number a batch: one entry, or several where the failures are long."""
    made = [
        Entry(
            seq=after + 1,
            run=batch.define.run,
            succeeded=ranges(batch.succeeded),
            failed=[],
            stopped=ranges(batch.stopped),
            busy_seconds=batch.busy_seconds,
        )
    ]
    size = 0
    for failure in batch.failed:
        size += failure_size(failure)
        if size > ENTRY_BYTES:
            made.append(Entry(made[-1].seq + 1, batch.define.run, [], [], [], 0.0))
            size = 0
        made[-1].failed.append(failure)
    return made


def failure_size(failure: Failure) -> int:
    """The most bytes a failure takes on the wire."""
    return 48 + len(failure.reason) + 4 * len(failure.tail)


def entry_size(entry: Entry) -> int:
    """The most bytes an entry takes on the wire."""
    return (
        48
        + 13 * (len(entry.succeeded) + len(entry.stopped))
        + sum(failure_size(failure) for failure in entry.failed)
    )


def _record(task: Task, outcome: Outcome) -> TaskRecord:
    return TaskRecord(
        index=task.index,
        attempt=task.attempt,
        started=outcome.started,
        duration=outcome.duration,
        reason=outcome.reason,
        exit_code=outcome.exit_code,
        signal=outcome.signal,
        stdout=outcome.stdout,
        stderr=outcome.stderr,
        stdout_bytes=outcome.stdout_bytes,
        stderr_bytes=outcome.stderr_bytes,
    )

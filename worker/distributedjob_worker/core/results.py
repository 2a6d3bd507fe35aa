"""Results on their way to a checkpoint: folded, numbered, kept until acknowledged."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from distributedjob_api import task_reasons
from distributedjob_api.indexes import BitMap, ranges
from distributedjob_api.messages import Define, Entry, Failure, TaskRecord
from distributedjob_api.packed import Packed
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


class Waiting(NamedTuple):
    """An entry that no acknowledgement covers yet, and the most bytes that it takes on the wire."""

    packed: Packed
    size: int


@dataclass(slots=True)
class JobLedger:
    """The entries of one job that no acknowledgement covers yet."""

    namespace: str
    name: str
    run: int
    last_seq: int = 0
    acked_seq: int = 0
    sent_seq: int = 0
    size: int = 0
    entries: deque[Waiting] = field(default_factory=deque)

    def append(self, entry: Entry) -> None:
        """Keep an entry; its number follows the last one."""
        waiting = Waiting(Packed.of(entry), entry_size(entry))
        self.entries.append(waiting)
        self.size += waiting.size
        self.last_seq = entry.seq
        self.run = max(self.run, entry.run)

    def acknowledge(self, upto: int) -> None:
        """Drop the entries that stand in a checkpoint."""
        upto = min(upto, self.last_seq)
        while self.entries and self.entries[0].packed.seq <= upto:
            self.size -= self.entries.popleft().size
        self.acked_seq = max(self.acked_seq, upto)
        self.sent_seq = max(self.sent_seq, upto)

    def unsent(self) -> list[Entry]:
        """What was never sent in this session; it counts as sent from here on."""
        if self.sent_seq == self.last_seq:
            return []
        entries = [packed.entry for packed, _ in self.entries if packed.seq > self.sent_seq]
        self.sent_seq = self.last_seq
        return entries

    def unpacked(self) -> Iterator[Entry]:
        """Every entry, one at a time."""
        return (packed.entry for packed, _ in self.entries)

    def resend(self) -> None:
        """Everything that is not acknowledged is to be sent again."""
        self.sent_seq = self.acked_seq


@dataclass(slots=True)
class Batch:
    """Ended attempts of one job and run that have no number yet."""

    define: Define
    succeeded: BitMap = field(default_factory=BitMap)
    stopped: BitMap = field(default_factory=BitMap)
    failed: list[Failure] = field(default_factory=list)
    records: list[TaskRecord] = field(default_factory=list)
    busy_seconds: float = 0.0


def fold(finished: Iterable[tuple[Task, Outcome]]) -> dict[tuple[str, int], Batch]:
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

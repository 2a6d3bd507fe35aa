"""Records of ended attempts, gathered into messages for the journal.

A message costs the stream about as much as a hundred records in it, so they wait for
each other: for a second, or for 256 KiB of one job. What a job has left when nothing
of it waits or runs here leaves at once: whoever sees it Complete may ask for its output.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from distributedjob_api.messages import JournalBatch, TaskRecord
from distributedjob_worker.core.results import Batch

WAIT_SECONDS: Final = 1.0
BATCH_BYTES: Final = 256 * 1024
"""Records in one message, at most, unless one alone is more."""

RECORD_BYTES: Final = 96
"""About what a record takes beside what its task wrote."""


@dataclass(slots=True)
class _Part:
    since: float
    size: int = 0
    records: list[TaskRecord] = field(default_factory=list)


class Records:
    """What waits, by job and run; the oldest first.

    Args:
        node: where they come from.
        kept: whether there is a journal at all.
    """

    def __init__(self, node: str, *, kept: bool = True) -> None:
        self._node = node
        self._kept = kept
        self._parts: dict[tuple[str, int], _Part] = {}
        self._full: list[JournalBatch] = []

    def add(self, batch: Batch, now: float) -> None:
        """Take the records of ended attempts of one job."""
        if not self._kept:
            return
        key = (batch.define.uid, batch.define.run)
        part = self._parts.get(key)
        for record in batch.records:
            weight = RECORD_BYTES + len(record.stdout) + len(record.stderr)
            if part is not None and part.size + weight > BATCH_BYTES:
                self._full.append(self._message(key))
                part = None
            if part is None:
                part = self._parts[key] = _Part(now)
            part.records.append(record)
            part.size += weight

    def due(self) -> float:
        """When :meth:`take` has something to give, without more being added."""
        if self._full:
            return float("-inf")
        return next((part.since + WAIT_SECONDS for part in self._parts.values()), float("inf"))

    def take(self, now: float, busy: Callable[[str], bool]) -> list[JournalBatch]:
        """The messages to send now.

        Args:
            now: this moment.
            busy: whether anything of a job waits or runs here.
        """
        due = [
            key
            for key, part in self._parts.items()
            if now >= part.since + WAIT_SECONDS or not busy(key[0])  # As `due` reckons.
        ]
        taken, self._full = self._full, []
        return taken + [self._message(key) for key in due]

    def _message(self, key: tuple[str, int]) -> JournalBatch:
        return JournalBatch(*key, self._node, self._parts.pop(key).records)

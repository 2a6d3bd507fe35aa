"""Results from the end of an attempt to its acknowledgement: numbered, sent, sent again."""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from distributedjob_api.messages import Entry
from distributedjob_api.packed import Packed
from distributedjob_worker.core import results
from distributedjob_worker.core.effects import Store
from distributedjob_worker.core.results import Batch, Ended, entry_size

REMEMBERED_JOBS: Final = 4096
"""Forgotten jobs whose numbers go on where they come back."""


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


class Ledgers:
    """The ledgers of all jobs; ``finished`` collects ended attempts between two reports."""

    def __init__(self) -> None:
        self.jobs: dict[str, JobLedger] = {}
        self.finished: list[Ended] = []
        self._numbered: OrderedDict[str, int] = OrderedDict()

    @property
    def kept(self) -> Iterator[Store]:
        """Every entry that is not acknowledged, as the spool should hold it."""
        return (
            Store(uid, ledger.namespace, ledger.name, ledger.unpacked())
            # Others may go on while a large spool is written anew.
            for uid, ledger in list(self.jobs.items())
            if ledger.entries
        )

    def adopt(self, stores: Iterable[Store]) -> None:
        """Take over the entries that an earlier incarnation left, under new numbers."""
        for store in stores:
            ledger = self._job(store.uid, store.namespace, store.name)
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

    def number(self) -> list[tuple[Batch, Store]]:
        """Give numbers to what has ended: each batch of attempts, and its entries."""
        finished, self.finished = self.finished, []
        numbered = []
        for batch in results.fold(finished).values():
            define = batch.define
            ledger = self._job(define.uid, define.namespace, define.name)
            made = results.entries(batch, ledger.last_seq)
            for entry in made:
                ledger.append(entry)
            numbered.append((batch, Store(define.uid, define.namespace, define.name, made)))
        return numbered

    def unsent(self) -> dict[str, list[Entry]]:
        """What was never sent in this session, by job; it counts as sent from here on."""
        return {uid: unsent for uid, ledger in self.jobs.items() if (unsent := ledger.unsent())}

    def resend(self, uids: Iterable[str]) -> None:
        """Everything of these jobs that is not acknowledged is to be sent again."""
        for uid in uids:
            ledger = self.jobs.get(uid)
            if ledger is not None:
                ledger.resend()

    def has(self, uid: str) -> bool:
        """Whether any result of a job is not acknowledged, with or without a number."""
        ledger = self.jobs.get(uid)
        return (ledger is not None and bool(ledger.entries)) or any(
            task.define.uid == uid for task, _ in self.finished
        )

    def forget(self, uid: str) -> None:
        """Drop a job of which nothing is open, but for the number of its last entry."""
        ledger = self.jobs.pop(uid, None)
        if ledger is not None:
            self._numbered[uid] = ledger.last_seq
            if len(self._numbered) > REMEMBERED_JOBS:
                self._numbered.popitem(last=False)

    def _job(self, uid: str, namespace: str, name: str) -> JobLedger:
        ledger = self.jobs.get(uid)
        if ledger is None:
            # Numbers never start again within an incarnation, not even for a job that
            # was forgotten and came back: the leader may remember the old ones.
            last = self._numbered.pop(uid, 0)
            ledger = self.jobs[uid] = JobLedger(namespace, name, 0, last, last, last)
        return ledger

"""Jobs that wait at a worker for a turn there, and how many may.

What waits at one worker can start at no other, and what is handed out is looked at in every
round. So where many jobs share few slots, a job whose part is less than a slot claims a turn
only where not many have done so before it. While others find the line closed, a turn is what
was handed out at once: then the job stands behind them.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.job import Job

MOST_IN_LINE: Final = 8
"""Jobs that wait at a worker, at most, beside one for each of its slots."""


class Line:
    """How many jobs have something at each worker that has yet to start; counted if asked for."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = jobs
        self._waiting: Counter[WorkerKey] | None = None
        self._wanted: set[WorkerKey] = set()

    def open_at(self, worker: WorkerKey, slots: int) -> bool:
        """Whether one more may wait at a worker of so many slots."""
        if self._counts()[worker] < slots + MOST_IN_LINE:
            return True
        self._wanted.add(worker)
        return False

    def wanted_at(self, worker: WorkerKey) -> bool:
        """Whether somebody found it closed at a worker."""
        return worker in self._wanted

    def join(self, worker: WorkerKey) -> None:
        """One more waits there."""
        self._counts()[worker] += 1

    def _counts(self) -> Counter[WorkerKey]:
        if self._waiting is None:
            self._waiting = Counter(key for job in self._jobs for key in job.ledger.waiting_at())
        return self._waiting

"""What a job's queue and its results settle together: its share of the spool, and its end."""

from typing import Final

from distributedjob_worker.core.ledgers import Ledgers
from distributedjob_worker.core.queues import Queues

SHARE_BYTES: Final = 64 * 1024 * 1024
"""Results of one job that may wait for a checkpoint, about, so that one whose status cannot
be written leaves room in the spool for the others."""


def share_out(queues: Queues, ledgers: Ledgers, uid: str) -> bool:
    """Start no more tasks of a job that fills its share; whether it may go on again."""
    queue, ledger = queues.jobs.get(uid), ledgers.jobs.get(uid)
    if queue is None or ledger is None:
        return False
    before, queue.held = queue.held, ledger.size >= SHARE_BYTES
    return before and not queue.held


def purge(queues: Queues, ledgers: Ledgers, uid: str) -> None:
    """Drop a job that was forgotten once nothing of it is left here."""
    job = queues.jobs.get(uid)
    if (job is not None and not job.forgotten) or queues.has(uid) or ledgers.has(uid):
        return
    queues.jobs.pop(uid, None)
    ledgers.forget(uid)

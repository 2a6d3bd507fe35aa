"""Reports cut to size: every message states all jobs, the entries are spread over them."""

from collections.abc import Iterator
from typing import Final

from distributedjob_api.messages import Entry, JobReport
from distributedjob_worker.core.ledgers import JobLedger, Ledgers
from distributedjob_worker.core.queues import JobQueue, Queues
from distributedjob_worker.core.results import entry_size

MESSAGE_BYTES: Final = 400 * 1024
"""Entries in one report, at most; the rest of NATS' 1 MiB is for the queues' ranges."""


def job_states(queues: Queues, ledgers: Ledgers, *, idle: bool = False) -> list[JobReport]:
    """What is held of each job, on request also of those that only have a definition."""
    stated = []
    for uid in {**queues.jobs, **ledgers.jobs}:
        queue, ledger = queues.jobs.get(uid), ledgers.jobs.get(uid)
        if (
            (queue is not None and idle)
            or (queue is not None and (queue.waiting or queue.running or queue.ahead))
            or (ledger is not None and ledger.entries)
        ):
            stated.append(_state(uid, queue, ledger))
    return stated


def spread(states: list[JobReport], entries: dict[str, list[Entry]]) -> Iterator[list[JobReport]]:
    """The job lists of as many messages as the entries need, at least one."""
    part: dict[str, list[Entry]] = {}
    size = 0
    for uid, waiting in entries.items():
        for entry in waiting:
            weight = entry_size(entry)
            if part and size + weight > MESSAGE_BYTES:
                yield _with(states, part)
                part, size = {}, 0
            part.setdefault(uid, []).append(entry)
            size += weight
    yield _with(states, part)


def _with(states: list[JobReport], part: dict[str, list[Entry]]) -> list[JobReport]:
    return [
        JobReport(
            state.uid,
            state.namespace,
            state.name,
            state.run,
            state.queued,
            state.running,
            state.acked_seq,
            state.last_seq,
            part[state.uid],
        )
        if state.uid in part
        else state
        for state in states
    ]


def _state(uid: str, queue: JobQueue | None, ledger: JobLedger | None) -> JobReport:
    known = queue.define if queue is not None else ledger
    if known is None:
        raise ValueError(f"job {uid} has neither a queue nor a ledger")
    return JobReport(
        uid=uid,
        namespace=known.namespace,
        name=known.name,
        run=known.run,
        queued=queue.queued_ranges() if queue is not None else [],
        running=queue.running_ranges() if queue is not None else [],
        acked_seq=ledger.acked_seq if ledger is not None else 0,
        last_seq=ledger.last_seq if ledger is not None else 0,
        entries=[],
    )

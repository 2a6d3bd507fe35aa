"""When a status is written, and what its answer means."""

from collections.abc import Iterator
from typing import Final

import msgspec

from distributedjob_api.messages import Acks
from distributedjob_api.v1alpha1 import DistributedJob
from distributedjob_operator.core import announcements, explain, status, tally
from distributedjob_operator.core.budget import Haste
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import Marks, Send, WriteStatus
from distributedjob_operator.core.job import TERMINAL, Job
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.tally import Unwritten

INTERVAL_SECONDS: Final = 1.0
LARGE_INTERVAL_SECONDS: Final = 5.0
LARGE_CHARACTERS: Final = 65_536
"""Exact sets longer than this make a large object: etcd keeps every revision."""

FAILED_WRITE_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def want(leader: Leader, job: Job) -> None:
    """Have the status of a job written when its time comes, where something has changed."""
    leader.writes.want(job.uid, wanted_at(leader, job), _haste(job))


def _haste(job: Job) -> Haste:
    if not job.urgent:
        return Haste.PROGRESS
    return Haste.END if job.finished or job.awaits_write else Haste.BEGINNING


def wanted_at(leader: Leader, job: Job) -> float:
    """When the next write of a job is due, on the leader's clock, if the budget lets it."""
    if not job.dirty or job.writing:
        return float("inf")
    if job.write_failures:
        step = min(job.write_failures, len(FAILED_WRITE_SECONDS)) - 1
        return job.written_at + FAILED_WRITE_SECONDS[step]
    held_until = job.held_since + leader.tuning.first_write_seconds
    if job.urgent:
        return held_until
    interval = LARGE_INTERVAL_SECONDS if job.large else INTERVAL_SECONDS
    return max(held_until, job.written_at + interval)


def due(leader: Leader, now: Instant) -> Iterator[Job]:
    """The jobs that are to be written now, as long as the budget lasts."""
    while (uid := leader.writes.pop(leader.budget, now.mono)) is not None:
        yield leader.jobs[uid]


def write(leader: Leader, job: Job, now: Instant) -> None:
    """Write the status of a job."""
    body = status.build(
        job,
        waiting=explain.why_waiting(leader, job, now),
        installation=leader.installation,
        leader=leader.identity,
        epoch=leader.epoch,
        now=now,
    )
    size = len(msgspec.json.encode(body))
    leader.budget.take(size, now.mono, urgent=job.urgent)
    leader.tally.checkpoint_bytes.observe(size)
    job.dirty = job.urgent = False
    job.large = sum(map(len, body.get("exact", {}).values())) > LARGE_CHARACTERS
    job.writing = True
    job.barrier_in_write = job.barrier
    job.phase_in_write = job.phase
    job.bound_in_write = job.ledger.recorded.dispatched_below
    job.counts_in_write = tally.of_body(body)
    job.written_at = now.mono
    job.clock_written = job.clock.seconds(now.mono)
    leader.effects.append(
        WriteStatus(
            uid=job.uid,
            namespace=job.namespace,
            name=job.name,
            resource_version=job.resource_version,
            status=body,
            marks=job.unconfirmed.marks(),
        )
    )


def written(leader: Leader, uid: str, resource_version: str, marks: Marks, now: Instant) -> None:
    """A checkpoint stands: the workers may forget what it holds."""
    job = leader.jobs.get(uid)
    if job is None:
        return
    leader.awake[uid] = job
    leader.writes.answered(uid)
    job.writing = False
    job.write_failures = 0
    job.resource_version = resource_version
    if job.barrier_in_write:
        job.barrier = job.barrier_in_write = False
    job.ledger.released_below = max(job.ledger.released_below, job.bound_in_write)
    _count(leader, job)
    leader.tally.checkpoint_seconds.observe(now.mono - job.written_at)
    announcements.announce(leader, job)
    job.unconfirmed.confirm(marks)
    for (key, incarnation), seq in marks.items():
        worker = leader.fleet.workers.get(key)
        if worker is not None and worker.incarnation == incarnation:
            worker.confirmed[uid] = max(worker.confirmed.get(uid, 0), seq)
            acks = Acks(leader.epoch, worker.session, [(uid, seq)])
            leader.effects.append(Send(key, acks))


def _count(leader: Leader, job: Job) -> None:
    before, after = job.counted, job.counts_in_write
    job.counted = after
    group = (job.namespace, job.spec.pool)
    leader.tally.checkpoint(group, before, after)
    if after.phase in TERMINAL and before.phase not in TERMINAL:
        leader.tally.ended[*group, after.phase.value] += 1


def not_written(leader: Leader, uid: str, resource: DistributedJob | None, now: Instant) -> None:
    """A write did not go through.

    Args:
        leader: who wrote.
        uid: the job.
        resource: the object as it stands after a conflict; None where the API
            server did not answer, and the write is tried again after a while.
        now: when.
    """
    job = leader.jobs.get(uid)
    if job is None:
        return
    leader.awake[uid] = job
    leader.writes.answered(uid)
    job.writing = False
    job.touch(urgent=True)
    leader.tally.unwritten[Unwritten.CONFLICT if resource else Unwritten.UNAVAILABLE] += 1
    if resource is None:
        job.write_failures += 1
        return
    # Ours is none that stands, be it the higher one: a restored etcd begins anew below it.
    job.resource_version = "0"
    leader.job_seen(resource, now)

"""Why a job, or one task of it, is not running: a reason that a person understands."""

from datetime import datetime, timedelta
from typing import Final

from distributedjob_api import index_reasons, reasons
from distributedjob_api.v1alpha1 import SuspendMode
from distributedjob_operator.core import crowd, rerun
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader

MEBIBYTE: Final = 1024 * 1024

QUEUED_SECONDS: Final = 3.0
"""A job of which nothing runs for so long waits, though its tasks are with workers."""


def why_waiting(leader: Leader, job: Job, now: Instant) -> reasons.Explained | None:
    """Why nothing of a job runs, or nothing more will, or None where all is well."""
    if job.finished:
        waits = rerun.asked_for(job) and not job.items_known
        return _why_no_items(job) if waits else None
    if job.verdict is not None:
        return None
    if not job.ledger.busy:
        return _why_not(leader, job, now)
    if not any(_heard(leader, key) for key in job.ledger.assigned):
        return reasons.silent(sorted({name for _, name in job.ledger.assigned}))
    if job.spec.suspend:
        drains = job.spec.suspend_mode is SuspendMode.DRAIN
        return reasons.suspending(len(job.ledger.busy), drains=drains)
    if job.items.changed or job.items.missing:
        return _why_no_items(job)
    if now.mono - job.idle_since < QUEUED_SECONDS:
        return None
    return reasons.queued(sorted({name for _, name in job.ledger.assigned}))


def why_job(leader: Leader, job: Job, now: Instant) -> reasons.Explained:
    """Where a job stands and why, whether it waits, runs or is over."""
    if job.problem:
        return reasons.invalid(job.problem)
    waits = why_waiting(leader, job, now)
    if waits is not None:
        return waits
    if job.verdict is not None:
        over = job.finished or not job.ledger.busy
        nodes = sorted({name for _, name in job.ledger.assigned})
        return job.verdict.because if over else reasons.ending(len(job.ledger.busy), nodes)
    running = job.ledger.running_count
    return reasons.at_work(running, job.ledger.open - running, len(job.ledger.assigned))


def _heard(leader: Leader, key: WorkerKey) -> bool:
    worker = leader.fleet.workers.get(key)
    limit = leader.proved_at - leader.tuning.silence_seconds
    return worker is not None and worker.heard >= limit


def _why_not(leader: Leader, job: Job, now: Instant) -> reasons.Explained:
    """What holds back an index that waits, whatever the others do."""
    if job.spec.suspend:
        return reasons.suspended()
    if not job.items_known:
        return _why_no_items(job)
    if job.awaited:
        return reasons.taking_over(job.awaited)
    if job.predecessor:
        return reasons.waiting_for_predecessor(job.name, job.predecessor)
    if job.barrier:
        # What a run is to begin with is being written.
        return reasons.starting_over() if job.run else _why_no_items(job)
    if job.spec.parallelism == 0:
        return reasons.paused()
    if job.ledger.fresh and not job.ledger.ready and not job.fresh_supply:
        return reasons.recording()
    return _why_no_slot(leader, job, now)


def why_index(leader: Leader, job: Job, index: int, now: Instant) -> reasons.Explained:
    """What there is to say of one index."""
    ledger, recorded = job.ledger, job.ledger.recorded
    if index in recorded.succeeded:
        return index_reasons.succeeded()
    if index in recorded.failed:
        return index_reasons.failed(job.name, index)
    if index not in ledger.wanted:
        return index_reasons.left_out() if index in job.wanted else index_reasons.no_task()
    for (_, name), held in ledger.assigned.items():
        if index in held:
            if index in ledger.running.get((job.spec.pool, name), ()):
                return index_reasons.running(name)
            return index_reasons.queued(name)
    due = ledger.due(index)
    if due is not None and due > now.mono and job.dispatchable:
        return index_reasons.backing_off(_wall(due, now))
    if job.verdict is not None:
        return job.verdict.because
    limit = job.spec.parallelism
    if limit is not None and 0 < limit <= len(ledger.busy):
        return reasons.of_parallelism(limit)
    return _why_not(leader, job, now)


def _wall(mono: float, now: Instant) -> datetime:
    """A moment of the leader's clock as people write it."""
    return now.wall + timedelta(seconds=mono - now.mono)


def _why_no_items(job: Job) -> reasons.Explained:
    source = job.spec.items_from
    if source is None:
        return reasons.progressing()
    reference = source.config_map_key_ref
    if job.items.changed:
        return reasons.items_changed(reference.name)
    if job.items.missing:
        return reasons.items_missing(reference.name, reference.key, begun=bool(job.items.digest))
    if job.items.unreadable:
        return reasons.items_unreadable(reference.name, job.items.unreadable)
    return reasons.reading_items(reference.name)


def _why_no_slot(leader: Leader, job: Job, now: Instant) -> reasons.Explained:
    pool = job.spec.pool
    pools = sorted({key[0] for key in leader.fleet.workers})
    if pool not in pools:
        return reasons.unknown_pool(pool, pools)
    if job.turned_away:
        return reasons.pool_not_served(pool, job.namespace)
    usable = list(leader.fleet.usable(pool))
    if not usable:
        return reasons.no_usable_worker(pool)
    admitted = [worker for worker in usable if leader.fleet.admits(worker, job.spec)]
    if not admitted:
        return reasons.no_matching_node(pool)
    cpu, _ = leader.fleet.largest(admitted)
    if job.cpu_millis > cpu:
        return reasons.too_large(job.cpu_millis, cpu)
    fits = [worker for worker in admitted if leader.fleet.capacity(worker) >= job.cpu_millis]
    memory = leader.fleet.largest(fits)[1]
    if job.memory_bytes > memory:
        return reasons.too_much_memory(job.memory_bytes, memory)
    retry = job.ledger.next_retry()
    if job.ledger.plannable == 0 and not job.ledger.busy and retry is not None:
        return reasons.backing_off(job.ledger.open, _wall(retry, now))
    if leader.crowd is None:
        leader.crowd = crowd.measure(
            leader.awake.values(), leader.backlog.priorities(), leader.fleet
        )
    if leader.crowd.lacks_memory(job, (worker.key for worker in fits)):
        return reasons.no_free_memory(job.memory_bytes // MEBIBYTE)
    return reasons.no_free_cpu(leader.crowd.higher(job), leader.crowd.others(job))

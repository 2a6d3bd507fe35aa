"""Why a job, or one task of it, is not running: a reason that a person understands."""

from typing import Final

from distributedjob_api import reasons
from distributedjob_operator.core import rerun
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader

QUEUED_SECONDS: Final = 3.0
"""A job of which nothing runs for so long waits, though its tasks are with workers."""


def why_waiting(leader: Leader, job: Job, now: float) -> reasons.Explained | None:
    """Why nothing of a job runs, or None where something does."""
    if job.finished:
        waits = rerun.asked_for(job) and not job.items_known
        return _why_no_items(job) if waits else None
    if job.verdict is not None:
        return None
    if not job.ledger.busy:
        return _why_not(leader, job)
    if not any(_heard(leader, key) for key in job.ledger.assigned):
        return reasons.silent(sorted({name for _, name in job.ledger.assigned}))
    if now - job.idle_since < QUEUED_SECONDS:
        return None
    return reasons.queued(sorted({name for _, name in job.ledger.assigned}))


def _heard(leader: Leader, key: WorkerKey) -> bool:
    worker = leader.fleet.workers.get(key)
    limit = leader.proved_at - leader.tuning.silence_seconds
    return worker is not None and worker.heard >= limit


def _why_not(leader: Leader, job: Job) -> reasons.Explained:
    """What holds back an index that waits, whatever the others do."""
    if job.spec.suspend:
        return reasons.suspended()
    if not job.items_known:
        return _why_no_items(job)
    if job.awaited:
        return reasons.taking_over(sorted(job.awaited))
    if job.predecessor:
        return reasons.waiting_for_predecessor(job.name, job.predecessor)
    if job.barrier:
        # What a run is to begin with is being written.
        return reasons.starting_over() if job.run else _why_no_items(job)
    if job.spec.parallelism == 0:
        return reasons.paused()
    if job.ledger.fresh and not job.ledger.ready and not job.fresh_supply:
        return reasons.recording()
    return _why_no_slot(leader, job)


def why_index(leader: Leader, job: Job, index: int, now: float) -> reasons.Explained:
    """What there is to say of one index."""
    ledger, recorded = job.ledger, job.ledger.recorded
    if index in recorded.succeeded:
        return "Succeeded", "The task succeeded."
    if index in recorded.failed:
        return "Failed", "The task failed for good; see status.recentFailures."
    if index not in ledger.wanted:
        return "NotWanted", "The index is not among the job's indexes."
    for (_, name), held in ledger.assigned.items():
        if index in held:
            if index in ledger.running.get((job.spec.pool, name), ()):
                return "Running", f"The task runs on {name}."
            return "Queued", f"The task waits on {name} behind others."
    due = ledger.due(index)
    if due is not None and due > now and job.dispatchable:
        return "BackingOff", f"The task failed and is tried again in {due - now:.0f} s."
    if job.verdict is not None:
        return job.verdict.because
    limit = job.spec.parallelism
    if limit is not None and 0 < limit <= len(ledger.busy):
        return "ParallelismReached", f"spec.parallelism is {limit:,} and so many tasks are out."
    return _why_not(leader, job)


def _why_no_items(job: Job) -> reasons.Explained:
    source = job.spec.items_from
    if source is None:
        return reasons.progressing()
    reference = source.config_map_key_ref
    if job.items.changed:
        return reasons.items_changed(reference.name)
    if job.items.missing:
        return reasons.items_missing(reference.name, reference.key)
    if job.items.unreadable:
        return reasons.items_unreadable(reference.name, job.items.unreadable)
    return reasons.reading_items(reference.name)


def _why_no_slot(leader: Leader, job: Job) -> reasons.Explained:
    pool = job.spec.pool
    pools = sorted({key[0] for key in leader.fleet.workers})
    if pool not in pools:
        return reasons.unknown_pool(pool, pools)
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
    if job.ledger.plannable == 0 and not job.ledger.busy and job.ledger.open:
        return reasons.backing_off(job.ledger.open)
    return reasons.no_free_cpu()

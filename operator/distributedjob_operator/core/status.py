"""A job's state as the status that users read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from distributedjob_api import reasons
from distributedjob_api.durations import human_duration
from distributedjob_api.indexes import encode, format_indexes
from distributedjob_api.v1alpha1 import Condition, ExactSets, Status
from distributedjob_operator.core import conditions
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.conditions import MAX_MESSAGE
from distributedjob_operator.core.job import Job

READABLE_CHARACTERS = 1024
"""Longer lists of indexes are cut, and the exact sets stand beside them."""

MAX_NODES = 64


def build(
    job: Job, *, waiting: reasons.Explained | None, installation: str, leader: str, epoch: int,
    now: Instant,
) -> dict[str, Any]:  # fmt: skip
    """The whole status of a job, ready to be written.

    Args:
        job: the job; its conditions are replaced by the ones built here.
        waiting: why nothing of it runs, where that is so.
        installation: the Lease that elects the leader.
        leader: who writes.
        epoch: the leader's fencing number.
        now: for stamps of what has changed.
    """
    ledger, recorded = job.ledger, job.ledger.recorded
    succeeded, failed = len(recorded.succeeded), len(recorded.failed)
    # What a lost worker brings back after the end is ended there and counts as cancelled.
    running = 0 if job.finished else ledger.running_count
    undone = job.undone
    cancelled = undone if job.finished else job.left_out
    job.conditions = conditions.build(job, _progress(job, waiting), waiting is not None, now)
    completed_text, completed_whole = format_indexes(recorded.succeeded, READABLE_CHARACTERS)
    failed_text, failed_whole = format_indexes(recorded.failed, READABLE_CHARACTERS)
    exact = None
    if not (completed_whole and failed_whole):
        exact = ExactSets(completed=encode(recorded.succeeded), failed=encode(recorded.failed))
    status = Status(
        observed_generation=job.generation,
        phase=job.phase,
        conditions=job.conditions,
        start_time=job.start_time,
        completion_time=job.completion_time,
        progress=f"{succeeded + failed}/{job.total}",
        duration=_duration(job, now.wall),
        pending=max(0, undone - running - cancelled),
        running=running,
        succeeded=succeeded,
        failed=failed,
        cancelled=cancelled,
        failures=recorded.failures,
        retries=recorded.retries,
        interruptions=recorded.interruptions,
        completed_indexes=completed_text,
        failed_indexes=failed_text,
        exact=exact,
        counters=recorded.tries.counters(),
        recent_failures=recorded.recent_failures,
        nodes=_nodes(job),
        installation=installation,
        leader=leader,
        epoch=epoch,
        run=job.run,
        rerun_token=job.rerun_token,
        rerun_indexes="" if job.chosen is None else encode(job.chosen),
        items_hash=job.items.digest,
        active_seconds=round(job.clock.seconds(now.mono), 3),
        dispatched_below=recorded.dispatched_below,
    )
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


def stalled(body: Mapping[str, Any], problem: str, now: Instant) -> dict[str, Any]:
    """The status of an object that cannot be read: what it says, and why nothing is done."""
    status = dict(body.get("status") or {})
    generation = body["metadata"].get("generation", 0)
    kinds = ("Reconciling", "Stalled", "Ready")
    kept = [c for c in status.get("conditions") or () if c.get("type") not in kinds]
    reason, message = reasons.invalid(problem)
    for kind in kinds:
        condition = Condition(
            type=kind,
            status="True" if kind == "Stalled" else "False",
            reason=reason,
            message=message[:MAX_MESSAGE],
            last_transition_time=now.wall,
            observed_generation=generation,
        )
        kept.append(condition.model_dump(mode="json", by_alias=True))
    return {**status, "conditions": kept, "observedGeneration": generation}


def _nodes(job: Job) -> list[str]:
    held = () if job.finished else job.ledger.assigned
    job.nodes = sorted({name for _, name in held})[:MAX_NODES]
    return job.nodes


def _duration(job: Job, wall: datetime) -> str:
    if job.start_time is None:
        return ""
    return human_duration(((job.completion_time or wall) - job.start_time).total_seconds())


def _progress(job: Job, waiting: reasons.Explained | None) -> reasons.Explained:
    if job.problem:
        return reasons.invalid(job.problem)
    if job.finished and waiting is not None:
        return waiting
    if job.verdict is not None:
        return reasons.ending(len(job.ledger.busy), _nodes(job))
    if job.barrier and job.run:
        return reasons.starting_over()
    return waiting or reasons.progressing()

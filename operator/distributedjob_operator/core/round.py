"""One round of the leader: judge, plan, order, checkpoint, all from the whole state.

The controller calls :func:`settle` once after each batch of events, so that neither
their order nor their number matters.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from distributedjob_api.indexes import BitMap, ranges
from distributedjob_api.messages import Assign, Commands
from distributedjob_operator.core import (
    attention,
    awaited,
    checkpoints,
    explain,
    items,
    lifecycle,
)
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import Send
from distributedjob_operator.core.fleet import REPEAT_AFTER_SECONDS, Worker
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.kinds import Kind, pause
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.placement import AHEAD_SECONDS
from distributedjob_operator.core.planner import Grant, plan
from distributedjob_operator.core.turns import in_turn

IDLE_SECONDS: Final = 1.0
REPORTS_AHEAD: Final = 3
"""Intervals between reports that a worker's queue lasts, at least."""


def settle(leader: Leader, now: Instant) -> None:
    """Bring every job as far as the facts allow."""
    awaited.expire(leader, now)
    awaited.end_listening(leader, now)
    attention.ring(leader, now)
    leader.crowd = None
    _each(leader, leader.awake.values(), lambda job: _judge(leader, job, now))
    if not leader.listening:
        _plan(leader, now)
    for worker in leader.fleet.workers.values():
        if not (worker.unsent or worker.unapplied):
            continue
        for commands in worker.flush(now.mono):
            message = Commands(leader.epoch, worker.session, commands)
            leader.effects.append(Send(worker.key, message))
    _each(leader, leader.awake.values(), lambda job: _conclude(leader, job, now))
    for kind in leader.kinds.due(now.mono):
        _each(leader, [kind.example], partial(_explain_kind, leader, now, kind))
    for job in checkpoints.due(leader, now):
        _each(leader, [job], lambda job: checkpoints.write(leader, job, now))
    _each(leader, leader.awake.values(), lambda job: attention.let_rest(leader, job, now))


def _each(leader: Leader, jobs: Iterable[Job], step: Callable[[Job], None]) -> None:
    """Take a step with every job; one that fails stops none of the others."""
    for job in list(jobs):
        try:
            step(job)
        except Exception as error:
            leader.poison(job, error)


def seconds_to_next(leader: Leader, now: Instant) -> float:
    """How long nothing is due if no event comes."""
    soonest = now.mono + IDLE_SECONDS
    if now.mono < leader.listening_until:
        soonest = min(soonest, leader.listening_until)
    soonest = min(soonest, attention.next_ring(leader, now), leader.writes.due_at(leader.budget))
    for worker in leader.fleet.workers.values():
        if worker.unapplied:
            soonest = min(soonest, worker.sent_at + REPEAT_AFTER_SECONDS)
    return max(0.0, soonest - now.mono)


def _judge(leader: Leader, job: Job, now: Instant) -> None:
    leader.kinds.leave(job.uid)
    job.predecessor = leader.names_taken.get((job.namespace, job.name), [])
    job.ledger.wake(now.mono)
    items.ask_if_due(leader, job, now)
    lifecycle.judge(leader, job, now)
    leader.backlog.note(job)


def _conclude(leader: Leader, job: Job, now: Instant) -> None:
    """Say where a job stands now that tasks were handed out, and what of it is to be written."""
    if not leader.listening:
        if job.ledger.busy or not job.dispatchable or not job.ledger.plannable:
            job.unserved_since = float("inf")
        else:
            job.unserved_since = min(job.unserved_since, now.mono)
    _explain(leader, job, now)
    leader.backlog.note(job)
    checkpoints.want(leader, job)


def _explain(leader: Leader, job: Job, now: Instant) -> None:
    """A new reason for waiting is worth a write; a new wording of it is not."""
    if not job.ledger.busy or job.ledger.runs:
        job.idle_since = float("inf")
    else:
        job.idle_since = min(job.idle_since, now.mono)
    looked = job.explained_at + pause(len(leader.awake))
    if job.awaited and not job.ledger.busy and now.mono < looked:
        return
    job.explained_at = now.mono
    why = explain.why_waiting(leader, job, now)
    _take_reason(job, why[0] if why else "")


def _explain_kind(leader: Leader, now: Instant, kind: Kind, example: Job) -> None:
    """Tell all jobs of a kind that rest what one of them waits for, where that is news."""
    why = explain.why_waiting(leader, example, now)
    reason = why[0] if why else ""
    if reason == kind.reason:
        return
    kind.reason = reason
    for job in kind.members.values():
        _take_reason(job, reason)
        leader.backlog.note(job)
        checkpoints.want(leader, job)


def _take_reason(job: Job, reason: str) -> None:
    if reason != job.waiting:
        job.waiting = reason
        job.touch()


def _plan(leader: Leader, now: Instant) -> None:
    ahead = max(AHEAD_SECONDS, REPORTS_AHEAD * leader.report_seconds)
    for decision in plan(in_turn(leader), leader.fleet, now.mono, ahead):
        job, worker = leader.jobs[decision.uid], leader.fleet.workers[decision.worker]
        if isinstance(decision, Grant):
            if job.start_time is None:
                waited = max(0.0, now.mono - job.unserved_since)
                leader.tally.queue_seconds[job.spec.pool].observe(waited)
            leader.awake[job.uid] = job
            # It no longer waits for what the others of its kind wait for.
            leader.kinds.leave(job.uid)
            _assign(leader, job, worker, decision, now)
        else:
            lifecycle.take_back(worker, job.uid, decision.indexes)


def _assign(leader: Leader, job: Job, worker: Worker, grant: Grant, now: Instant) -> None:
    if worker.defined.get(job.uid) != job.run:
        worker.order(job.definition(worker.next_number(), worker.node))
        worker.defined[job.uid] = job.run
        worker.known.add(job.uid)
    retries = job.ledger.assign_ready(worker.key, grant.ready)
    fresh = job.ledger.assign_fresh(worker.key, grant.fresh, start=job.held_below)
    worker.order(
        Assign(
            number=worker.next_number(),
            uid=job.uid,
            run=job.run,
            fresh=ranges(fresh),
            retries=retries,
            items=_items(job, fresh, (attempt.index for attempt in retries)),
            parallelism=0,
            priority=job.spec.priority,
        )
    )
    if job.uid in worker.ending:
        worker.ending[job.uid] -= fresh | grant.ready
    leader.backlog.serve(job, now.mono)
    if job.start_time is None:
        lifecycle.begin(job, now)


def _items(job: Job, fresh: BitMap, tried: Iterable[int]) -> list[str]:
    lines = job.spec.items if job.spec.items_from is None else job.items.lines
    return [] if lines is None else [lines[index] for index in (*fresh, *tried)]

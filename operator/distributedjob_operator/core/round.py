"""One round of the leader: judge, plan, order, checkpoint, all from the whole state.

The controller calls :func:`settle` once after each batch of events, so that neither
their order nor their number matters.
"""

from collections.abc import Callable, Iterable
from typing import Final

from distributedjob_api.indexes import BitMap, ranges
from distributedjob_api.messages import Assign, Commands
from distributedjob_operator.core import checkpoints, explain, items, lifecycle
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import Send
from distributedjob_operator.core.fleet import REPEAT_AFTER_SECONDS, Worker
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.placement import AHEAD_SECONDS
from distributedjob_operator.core.planner import Grant, plan

IDLE_SECONDS: Final = 1.0
EXPLAIN_SECONDS: Final = 0.5
"""Why a job waits is looked into so often, where not thousands wait."""

EXPLAINED_AT_ONCE: Final = 1000

REPORTS_AHEAD: Final = 3
"""Intervals between reports that a worker's queue lasts, at least."""


def settle(leader: Leader, now: Instant) -> None:
    """Bring every job as far as the facts allow."""
    leader.expire(now)
    leader.await_heard(now)
    leader.ring(now)
    taken = leader.departed.names_taken()

    def judge(job: Job) -> None:
        job.predecessor = taken.get((job.namespace, job.name), [])
        job.ledger.wake(now.mono)
        items.ask_if_due(leader, job, now)
        lifecycle.judge(leader, job, now)

    def conclude(job: Job) -> None:
        _explain(leader, job, now)
        checkpoints.write_if_due(leader, job, now)
        if lifecycle.resting(job, now):
            leader.rest(job, lifecycle.expiry(job))

    _each(leader, leader.awake.values(), judge)
    if not leader.listening:
        _plan(leader, now)
    for worker in leader.fleet.workers.values():
        if not (worker.unsent or worker.unapplied):
            continue
        for commands in worker.flush(now.mono):
            message = Commands(leader.epoch, worker.session, commands)
            leader.effects.append(Send(worker.key, message))
    # First and final writes go before those that only show progress.
    _each(leader, sorted(leader.awake.values(), key=lambda job: not job.urgent), conclude)


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
    soonest = min(soonest, leader.next_alarm(now))
    for job in leader.awake.values():
        soonest = min(soonest, checkpoints.due_at(leader, job), lifecycle.next_deadline(job, now))
        retry = job.ledger.next_retry()
        if retry is not None and job.dispatchable:
            soonest = min(soonest, retry)
    for worker in leader.fleet.workers.values():
        if worker.unapplied:
            soonest = min(soonest, worker.sent_at + REPEAT_AFTER_SECONDS)
    return max(0.0, soonest - now.mono)


def _explain(leader: Leader, job: Job, now: Instant) -> None:
    """A new reason for waiting is worth a write; a new wording of it is not."""
    if not job.ledger.busy or job.ledger.runs:
        job.idle_since = float("inf")
    else:
        job.idle_since = min(job.idle_since, now.mono)
    pause = EXPLAIN_SECONDS * max(1.0, len(leader.awake) / EXPLAINED_AT_ONCE)
    if job.waiting and not job.ledger.busy and now.mono < job.explained_at + pause:
        return
    job.explained_at = now.mono
    why = explain.why_waiting(leader, job, now)
    reason = why[0] if why else ""
    if reason != job.waiting:
        job.waiting = reason
        job.touch()


def _plan(leader: Leader, now: Instant) -> None:
    if leader.crowd is not None and now.mono >= leader.crowd.until:
        leader.crowd = None
    order = _in_turn(leader.awake.values())
    ahead = max(AHEAD_SECONDS, REPORTS_AHEAD * leader.report_seconds)
    for decision in plan(order, leader.fleet, now.mono, ahead):
        job, worker = leader.jobs[decision.uid], leader.fleet.workers[decision.worker]
        if isinstance(decision, Grant):
            if job.start_time is None:
                waited = max(0.0, now.mono - job.unserved_since)
                leader.tally.queue_seconds[job.spec.pool].observe(waited)
            _assign(job, worker, decision, now)
        else:
            lifecycle.take_back(worker, job.uid, decision.indexes)
    for job in order:
        if job.ledger.busy or not job.dispatchable or not job.ledger.plannable:
            job.unserved_since = float("inf")
        else:
            job.unserved_since = min(job.unserved_since, now.mono)


def _in_turn(jobs: Iterable[Job]) -> list[Job]:
    """Whose turn it is: the namespace, then the job, that occupies least.

    Of several, it is whoever was served least recently, then the oldest: one slot
    that many want goes round.
    """
    occupied: dict[tuple[str, str], int] = {}
    served: dict[tuple[str, str], float] = {}
    waiting = []
    for job in jobs:
        if job.dispatchable or not job.ledger.quiet:
            group = (job.spec.pool, job.namespace)
            millis = len(job.ledger.busy) * job.cpu_millis
            occupied[group] = occupied.get(group, 0) + millis
            served[group] = max(served.get(group, float("-inf")), job.served_at)
            created = job.created.timestamp() if job.created else 0.0
            waiting.append((group, (millis, job.served_at, created, job.name), job))
    waiting.sort(key=lambda one: (occupied[one[0]], served[one[0]], one[1], one[0]))
    return [job for _, _, job in waiting]


def _assign(job: Job, worker: Worker, grant: Grant, now: Instant) -> None:
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
    job.served_at = now.mono
    if job.start_time is None:
        lifecycle.begin(job, now)


def _items(job: Job, fresh: BitMap, tried: Iterable[int]) -> list[str]:
    lines = job.spec.items if job.spec.items_from is None else job.items.lines
    return [] if lines is None else [lines[index] for index in (*fresh, *tried)]

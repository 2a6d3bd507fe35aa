"""The life of a job: from its facts to its verdict, its phase and its end.

Level-triggered: :func:`judge` looks at the whole job each time, and what it finds
unchanged it leaves alone.
"""

from datetime import datetime, timedelta
from typing import Final

from distributedjob_api import reasons
from distributedjob_api.indexes import BitMap, ranges
from distributedjob_api.messages import Forget, Return
from distributedjob_api.v1alpha1 import Phase, SuspendMode
from distributedjob_operator.core import rerun
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import DeleteJob
from distributedjob_operator.core.fleet import Worker
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.policy import at_most_once, limits, success
from distributedjob_operator.core.verdict import Verdict

CLOCK_SECONDS: Final = 5.0
CLOCK_WRITES: Final = 20
"""The clock of a deadline is written about so often in all, if nothing else is."""

CLOCK_LONGEST_SECONDS: Final = 60.0
"""What a leader's death may add to a deadline, at most."""

DELETE_AGAIN_SECONDS: Final = 5.0


def judge(leader: Leader, job: Job, now: Instant) -> None:
    """Move a job to where its facts, its spec and the time have brought it."""
    if job.finished:
        _after_the_end(leader, job, now)
        return
    if job.start_time is None and (job.ledger.busy or job.heard_results):
        begin(job, now)
    if job.at_most_once:
        _account(leader, job, now)
    if job.verdict is None:
        job.verdict = _decide(job, now)
        if job.verdict is not None:
            job.touch(urgent=True)
    if job.verdict is not None:
        _come_to_the_end(leader, job, job.verdict, now)
    else:
        _suspend_or_go_on(leader, job)
    active = job.start_time is not None and job.phase is not Phase.SUSPENDED
    job.clock.run(active and not job.finished, now.mono)
    _keep_clock(job, now)


def _account(leader: Leader, job: Job, now: Instant) -> None:
    """Keep the record of what may have started ahead of what is handed out."""
    if job.awaited or leader.listening or not job.items_known:
        return
    ledger = job.ledger
    if job.unaccounted:
        job.unaccounted = False
        ledger.give_up_unreported(job.spec, now.mono)
        job.touch()
    written = ledger.released_below == ledger.recorded.dispatched_below
    if job.dispatchable and (written or not ledger.released_below):
        bound = at_most_once.next_bound(
            ledger.fresh, ledger.recorded.dispatched_below, len(ledger.busy)
        )
        if bound > ledger.recorded.dispatched_below:
            ledger.recorded.dispatched_below = bound
            job.touch(urgent=True)


def _keep_clock(job: Job, now: Instant) -> None:
    """Have a long silence written now and then: the next leader goes on from there."""
    deadline = job.spec.active_deadline_seconds
    if deadline is None or job.clock.since is None:
        return
    unwritten = job.clock.seconds(now.mono) - job.clock_written
    if unwritten >= _clock_pause(deadline):
        job.touch()


def _clock_pause(deadline: int) -> float:
    """Seconds for which the clock of a deadline goes on without being written."""
    return min(max(CLOCK_SECONDS, deadline / CLOCK_WRITES), CLOCK_LONGEST_SECONDS)


def begin(job: Job, now: Instant) -> None:
    """The first task was handed out."""
    job.start_time = now.wall
    if job.phase is Phase.PENDING:
        job.phase = Phase.RUNNING
        job.clock.run(True, now.mono)
    job.touch_soon(now.mono, urgent=True)


def next_look(job: Job, now: Instant) -> float:
    """When time alone changes something, on the leader's clock, but for the end of the TTL."""
    if job.finished:
        return job.delete_at if _ends(job) and job.delete_at > now.mono else float("inf")
    retry = job.ledger.next_retry()
    moments = [retry]
    deadline = job.spec.active_deadline_seconds
    if deadline is not None:
        if job.verdict is None and not job.problem:
            moments.append(job.clock.reaches(deadline))
        if not (job.dirty or job.writing):
            moments.append(job.clock.reaches(job.clock_written + _clock_pause(deadline)))
    return min((moment for moment in moments if moment is not None), default=float("inf"))


def expires_at(job: Job, now: Instant) -> float:
    """When a finished job's time to live is over, in seconds since the epoch; else infinity."""
    ends = expiry(job) if _ends(job) else None
    return float("inf") if ends is None or ends <= now.wall else ends.timestamp()


def _ends(job: Job) -> bool:
    """Whether nothing but its time to live is left of a job."""
    return job.finished and not job.deleting and _at_rest(job) and not rerun.asked_for(job)


def _decide(job: Job, now: Instant) -> Verdict | None:
    """The verdict that the facts call for, looked for in Job's order."""
    spec, ledger, recorded = job.spec, job.ledger, job.ledger.recorded
    # A cancelled job that has nothing left to cancel is simply done.
    if spec.cancel and (ledger.open or job.problem or not job.items_known):
        return Verdict(Phase.CANCELLED, reasons.cancelled(job.undone, job.total))
    if job.problem:
        return None
    because = (
        ledger.ends_job
        or limits.attempts_exceeded(spec, recorded.failures)
        or _deadline(job, now)
        or limits.indexes_exceeded(spec, job.failed_of_run)
    )
    if because is not None:
        return Verdict(Phase.FAILED, because)
    if not job.items_known:
        return None
    if recorded.failed and not ledger.open:
        last = recorded.recent_failures[-1].text if recorded.recent_failures else ""
        because = reasons.failed_indexes(len(recorded.failed), job.total, last)
        return Verdict(Phase.FAILED, because)
    if job.run and ledger.open:
        # What was chosen runs, whatever the runs before had achieved.
        return None
    because = success.met(spec.success_policy, recorded.succeeded, job.tasks)
    if because is not None:
        return Verdict(Phase.COMPLETE, because)
    if ledger.open:
        return None
    if job.left_out:
        return Verdict(Phase.FAILED, reasons.left_out(job.left_out, job.total))
    return Verdict(Phase.COMPLETE, reasons.completions_reached(job.total))


def _deadline(job: Job, now: Instant) -> reasons.Explained | None:
    seconds = job.spec.active_deadline_seconds
    if seconds is None or job.clock.seconds(now.mono) < seconds:
        return None
    return reasons.deadline_exceeded(seconds)


def _come_to_the_end(leader: Leader, job: Job, verdict: Verdict, now: Instant) -> None:
    """End what still runs; the final condition waits for it."""
    if verdict.phase is Phase.CANCELLED and job.phase is not Phase.CANCELLING:
        job.phase = Phase.CANCELLING
        job.touch(urgent=True)
    _end_everywhere(leader, job)
    if not job.ledger.quiet or job.awaited:
        return
    if verdict.phase is Phase.CANCELLED:
        # Counted anew: results may have come in while tasks were being ended.
        because = reasons.cancelled(job.undone, job.total)
        job.verdict = Verdict(Phase.CANCELLED, because)
    job.drop_items()
    job.phase, job.completion_time = verdict.phase, now.wall
    job.touch(urgent=True)
    for worker in leader.fleet.workers.values():
        if job.uid in worker.known:
            worker.order(Forget(worker.next_number(), job.uid))
            worker.known.discard(job.uid)
            worker.defined.pop(job.uid, None)


def _suspend_or_go_on(leader: Leader, job: Job) -> None:
    if not job.spec.suspend:
        if job.phase is Phase.SUSPENDED:
            job.phase = Phase.RUNNING if job.start_time else Phase.PENDING
            job.touch(urgent=True)
        return
    if job.spec.suspend_mode is SuspendMode.NOW:
        _end_everywhere(leader, job)
    else:
        _take_back_everywhere(leader, job)
    if job.ledger.quiet and not job.awaited and job.phase is not Phase.SUSPENDED:
        job.phase = Phase.SUSPENDED
        job.touch(urgent=True)


def _end_everywhere(leader: Leader, job: Job) -> None:
    for key, held in job.ledger.assigned.items():
        worker = leader.fleet.workers.get(key)
        if worker is not None:
            leader.end_at(worker, job, held)


def _take_back_everywhere(leader: Leader, job: Job) -> None:
    for key in job.ledger.assigned:
        worker = leader.fleet.workers.get(key)
        if worker is not None and job.uid not in worker.returning:
            queued = job.ledger.queued(key) - worker.in_flight(job.uid)
            if queued:
                take_back(worker, job.uid, queued)


def _after_the_end(leader: Leader, job: Job, now: Instant) -> None:
    """A finished job starts over, or goes, once its end was written."""
    if not _at_rest(job):
        return
    if rerun.asked_for(job):
        if job.items_known and job.ledger.quiet:
            rerun.begin(leader, job)
        return
    job.drop_items()
    ends = expiry(job)
    if ends is None or job.deleting or now.wall < ends:
        return
    if now.mono >= job.delete_at:
        job.deleting, job.delete_at = True, now.mono + DELETE_AGAIN_SECONDS
        leader.effects.append(DeleteJob(job.uid, job.namespace, job.name))


def _at_rest(job: Job) -> bool:
    """Whether all that is known of a job was written."""
    return not (job.dirty or job.writing or job.unconfirmed)


def expiry(job: Job) -> datetime | None:
    """When a finished job's time to live is over; None where it has none, or never ends."""
    seconds = job.spec.ttl_seconds_after_finished
    if seconds is None or job.completion_time is None:
        return None
    try:
        return job.completion_time + timedelta(seconds=seconds)
    except OverflowError:
        return None


def take_back(worker: Worker, uid: str, indexes: BitMap) -> None:
    """Ask a worker to give back what waits."""
    number = worker.next_number()
    worker.order(Return(number, uid, ranges(indexes)))
    worker.returning[uid] = number

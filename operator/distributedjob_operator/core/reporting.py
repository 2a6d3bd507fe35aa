"""What the leader makes of hellos and reports.

A report is a statement of the whole: results not yet acknowledged, what waits, what
runs, and the last command applied. The leader folds the results it has not seen and
then believes the statement: what a worker no longer lists and was not ordered since
is free again, and what it lists against the record is ended there.
"""

from distributedjob_api.indexes import BitMap, from_ranges
from distributedjob_api.messages import (
    Acks,
    Announce,
    Forget,
    Hello,
    JobReport,
    Refusal,
    Report,
    Resend,
    Welcome,
)
from distributedjob_operator.core.agreement import agrees
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import ReadJob, Send, WorkerKey
from distributedjob_operator.core.fleet import Worker
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.unconfirmed import Fact

NOBODY = ("", -1)

PATIENCE_SECONDS = 0.2
"""For so long an entry that others wait for may still come."""

ASK_AGAIN_SECONDS = 1.0
"""An unknown job is looked up, and a missing entry asked for, once in so long."""


def hello(leader: Leader, key: WorkerKey, message: Hello, now: Instant) -> None:
    """Grant a session; the report that answers it states what the worker holds."""
    if message.epoch > leader.epoch:
        leader.heed_epoch(message.epoch)
        return
    leader.fleet.heard[key] = now.mono
    before = leader.fleet.workers.get(key)
    crashed = before is not None and before.incarnation != message.incarnation
    leader.sessions += 1
    leader.fleet.workers[key] = Worker(
        key=key,
        incarnation=message.incarnation,
        session=leader.sessions,
        node=message.node,
        address=message.address,
        cpu_millis=message.cpu_millis,
        memory_bytes=message.memory_bytes,
        heard=now.mono,
        stated=False,
        known={job.uid for job in message.jobs},
        restarted=crashed or (before is not None and before.restarted),
    )
    if before is not None:
        worker = leader.fleet.workers[key]
        worker.rate = before.rate
        worker.blamed = _blame(leader, before) if crashed else before.blamed
    if before is not None and before.incarnation == message.incarnation:
        leader.fleet.workers[key].known |= before.known
    _forget_finished(leader, leader.fleet.workers[key], message)
    _welcome(leader, leader.fleet.workers[key])


def _blame(leader: Leader, worker: Worker) -> tuple[str, int]:
    """The task that brought an agent down: the only one it ran, or the only suspect.

    One that was told to leave ended what ran; that is nobody's fault.
    """
    if worker.leaving:
        return NOBODY
    ran, suspects, waited = [], [], []
    for job in leader.jobs.values():
        ledger = job.ledger
        held = ledger.assigned.get(worker.key, BitMap())
        running = ledger.running.get(worker.key, BitMap()) & held
        ran += [(job.uid, index) for index in running]
        suspects += [(job.uid, index) for index in running & ledger.suspects]
        waited += [(job.uid, index) for index in (held & ledger.suspects) - running]
    # A suspect that no report listed as running may have had no time for one.
    for candidates in (ran, suspects, waited):
        if len(candidates) == 1:
            return candidates[0]
    return NOBODY


def _forget_finished(leader: Leader, worker: Worker, message: Hello) -> None:
    """Let a worker drop what ended while another led, or while it was away."""
    for stated in message.jobs:
        job = leader.jobs.get(stated.uid)
        if stated.queued or stated.running or stated.last_seq > stated.acked_seq:
            continue
        if stated.uid in leader.departed or (job is not None and job.finished):
            worker.order(Forget(worker.next_number(), stated.uid))
            worker.known.discard(stated.uid)


def _welcome(leader: Leader, worker: Worker) -> None:
    welcome = Welcome(leader.epoch, worker.session, worker.incarnation, leader.report_seconds)
    leader.effects.append(Send(worker.key, welcome))


def refusal(leader: Leader, message: Refusal) -> None:
    """A worker follows a newer epoch than ours."""
    leader.heed_epoch(message.epoch)


def report(leader: Leader, key: WorkerKey, message: Report, now: Instant) -> None:
    """Fold a report in; one of another session is answered with what brings it into ours."""
    leader.fleet.heard[key] = now.mono
    worker = leader.fleet.workers.get(key)
    if (
        worker is None
        or worker.incarnation != message.incarnation
        or (message.epoch, message.session) != (leader.epoch, worker.session)
    ):
        if message.epoch > leader.epoch:
            leader.heed_epoch(message.epoch)
        elif worker is None or message.epoch < leader.epoch:
            leader.effects.append(Send(key, Announce(leader.epoch, leader.identity)))
        elif worker.incarnation == message.incarnation and message.session < worker.session:
            # Our answer to its latest hello went missing.
            worker.heard = now.mono
            _welcome(leader, worker)
        return
    worker.heard = now.mono
    if message.applied < worker.applied:
        return  # Overtaken by a later one: what it says of the queue is history.
    worker.leaving = worker.leaving or message.leaving
    if message.dropped_records:
        leader.dropped_records[key, message.incarnation] = message.dropped_records
    leader.tally.dispatched(key[0], worker.confirm(message.applied, now.mono))
    dropped: list[tuple[str, int]] = []
    missing: list[str] = []
    listed = set()
    for stated in message.jobs:
        listed.add(stated.uid)
        worker.known.add(stated.uid)
        job = leader.jobs.get(stated.uid)
        if job is not None:
            if _awaits_its_record(worker, job, stated):
                continue
            leader.awake[stated.uid] = job
        if job is None:
            _unknown(leader, worker, stated, dropped, now)
        elif not _fold(leader, worker, job, stated, dropped, now):
            missing.append(stated.uid)
        else:
            _believe(leader, worker, job, stated, now)
    for uid in missing:
        job = leader.jobs[uid]
        job.awaited = job.awaited.copy()
    for job in leader.awake.values():
        held = key in job.ledger.assigned or key in job.ledger.stray
        if held and job.uid not in listed:
            _believe(leader, worker, job, None, now)
        if job.uid not in missing and job.spec.pool == key[0]:
            job.awaited.discard(worker.node)
    worker.keep(listed)
    dying = leader.departed.dying
    if dying:
        alive = {stated.uid for stated in message.jobs if stated.queued or stated.running}
        leader.departed.held_no_more(key, dying.keys() - alive)
    if not missing:
        # Everything that an earlier incarnation left has been heard.
        worker.restarted = False
        worker.stated = True
    if dropped:
        leader.effects.append(Send(key, Acks(leader.epoch, worker.session, dropped)))
    if not missing:
        worker.ask_again_at = None
    elif worker.ask_again_at is None:
        # The rest may be on its way: much that ended at once comes in several messages.
        worker.ask_again_at = now.mono + PATIENCE_SECONDS
    elif now.mono >= worker.ask_again_at:
        worker.ask_again_at = now.mono + ASK_AGAIN_SECONDS
        leader.effects.append(Send(key, Resend(leader.epoch, worker.session, missing)))


def _awaits_its_record(worker: Worker, job: Job, stated: JobReport) -> bool:
    """Whether all that is said of a job is that its results, known here, are not acknowledged.

    Thousands of jobs that end faster than the API server takes their statuses are stated
    so in each report.
    """
    uid, key, ledger = job.uid, worker.key, job.ledger
    return (
        not (stated.queued or stated.running or stated.entries)
        and worker.folded.get(uid) == stated.last_seq
        and stated.acked_seq >= worker.confirmed.get(uid, 0)
        and not (job.awaited or worker.ending.get(uid))
        and not (key in ledger.assigned or key in ledger.stray)
    )


def _unknown(
    leader: Leader,
    worker: Worker,
    stated: JobReport,
    dropped: list[tuple[str, int]],
    now: Instant,
) -> None:
    """A job we do not have: gone for certain, or to be asked for."""
    uid = stated.uid
    if uid not in leader.departed and leader.has_successor(uid, stated.namespace, stated.name):
        leader.job_gone(uid)
    if uid in leader.departed:
        if stated.queued or stated.running:
            leader.departed.still_held(uid, stated.namespace, stated.name, worker.key)
        if stated.last_seq > stated.acked_seq:
            dropped.append((uid, stated.last_seq))
        worker.known.discard(uid)
        if (stated.queued or stated.running) and uid not in worker.dropped:
            leader.drop_at(worker, uid)
    elif uid not in leader.set_aside and now.mono >= leader.unknown.get(uid, 0.0):
        leader.unknown[uid] = now.mono + ASK_AGAIN_SECONDS
        leader.effects.append(ReadJob(uid, stated.namespace, stated.name))


def _fold(
    leader: Leader,
    worker: Worker,
    job: Job,
    stated: JobReport,
    dropped: list[tuple[str, int]],
    now: Instant,
) -> bool:
    """Fold the entries that follow what we have; False where one is missing.

    A worker of no node, which was never given any of the job, cannot have results of
    it: they are dropped. Nobody is given tasks without a node; one whose node went
    away later still has results that count.
    """
    given = worker.node in leader.fleet.nodes or worker.key in job.ledger.holders
    # What was acknowledged stands in a checkpoint, and will not be sent again.
    upto = max(worker.folded.get(job.uid, 0), stated.acked_seq)
    for entry in stated.entries:
        if entry.seq != upto + 1:
            if entry.seq <= upto:
                continue
            break
        upto = entry.seq
        if given and not job.finished and entry.run == job.run:
            job.ledger.fold(worker.key, worker.node, entry, job.spec, now.mono, ending=job.ending)
            worker.rate = worker.rate.after(entry.count, now.mono)
        elif not job.unconfirmed.any_of(worker.key, worker.incarnation):
            worker.confirmed[job.uid] = upto
            continue
        # Acknowledged in order: what counts no more waits for what came before it.
        job.unconfirmed.add(Fact(worker.key, worker.incarnation, worker.node, entry))
        job.touch()
    worker.folded[job.uid] = upto
    if stated.acked_seq < worker.confirmed.get(job.uid, 0):
        dropped.append((job.uid, worker.confirmed[job.uid]))
    return upto >= stated.last_seq


def _as_known(worker: Worker, job: Job, stated: JobReport) -> bool:
    """Whether nothing follows from what is said of a job: it is what the leader has in mind."""
    if stated.run != job.run or job.verdict is not None or job.finished:
        return False
    if worker.key in job.ledger.stray or worker.ending.get(job.uid):
        return False
    return agrees(job.ledger, worker.key, stated.queued, stated.running)


def _release_missing(leader: Leader, worker: Worker, job: Job, holds: BitMap, now: Instant) -> None:
    """Take back what a worker was given and has no longer: it never came, or a crash ended it."""
    ledger, key = job.ledger, worker.key
    assigned = ledger.assigned.get(key)
    if assigned is None or assigned == holds:
        return
    missing = assigned - holds - worker.in_flight(job.uid)
    if not missing:
        return
    if worker.restarted:
        uid, index = worker.blamed
        ledger.crashed(
            key,
            missing,
            worker.node,
            job.spec,
            now.mono,
            blamed=index if uid == job.uid else None,
            slots=max(1, worker.cpu_millis // job.cpu_millis),
            unheard_seconds=leader.unheard_seconds,
        )
    ledger.release(key, missing)
    job.touch()


def _believe(
    leader: Leader, worker: Worker, job: Job, stated: JobReport | None, now: Instant
) -> None:
    """Make the ledger agree with what a worker says it holds."""
    ledger, key = job.ledger, worker.key
    if stated and _as_known(worker, job, stated):
        return
    running = from_ranges(stated.running) if stated else BitMap()
    holds = from_ranges(stated.queued) | running if stated else BitMap()
    if stated and stated.run != job.run:
        leader.end_at(worker, job, holds)
        # Of this run it has nothing.
        _release_missing(leader, worker, job, BitMap(), now)
        return
    _release_missing(leader, worker, job, holds, now)
    worker.still_ending(job.uid, holds)
    if holds:
        if job.finished or job.verdict is not None:
            ledger.adopt(key, holds)
            leader.end_at(worker, job, holds)
        else:
            recorded = ledger.recorded
            unwanted = ledger.adopt(key, holds) | (holds & recorded.succeeded)
            unwanted |= holds & recorded.failed
            leader.end_at(worker, job, unwanted)
    stray = holds - ledger.assigned.get(key, BitMap())
    if stray:
        ledger.stray[key] = stray
    else:
        ledger.stray.pop(key, None)
    started = running & ledger.assigned.get(key, BitMap())
    if started != ledger.running.get(key, BitMap()):
        ledger.running[key] = started
        job.touch()

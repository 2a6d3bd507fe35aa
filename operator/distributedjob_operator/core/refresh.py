"""A job brought up to date with its object, which others may have written.

What is recorded is taken as it stands; what is in hand stays in hand, and facts that the
record lacks are folded upon it anew (protocol item 3).
"""

from typing import TYPE_CHECKING

from distributedjob_api.v1alpha1 import DistributedJob, Phase
from distributedjob_operator.core import job as jobs
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.conditions import take_foreign
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.ledger import Ledger
from distributedjob_operator.core.recorded import StatusError

if TYPE_CHECKING:
    from distributedjob_operator.core.leader import Leader


def refresh(leader: "Leader", job: Job, resource: DistributedJob, now: Instant) -> None:
    """Bring a job up to date with its object; what is in hand stays in hand."""
    try:
        new = jobs.from_object(resource)
    except StatusError as error:
        leader.set_aside[job.uid] = str(error)
        leader.drop(job.uid)
        return
    if new.generation > job.generation:
        job.generation, job.spec = new.generation, new.spec
        job.turned_away = not leader.tuning.serves(job.spec.pool, job.namespace)
        job.touch(urgent=True)
    if job.writing:
        # The write under way will meet a conflict, and the next one reads the rest.
        return
    job.resource_version = new.resource_version
    status = resource.status
    if status is None:
        return
    job.conditions = take_foreign(job.conditions, new.conditions)
    if (status.epoch, status.leader) != (leader.epoch, leader.identity):
        _rebuild(leader, job, new, now)


def _rebuild(leader: "Leader", job: Job, read: Job, now: Instant) -> None:
    """Fold the facts not yet in a checkpoint onto what another write left."""
    # Unpacked one at a time, as they are folded.
    facts = (
        (fact.worker, fact.node, fact.entry)
        for fact in job.unconfirmed
        if fact.entry.run == read.run and not read.finished
    )
    if read.items.digest != job.items.digest and read.items.digest:
        # Others began with another list: ours is read anew, and held to theirs.
        job.items, job.known_tasks = read.items, read.known_tasks
        job.wanted = read.wanted
    job.chosen = read.chosen
    if read.run > job.run:
        _another_run(leader, job, read)
    job.ledger = job.ledger.rebuilt(
        jobs.wanted_of_run(job.wanted, job.chosen, read.ledger.recorded),
        read.ledger.recorded,
        facts,
        job.spec,
        now.mono,
        ending=job.spec.cancel or read.verdict is not None,
    )
    job.conditions = read.conditions
    # Whoever wrote it has counted it.
    job.counted = read.counted
    job.taken_below = max(job.taken_below, job.ledger.recorded.dispatched_below)
    # What was given up and not yet recorded as such has to be given up again.
    job.unaccounted = read.unaccounted
    if job.start_time is None and read.start_time is not None:
        _begun_elsewhere(leader, job, read)
    elif read.start_time is not None:
        job.start_time = read.start_time
    if job.verdict is not None and read.verdict is None:
        # Ended everywhere upon a verdict that does not stand: if it is not drawn
        # again, the workers are to take the job up again.
        leader.begin_anew(job.uid)
    job.run, job.rerun_token, job.refusal = read.run, read.rerun_token, read.refusal
    job.verdict = read.verdict
    if read.finished:
        job.phase, job.completion_time = read.phase, read.completion_time
    elif job.finished:
        # Our verdict was not written: it is drawn anew from what stands now.
        job.phase, job.completion_time = Phase.RUNNING, None
    job.touch()


def _begun_elsewhere(leader: "Leader", job: Job, read: Job) -> None:
    """The last leader handed tasks out after we listed: ask before concluding anything."""
    job.start_time, job.phase = read.start_time, read.phase
    asked = [worker for worker in leader.fleet.workers.values() if worker.key[0] == job.spec.pool]
    answered = {worker.node for worker in asked if worker.stated}
    expected = {*read.nodes, *(worker.node for worker in asked)} - answered
    job.awaited = job.awaited | {name for name in expected if name in leader.fleet.nodes}


def _another_run(leader: "Leader", job: Job, read: Job) -> None:
    """Another replica began the next run: of the old one nothing is taken along."""
    job.ledger = Ledger(job.ledger.wanted, read.ledger.recorded)
    job.phase, job.clock = read.phase, read.clock
    job.start_time = job.completion_time = None
    leader.begin_anew(job.uid)

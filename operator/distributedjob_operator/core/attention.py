"""Which jobs a round looks at: an idle one costs nothing.

A job is awake from the moment that anything about it changes until the round that has
drawn its conclusions; one that workers hold tasks of, or that is waited for, stays so.
All others rest: what time alone brings about for them wakes them, and why they wait is
asked of one of each kind.
"""

from distributedjob_operator.core import items, lifecycle
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader


def ring(leader: Leader, now: Instant) -> None:
    """Wake the jobs whose time has come, and those whose name was taken or has come free."""
    for uid in leader.times.ring(now.mono):
        leader.awake[uid] = leader.jobs[uid]
    for uid in leader.expiries.ring(now.wall.timestamp()):
        leader.awake[uid] = leader.jobs[uid]
    taken = leader.departed.names_taken()
    if taken != leader.names_taken:
        for job in leader.jobs.values():
            name = (job.namespace, job.name)
            if taken.get(name) != leader.names_taken.get(name):
                leader.awake[job.uid] = job
        leader.names_taken = taken


def next_ring(leader: Leader, now: Instant) -> float:
    """When time alone wakes a job, on the leader's clock."""
    expiry = now.mono + leader.expiries.next() - now.wall.timestamp()
    return min(leader.times.next(), expiry)


def let_rest(leader: Leader, job: Job, now: Instant) -> None:
    """Note when a job is to be looked at again, and let it rest until then if it may."""
    leader.times.set(job.uid, min(lifecycle.next_look(job, now), items.next_look(job)))
    leader.expiries.set(job.uid, lifecycle.expires_at(job, now))
    if job.ledger.quiet and (job.finished or not job.awaited):
        del leader.awake[job.uid]
        if job.waits_for_slots:
            leader.kinds.join(job, now.mono)

"""Which jobs a round plans for, and whose turn comes first."""

from collections import Counter
from itertools import islice
from typing import Final

from distributedjob_operator.core.backlog import Group, Turn, turn_of
from distributedjob_operator.core.fleet import Fleet
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader

FEWEST_LOOKED_AT: Final = 32
SMALLEST_SLOT_MILLIS: Final = 100


def in_turn(leader: Leader) -> list[Job]:
    """All jobs that hold something, and of those that wait as many as could start.

    First comes the namespace, then the job, that occupies least; of several, whoever was
    served least recently, then the oldest: one slot that many want goes round.
    """
    jobs = [job for job in leader.awake.values() if not job.ledger.quiet]
    occupied: Counter[Group] = Counter()
    for job in jobs:
        occupied[job.spec.pool, job.namespace] += len(job.ledger.busy) * job.cpu_millis
    backlog = leader.backlog
    for pool in backlog.pools():
        first = islice(backlog.first(pool, occupied), _could_start(leader.fleet, pool))
        jobs += (leader.jobs[uid] for uid in first)

    def turn(job: Job) -> tuple[int, float, int, Turn, Group]:
        group = (job.spec.pool, job.namespace)
        millis = len(job.ledger.busy) * job.cpu_millis
        return occupied[group], backlog.served_at(group), millis, turn_of(job), group

    jobs.sort(key=turn)
    return jobs


def _could_start(fleet: Fleet, pool: str) -> int:
    """A bound on the jobs that have room in a pool, and some to choose from."""
    millis = sum(worker.cpu_millis for key, worker in fleet.workers.items() if key[0] == pool)
    return FEWEST_LOOKED_AT + millis // SMALLEST_SLOT_MILLIS

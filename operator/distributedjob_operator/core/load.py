"""What waits and what runs, by namespace and pool: looked at when metrics are asked for."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from distributedjob_operator.core.effects import WorkerKey  # noqa: TC001
from distributedjob_operator.core.fleet import Worker
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.tally import Group


@dataclass(slots=True)
class Load:
    """Tasks and jobs that exist at one moment."""

    queued: Counter[Group] = field(default_factory=Counter)
    running: Counter[Group] = field(default_factory=Counter)
    startable: Counter[Group] = field(default_factory=Counter)
    jobs: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """With the phase behind namespace and pool."""
    waiting: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """With the reason behind namespace and pool."""


def load(leader: Leader) -> Load:
    """It costs as many steps as there are jobs, and pairs of a job and a worker that holds some."""
    found = Load()
    free = _free(leader)
    for job in leader.jobs.values():
        group = (job.namespace, job.spec.pool)
        found.jobs[*group, job.phase.value] += 1
        if job.waiting and not job.finished:
            found.waiting[*group, job.waiting] += 1
        running = 0 if job.finished else job.ledger.running_count
        found.running[group] += running
        found.queued[group] += 0 if job.finished else max(0, job.undone - running)
        found.startable[group] += _startable(leader, job, free[job.spec.pool])
    return found


class Free(NamedTuple):
    """What nothing is meant for at a worker."""

    worker: Worker
    cpu_millis: int
    memory_bytes: int


def _free(leader: Leader) -> dict[str, list[Free]]:
    """By pool, the workers that have CPU left."""
    millis: Counter[WorkerKey] = Counter()
    size: Counter[WorkerKey] = Counter()
    for job in leader.awake.values():
        for key, assigned in job.ledger.assigned.items():
            millis[key] += len(assigned) * job.cpu_millis
            size[key] += len(assigned) * job.memory_bytes
    free: dict[str, list[Free]] = defaultdict(list)
    for pool in {pool for pool, _ in leader.fleet.workers}:
        for worker in leader.fleet.usable(pool):
            cpu, memory = leader.fleet.offer(worker)
            if cpu > millis[worker.key]:
                left = Free(worker, cpu - millis[worker.key], memory - size[worker.key])
                free[pool].append(left)
    return free


def _startable(leader: Leader, job: Job, free: list[Free]) -> int:
    """Tasks of a job that could start now: what keeps others back is the job's own wish."""
    if not free or not job.dispatchable:
        return 0
    ready = len(job.ledger.ready) + job.fresh_supply
    if job.spec.parallelism is not None:
        ready = min(ready, job.spec.parallelism - len(job.ledger.busy))
    if ready <= 0:
        return 0
    fits = any(
        left.cpu_millis >= job.cpu_millis
        and left.memory_bytes >= job.memory_bytes
        and leader.fleet.admits(left.worker, job.spec)
        for left in free
    )
    return ready if fits else 0

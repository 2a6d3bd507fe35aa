"""Who else wants a pool's slots, and what is free there: what a waiting job is told."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.fleet import Fleet
from distributedjob_operator.core.job import Job


@dataclass(slots=True)
class Crowd:
    """One look at all jobs in a round, however many of them ask for it."""

    priorities: dict[str, Counter[int]] = field(default_factory=dict)
    free: dict[WorkerKey, tuple[int, int]] = field(default_factory=dict)

    def higher(self, job: Job) -> int:
        """Jobs of the pool that get free CPU before this one."""
        own = self.priorities.get(job.spec.pool, Counter())
        return sum(count for priority, count in own.items() if priority > job.spec.priority)

    def others(self, job: Job) -> int:
        """Jobs of the pool that hold slots or wait for them, without this one."""
        return max(0, self.priorities.get(job.spec.pool, Counter()).total() - 1)

    def lacks_memory(self, job: Job, workers: Iterable[WorkerKey]) -> bool:
        """Whether CPU is free for a task at one of these workers, and memory is not."""
        free = [self.free.get(key, (0, 0)) for key in workers]
        return any(cpu >= job.cpu_millis and memory < job.memory_bytes for cpu, memory in free)


def measure(jobs: Iterable[Job], waiting: dict[str, Counter[int]], fleet: Fleet) -> Crowd:
    """Look at every job that holds something or waits for it.

    Args:
        jobs: all that hold something, and perhaps others.
        waiting: by pool, how many jobs of each priority wait.
        fleet: the nodes and workers.
    """
    crowd = Crowd(waiting)
    taken: dict[WorkerKey, tuple[int, int]] = {}
    for job in jobs:
        if job.ledger.quiet:
            continue
        crowd.priorities.setdefault(job.spec.pool, Counter())[job.spec.priority] += 1
        for where in (job.ledger.assigned, job.ledger.stray):
            for key, held in where.items():
                cpu, memory = taken.get(key, (0, 0))
                count = len(held)
                taken[key] = (cpu + count * job.cpu_millis, memory + count * job.memory_bytes)
    for key, worker in fleet.workers.items():
        cpu, memory = taken.get(key, (0, 0))
        crowd.free[key] = (fleet.capacity(worker) - cpu, fleet.memory(worker) - memory)
    return crowd

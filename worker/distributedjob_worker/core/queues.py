"""What waits and what runs at this worker, and which task starts next.

Slots are millicores, and bytes of memory where a job asks for them: the requests of
all running tasks never exceed what the worker has. Among jobs of the highest priority
the next task comes from the namespace that runs the fewest millicores, or that has
waited longest for a turn, and there from the job that runs the fewest.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from distributedjob_api.indexes import from_ranges, runs_of
from distributedjob_api.messages import Attempt, Define, Range

PATIENCE_SECONDS: Final = 1.0
"""How long smaller tasks may pass one that does not fit, before slots are kept for it."""

HOLD_SECONDS: Final = 10.0
"""How long slots are kept; then the others go on for twice as long as the time before."""


MOST_HOLDS: Final = 8
"""Doublings of the patience, at most."""


@dataclass(slots=True, eq=False)
class Task:
    """One attempt of one index, from its assignment to its end."""

    define: Define
    index: int
    ended: int
    item: str | None
    failures: int = 0
    """Attempts before it that were charged, as the leader knew when it assigned this one."""

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self.ended + 1


@dataclass(slots=True)
class Tenant:
    """What one namespace occupies here, and when a task of it started last."""

    running_millis: int = 0
    turn: int = 0


@dataclass(slots=True, eq=False)
class JobQueue:
    """The tasks of one job.

    Those ``ahead`` were handed to an executor, each to take the place of a task of the
    same job that ends there. They wait until it says that it started them, or gives them
    back; those ``recalled`` then wait here no more.
    """

    define: Define
    parallelism: int = 0
    priority: int = 0
    forgotten: bool = False
    cancelled: bool = False
    held: bool = False
    waiting: OrderedDict[int, Task] = field(default_factory=OrderedDict)
    running: dict[int, Task] = field(default_factory=dict)
    ahead: dict[int, Task] = field(default_factory=dict)
    recalled: set[int] = field(default_factory=set)
    running_millis: int = 0
    passed_since: float | None = None
    holds: int = 0

    def queued_ranges(self) -> list[Range]:
        """The indexes that wait, here or ahead."""
        if not (self.waiting or self.ahead):
            return []
        ahead = [index for index, task in self.ahead.items() if task.define is self.define]
        return runs_of([*self.waiting, *ahead])

    def running_ranges(self) -> list[Range]:
        """The indexes that run."""
        return runs_of(self.running)

    def may_start(self) -> bool:
        """Whether its parallelism, and its share of the spool, leave room for one more."""
        return not self.held and not 0 < self.parallelism <= len(self.running)


class Queues:
    """All jobs of the worker; every index is in at most one place."""

    def __init__(self, cpu_millis: int, memory_bytes: int) -> None:
        self.free_millis = self._cpu_millis = cpu_millis
        self.free_bytes = self._memory_bytes = memory_bytes
        self.jobs: dict[str, JobQueue] = {}
        self.running_count = 0
        self._ready: dict[str, JobQueue] = {}
        self._tenants: defaultdict[str, Tenant] = defaultdict(Tenant)
        self._turns = 0

    @property
    def waiting(self) -> bool:
        """Whether any task waits."""
        return bool(self._ready)

    def define(self, define: Define) -> list[Task]:
        """Keep a definition; returns the tasks of an older run, running or ahead, that it ends.

        An older run's definition changes nothing, and one of the same run is the
        one that is there.
        """
        job = self.jobs.get(define.uid)
        if job is None:
            self.jobs[define.uid] = JobQueue(define)
            return []
        # Commands come in order: who defines a job after its end means it.
        job.forgotten = job.cancelled = False
        if define.run <= job.define.run:
            return []
        job.waiting.clear()
        self._ready.pop(define.uid, None)
        job.define = define
        job.recalled.update(job.ahead)
        return [*job.running.values(), *job.ahead.values()]

    def add(
        self,
        job: JobQueue,
        fresh: list[Range],
        retries: list[Attempt],
        items: list[str],
        parallelism: int,
        priority: int = 0,
    ) -> None:
        """Queue tasks; an index that waits or runs already is not queued again."""
        job.parallelism = parallelism
        job.priority = priority
        known = ((retry.index, retry.ended, retry.failures) for retry in retries)
        attempts = [*_fresh(fresh), *known]
        waiting, running, ahead, define = job.waiting, job.running, job.ahead, job.define
        for position, (index, ended, failures) in enumerate(attempts):
            if index not in waiting and index not in running and index not in ahead:
                item = items[position] if items else None
                waiting[index] = Task(define, index, ended, item, failures)
        if waiting:
            self._ready[define.uid] = job

    def drop(self, job: JobQueue, chosen: list[Range] | None) -> list[Task]:
        """Remove waiting tasks, all or those in the ranges; returns those to be recalled."""
        if chosen is None:
            job.waiting.clear()
            recalled = list(job.ahead.values())
        else:
            within = from_ranges(chosen)
            for index in [index for index in job.waiting if index in within]:
                del job.waiting[index]
            recalled = [task for index, task in job.ahead.items() if index in within]
        job.recalled.update(task.index for task in recalled)
        if not job.waiting:
            self._ready.pop(job.define.uid, None)
            job.passed_since = None
        return recalled

    def take(self, now: float) -> Task | None:
        """The task that starts now, which from here on runs; None if none can."""
        best: JobQueue | None = None
        lowest = (0, 0, 0, 0)
        passed: list[JobQueue] = []
        for job in self._ready.values():
            if not job.may_start():
                continue
            fits = self._fits(job)
            if job.passed_since is not None:
                kept = now - job.passed_since - PATIENCE_SECONDS * 2**job.holds
                if kept >= 0 and fits:
                    return self._start(job)
                if 0 <= kept < HOLD_SECONDS:
                    # Its turn has come: what frees up is kept for it.
                    return None
                if kept >= 0:
                    # What runs here may run for days: the others are not held up for that.
                    job.holds = min(job.holds + 1, MOST_HOLDS)
                    job.passed_since = now
            if not fits:
                passed.append(job)
                continue
            precedence = self._precedence(job)
            if best is None or precedence < lowest:
                best, lowest = job, precedence
        if best is None:
            return None
        for job in passed:
            if job.passed_since is None:
                job.passed_since = now
        return self._start(best)

    def take_ahead(self, define: Define, most: int, shares: int) -> list[Task]:
        """Tasks that may each take the place of one of this job that ends.

        It leaves all requests and limits as they are, and no room for a choice between
        jobs: so none where another job waits, or where a task could start right now. One
        call takes no more than one of ``shares`` parts of what waits, lest one executor
        have work at the end of a job while others have none.
        """
        job = self._ready.get(define.uid)
        if (
            job is None
            or len(self._ready) > 1
            or job.define is not define
            or job.held
            or 0 < job.parallelism < len(job.running)
            or (job.may_start() and self._fits(job))
        ):
            return []
        tasks = []
        for _ in range(min(most, len(job.waiting) // shares)):
            index, task = job.waiting.popitem(last=False)
            job.ahead[index] = task
            tasks.append(task)
        if not job.waiting:
            del self._ready[define.uid]
        return tasks

    def follow(self, task: Task) -> None:
        """A task that was ahead runs, in the place of one that ended."""
        job = self.jobs[task.define.uid]
        del job.ahead[task.index]
        job.recalled.discard(task.index)
        self._occupy(job, task)

    def give_back(self, task: Task) -> bool:
        """A task that was ahead was not started; whether it waits again, before all others."""
        job = self.jobs[task.define.uid]
        del job.ahead[task.index]
        if task.index in job.recalled:
            job.recalled.remove(task.index)
            return False
        job.waiting[task.index] = task
        job.waiting.move_to_end(task.index, last=False)
        self._ready[task.define.uid] = job
        return True

    def _precedence(self, job: JobQueue) -> tuple[int, int, int, int]:
        """The lowest goes first."""
        tenant = self._tenants[job.define.namespace]
        return -job.priority, tenant.running_millis, tenant.turn, job.running_millis

    def _fits(self, job: JobQueue) -> bool:
        define = job.define
        return define.cpu_millis <= self.free_millis and define.memory_bytes <= self.free_bytes

    def could_fit(self, job: JobQueue) -> bool:
        """Whether a task of this job fits where nothing else runs."""
        define = job.define
        return define.cpu_millis <= self._cpu_millis and define.memory_bytes <= self._memory_bytes

    def has(self, uid: str) -> bool:
        """Whether anything of a job waits, here or ahead, or runs."""
        job = self.jobs.get(uid)
        return job is not None and bool(job.waiting or job.running or job.ahead)

    def waits(self, uid: str) -> bool:
        """Whether anything of a job waits, here or ahead."""
        job = self.jobs.get(uid)
        return job is not None and bool(job.waiting or job.ahead)

    def runs(self, task: Task) -> bool:
        """Whether this very attempt runs."""
        job = self.jobs.get(task.define.uid)
        return job is not None and job.running.get(task.index) is task

    def finish(self, task: Task) -> None:
        """A running task ended: its slot is free."""
        job = self.jobs[task.define.uid]
        del job.running[task.index]
        job.running_millis -= task.define.cpu_millis
        self._tenants[task.define.namespace].running_millis -= task.define.cpu_millis
        self.free_millis += task.define.cpu_millis
        self.free_bytes += task.define.memory_bytes
        self.running_count -= 1

    def _start(self, job: JobQueue) -> Task:
        job.passed_since, job.holds = None, 0
        _, task = job.waiting.popitem(last=False)
        # Between jobs that run as much, turns go round.
        del self._ready[task.define.uid]
        if job.waiting:
            self._ready[task.define.uid] = job
        self._occupy(job, task)
        return task

    def _occupy(self, job: JobQueue, task: Task) -> None:
        job.running[task.index] = task
        job.running_millis += task.define.cpu_millis
        self._turns += 1
        tenant = self._tenants[task.define.namespace]
        tenant.running_millis += task.define.cpu_millis
        tenant.turn = self._turns
        self.free_millis -= task.define.cpu_millis
        self.free_bytes -= task.define.memory_bytes
        self.running_count += 1


def _fresh(pairs: Iterable[Range]) -> Iterator[tuple[int, int, int]]:
    return ((index, 0, 0) for first, last in pairs for index in range(first, last + 1))

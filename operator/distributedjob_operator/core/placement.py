"""Where tasks of one job go within one round of the planner.

A :class:`Pool` keeps what is free while the round is planned, a :class:`Row` keeps
what one job holds and gets at each worker. The functions hand out a row's supply by
one rule each, the strictest first.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from distributedjob_api.indexes import BitMap
from distributedjob_api.v1alpha1 import Placement
from distributedjob_operator.core.fleet import Fleet, Worker
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.shares import level

AHEAD_SECONDS = 1.0
"""Work that waits at a worker, measured by the run time seen so far."""

MOST_AHEAD = 20_000
"""Tasks that wait at a worker for one of its slots, at most."""

MAX_TRIED = 65_536
"""Indexes of a job with counters and no outcome, at most: the status must fit."""

PASSED_OVER_SECONDS = 10.0
"""A job without a slot for so long may claim one that is not free yet."""


@dataclass(slots=True)
class Pool:
    """The workers of a pool, their CPU in millicores and memory in bytes, and what is free."""

    workers: list[Worker]
    cpu: list[int]
    memory: list[int]
    free_cpu: list[int] = field(default_factory=list)
    free_memory: list[int] = field(default_factory=list)
    suspected: list[bool] = field(default_factory=list)

    def take(self, at: int, job: Job, count: int) -> None:
        """Occupy a worker's CPU and memory."""
        self.free_cpu[at] -= count * job.cpu_millis
        self.free_memory[at] -= count * job.memory_bytes

    def room(self, at: int, row: "Row") -> int:
        """Tasks of a job that would start at a worker now."""
        if not row.slots[at]:
            return 0
        return max(0, _fits(self.free_cpu[at], self.free_memory[at], row.job))

    def left_to(self, at: int, row: "Row", count: int) -> int:
        """Slots that the other jobs leave to one that holds ``count`` tasks at a worker."""
        job = row.job
        cpu = self.free_cpu[at] + count * job.cpu_millis
        return max(0, _fits(cpu, self.free_memory[at] + count * job.memory_bytes, job))

    def crowded(self, at: int) -> bool:
        """Whether work waits at a worker behind what runs there."""
        return self.free_cpu[at] < 0 or self.free_memory[at] < 0


@dataclass(slots=True)
class Row:
    """One job's line of a round: per worker, its slots, what it holds and what it gets."""

    job: Job
    slots: list[int]
    held: list[int]
    gains: list[int]
    pinned: list[BitMap]
    loose: BitMap
    passed_over: bool

    @property
    def supply(self) -> int:
        """Tasks not yet handed out in this round, whatever worker they may go to."""
        ledger = self.job.ledger
        # Each one that is out may come back with a counter.
        room = max(0, MAX_TRIED - len(ledger.recorded.tries) - len(ledger.busy))
        return len(self.loose) + min(self.job.fresh_supply, room) - sum(self.gains)

    @property
    def granted(self) -> int:
        """Tasks handed out in this round."""
        return sum(self.gains) + sum(len(pinned) for pinned in self.pinned)

    @property
    def occupied(self) -> int:
        """Slots that are or will be the job's, without what waits behind them."""
        return sum(min(count, slot) for count, slot in zip(self.level(), self.slots, strict=True))

    def level(self) -> list[int]:
        """Per worker, what it holds with what it gets."""
        return [
            have + gain + len(pinned)
            for have, gain, pinned in zip(self.held, self.gains, self.pinned, strict=True)
        ]

    @property
    def may_have_more(self) -> bool:
        """Whether ``parallelism`` lets one more out."""
        limit = self.job.spec.parallelism
        return limit is None or limit > len(self.job.ledger.busy) + self.granted

    def allowed(self) -> int:
        """Tasks that ``parallelism`` still lets out."""
        limit = self.job.spec.parallelism
        return self.supply if limit is None else limit - len(self.job.ledger.busy) - self.granted

    def demand(self) -> int:
        """Millicores that the job could use at once."""
        tasks = self.supply + len(self.job.ledger.busy)
        if self.job.spec.parallelism is not None:
            tasks = min(tasks, self.job.spec.parallelism)
        return min(tasks, sum(self.slots)) * self.job.cpu_millis


def lay_out(jobs: Sequence[Job], workers: list[Worker], fleet: Fleet, now: float) -> list[Row]:
    """The rows of a round, before anything is handed out."""
    rows = []
    for job in jobs:
        slots = [
            max(0, _fits(fleet.capacity(worker), fleet.memory(worker), job))
            if fleet.admits(worker, job.spec)
            else 0
            for worker in workers
        ]
        rows.append(
            Row(
                job=job,
                slots=slots,
                held=[len(job.ledger.assigned.get(worker.key, ())) for worker in workers],
                gains=[0] * len(workers),
                pinned=[BitMap() for _ in workers],
                # What was tried before may be tried once more by somebody awaited.
                loose=BitMap() if job.awaited else job.ledger.ready.copy(),
                passed_over=now - job.unserved_since >= PASSED_OVER_SECONDS,
            )
        )
    return rows


def make_pool(
    rows: Sequence[Row], idle: Sequence[Job], workers: list[Worker], fleet: Fleet
) -> Pool:
    """What is free at each worker given what every job holds there.

    Jobs that get nothing may hold something: they drain, or are being ended.
    """
    pool = Pool(
        workers,
        [fleet.capacity(worker) for worker in workers],
        [fleet.memory(worker) for worker in workers],
    )
    pool.free_cpu, pool.free_memory = pool.cpu.copy(), pool.memory.copy()
    suspected = [job for job in (*(row.job for row in rows), *idle) if job.ledger.suspects]
    pool.suspected = [
        any(
            job.ledger.suspects & job.ledger.assigned.get(worker.key, BitMap()) for job in suspected
        )
        for worker in workers
    ]
    for row in rows:
        for at, count in enumerate(row.held):
            pool.take(at, row.job, count)
    for job in idle:
        for at, worker in enumerate(workers):
            pool.take(at, job, len(job.ledger.assigned.get(worker.key, ())))
    for job in (*(row.job for row in rows), *idle):
        for at, worker in enumerate(workers if job.ledger.stray else ()):
            pool.take(at, job, len(job.ledger.stray.get(worker.key, ())))
    return pool


def isolate(row: Row, pool: Pool) -> None:
    """Place what an agent crashed under: one suspect a worker, to tell which it was."""
    suspects = row.loose & row.job.ledger.suspects
    row.loose -= suspects
    for index in suspects:
        levels = row.level()
        ranks = [
            (not pool.room(at, row), levels[at], at)
            for at, slots in enumerate(row.slots)
            if levels[at] < slots
            and not pool.suspected[at]
            and (pool.room(at, row) or pool.crowded(at))
        ]
        if not ranks or not row.may_have_more:
            return
        at = min(ranks)[2]
        row.pinned[at].add(index)
        pool.take(at, row.job, 1)
        pool.suspected[at] = True


def pin(row: Row, pool: Pool, budget: int) -> None:
    """Place what failed on one node and asked for that node, or for another.

    Where no worker of the pool is as asked for, any will do: waiting for one that may
    never come would be worse.
    """
    placement = row.job.spec.retry_policy.placement
    if placement is Placement.ANYWHERE:
        return
    same = placement is Placement.SAME_NODE
    nodes = {worker.node for worker, slots in zip(pool.workers, row.slots, strict=True) if slots}
    failed_on = row.job.ledger.failed_on
    full: set[str] = set()
    for index in row.loose & BitMap(failed_on):
        node = failed_on[index]
        if not nodes & {node} if same else not nodes - {node}:
            continue
        at = None
        if node not in full and row.allowed() > 0:
            at = _place(row, pool, node, same, budget)
        if at is None:
            full.add(node)
        else:
            row.pinned[at].add(index)
            pool.take(at, row.job, 1)
        # One that finds no slot where it belongs is nobody's until it does.
        row.loose.discard(index)


def _place(row: Row, pool: Pool, node: str, same: bool, budget: int) -> int | None:
    """The freest fitting worker, else one where the job's part lets it take turns."""
    levels = row.level()
    within = (row.occupied + 1) * row.job.cpu_millis <= budget
    ranks = []
    for at, worker in enumerate(pool.workers):
        if (worker.node == node) is not same or not row.slots[at]:
            continue
        if pool.room(at, row):
            ranks.append((0, -pool.free_cpu[at], at))
        elif pool.crowded(at) and levels[at] < row.slots[at] and within:
            ranks.append((1, levels[at], at))
    return min(ranks)[2] if ranks else None


def fill(row: Row, pool: Pool, budget: int) -> None:
    """Occupy free slots, the emptiest workers first, up to ``budget`` millicores."""
    used = [slots - pool.room(at, row) for at, slots in enumerate(row.slots)]
    _spread(row, pool, budget, used, row.slots)


def cut_in(row: Row, pool: Pool, budget: int) -> None:
    """Claim a fair part of slots behind which other jobs' work only waits.

    Such a worker has no free slot to show, but takes turns between jobs as its slots
    fall free; without this a job of short tasks with a long queue would keep all
    others out. A job that was passed over for long claims a slot where nothing waits,
    too: its worker keeps what falls free until the task fits.
    """
    levels = row.level()
    open_to = [
        max(slots, count) if pool.crowded(at) or (row.passed_over and not row.occupied) else count
        for at, (slots, count) in enumerate(zip(row.slots, levels, strict=True))
    ]
    # Where a fair part is less than one slot, it is taken in turns.
    claim = budget
    if budget < row.job.cpu_millis and (budget or row.passed_over) and not row.occupied:
        free = any(pool.room(at, row) for at in range(len(pool.workers)))
        claim = budget if free else row.job.cpu_millis
    _spread(row, pool, claim, levels, open_to)


def _spread(row: Row, pool: Pool, budget: int, used: Sequence[int], limits: Sequence[int]) -> None:
    supply = min(row.supply, budget // row.job.cpu_millis - row.occupied, row.allowed())
    if supply <= 0:
        return
    for at, gain in enumerate(level(supply, used, limits)):
        row.gains[at] += gain
        pool.take(at, row.job, gain)


def queue_ahead(row: Row, pool: Pool, part: float) -> None:
    """Let work wait behind the running tasks, by the run time seen."""
    seconds = row.job.ledger.seconds_per_task
    if seconds is None or row.supply <= 0:
        return
    limit = row.job.spec.parallelism
    if limit is not None and limit < sum(row.slots):
        # The limit is kept by never handing out more than it allows.
        return
    ahead = min(MOST_AHEAD, int(AHEAD_SECONDS / max(seconds, 1e-6)))
    if not ahead:
        return
    limits = []
    for count, slots in zip(row.level(), row.slots, strict=True):
        most = min(slots, math.ceil(slots * min(1.0, part))) * (1 + ahead)
        # Refilled at three quarters: one message for many tasks, not one for each.
        limits.append(most if count <= most * 3 // 4 else count)
    supply = row.supply if limit is None else min(row.supply, row.allowed())
    for at, gain in enumerate(level(supply, row.level(), limits)):
        row.gains[at] += gain
        pool.take(at, row.job, gain)


def _fits(cpu_millis: int, memory_bytes: int, job: Job) -> int:
    """Tasks of a job that so much CPU and memory holds; negative where it is overdrawn."""
    count = cpu_millis // job.cpu_millis
    return min(count, memory_bytes // job.memory_bytes) if job.memory_bytes else count

"""Where tasks of one job go within one round of the planner.

A :class:`Pool` keeps what is free while the round is planned, a :class:`Row` keeps
what one job holds and gets at each worker. The functions hand out a row's supply by
one rule each, the strictest first.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from operator import add, mul, sub

from distributedjob_api.indexes import BitMap
from distributedjob_api.v1alpha1 import Placement
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.fleet import Fleet, Worker
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.line import Line
from distributedjob_operator.core.seats import Offer, Seats, slots_for, that_fit
from distributedjob_operator.core.shares import level

AHEAD_SECONDS = 1.0
"""Work that waits at a worker, measured by the run time seen so far, at least."""

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

    def hold(self, millis: int, size: int, counts: Sequence[int]) -> None:
        """Count what tasks of so much CPU and memory occupy at each worker already."""
        self.free_cpu = list(map(sub, self.free_cpu, map(mul, counts, repeat(millis))))
        if size:
            self.free_memory = list(map(sub, self.free_memory, map(mul, counts, repeat(size))))

    def room(self, at: int, row: "Row") -> int:
        """Tasks of a job that would start at a worker now."""
        if not row.slots[at]:
            return 0
        return max(0, _fits(self.free_cpu[at], self.free_memory[at], row))

    def free_for(self, row: "Row") -> list[int]:
        """The workers at which a task of a job would start now."""
        millis = row.millis
        if max(self.free_cpu) < millis:
            return []
        roomy = [at for at, free in enumerate(self.free_cpu) if free >= millis]
        return [at for at in roomy if self.room(at, row)]

    def left_to(self, at: int, row: "Row", count: int) -> int:
        """Slots that the other jobs leave to one that holds ``count`` tasks at a worker."""
        cpu = self.free_cpu[at] + count * row.millis
        return max(0, _fits(cpu, self.free_memory[at] + count * row.size, row))

    def crowded(self, at: int) -> bool:
        """Whether work waits at a worker behind what runs there."""
        return self.free_cpu[at] < 0 or self.free_memory[at] < 0


@dataclass(slots=True)
class Row:
    """One job's line of a round: per worker, its slots, what it holds and what it gets.

    ``levels`` is what is held with what was gained,
    ``occupied`` the slots that are or will be the job's, without what waits behind them:
    both are kept up as tasks are handed out, since a pool may have thousands of workers.
    """

    job: Job
    seats: Seats
    levels: list[int]
    loose: BitMap
    passed_over: bool
    slots: Sequence[int] = field(init=False)
    whole: int = field(init=False)
    occupied: int = field(init=False)
    millis: int = field(init=False)
    size: int = field(init=False)
    granted: int = 0
    gains: dict[int, int] = field(default_factory=dict)
    pinned: dict[int, BitMap] = field(default_factory=dict)
    _fresh: int = field(init=False)

    def __post_init__(self) -> None:
        ledger = self.job.ledger
        self.slots, self.whole = self.seats.slots, self.seats.whole
        self.millis, self.size = self.job.cpu_millis, self.job.memory_bytes
        if max(self.levels) <= self.seats.fewest:
            self.occupied = sum(self.levels)
        else:
            self.occupied = sum(map(min, self.levels, self.slots))
        # Each one that is out may come back with a counter.
        room = max(0, MAX_TRIED - len(ledger.recorded.tries) - len(ledger.busy))
        self._fresh = min(self.job.fresh_supply, room)

    @property
    def supply(self) -> int:
        """Tasks not yet handed out in this round, whatever worker they may go to."""
        return len(self.loose) + self._fresh

    def give(self, at: int, count: int) -> None:
        """Hand out tasks whose indexes are named later."""
        self.gains[at] = self.gains.get(at, 0) + count
        self._fresh -= count
        self._rise(at, count)

    def pin(self, at: int, index: int) -> None:
        """Hand out this very index."""
        self.pinned.setdefault(at, BitMap()).add(index)
        self._rise(at, 1)

    def _rise(self, at: int, count: int) -> None:
        before, slots = self.levels[at], self.slots[at]
        self.levels[at] = before + count
        self.occupied += min(before + count, slots) - min(before, slots)
        self.granted += count

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
        return min(tasks, self.whole) * self.millis


def lay_out(
    jobs: Sequence[Job], workers: list[Worker], offers: Sequence[Offer], fleet: Fleet, now: float
) -> list[Row]:
    """The rows of a round, before anything is handed out.

    Jobs that ask for the same have the same slots: those are looked for once.
    """
    keys = [worker.key for worker in workers]
    plain = not any(node.taints for node in fleet.nodes.values())
    known: dict[object, Seats] = {}
    rows = []
    for job in jobs:
        shape = job.shape
        if shape not in known:
            known[shape] = Seats.of(slots_for(job, workers, offers, fleet, plain=plain))
        rows.append(
            Row(
                job=job,
                seats=known[shape],
                levels=_at_each(job.ledger.held_counts, keys),
                # What was tried before may be tried once more by somebody awaited.
                loose=BitMap() if job.awaited else job.ledger.ready.copy(),
                passed_over=now - job.unserved_since >= PASSED_OVER_SECONDS,
            )
        )
    return rows


def _at_each(counts: Mapping[WorkerKey, int], keys: Sequence[WorkerKey]) -> list[int]:
    """How much is held at each of these workers."""
    if not counts:
        return [0] * len(keys)
    return list(map(counts.get, keys, repeat(0)))


def make_pool(
    rows: Sequence[Row], idle: Sequence[Job], workers: list[Worker], offers: Sequence[Offer]
) -> Pool:
    """What is free at each worker given what every job holds there.

    Jobs that get nothing may hold something: they drain, or are being ended.
    """
    pool = Pool(workers, [cpu for cpu, _ in offers], [memory for _, memory in offers])
    pool.free_cpu, pool.free_memory = pool.cpu.copy(), pool.memory.copy()
    keys = [worker.key for worker in workers]
    suspected: set[WorkerKey] = set()
    held: dict[tuple[int, int], Sequence[int]] = {}
    for job in (*(row.job for row in rows), *idle):
        ledger = job.ledger
        if ledger.suspects:
            suspected |= {key for key, held in ledger.assigned.items() if held & ledger.suspects}
        if ledger.stray:
            stray = {key: len(held) for key, held in ledger.stray.items()}
            pool.hold(job.cpu_millis, job.memory_bytes, _at_each(stray, keys))
    pool.suspected = [key in suspected for key in keys]
    for row in rows:
        if row.job.ledger.assigned:
            shape = (row.millis, row.size)
            before = held.get(shape)
            held[shape] = list(map(add, before, row.levels)) if before else row.levels
    for (millis, size), counts in held.items():
        pool.hold(millis, size, counts)
    for job in idle:
        pool.hold(job.cpu_millis, job.memory_bytes, _at_each(job.ledger.held_counts, keys))
    return pool


def isolate(row: Row, pool: Pool) -> None:
    """Place what an agent crashed under: one suspect a worker, to tell which it was."""
    suspects = row.loose & row.job.ledger.suspects
    row.loose -= suspects
    for index in suspects:
        ranks = [
            (not pool.room(at, row), row.levels[at], at)
            for at, slots in enumerate(row.slots)
            if row.levels[at] < slots
            and not pool.suspected[at]
            and (pool.room(at, row) or pool.crowded(at))
        ]
        if not ranks or not row.may_have_more:
            return
        at = min(ranks)[2]
        row.pin(at, index)
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
            row.pin(at, index)
            pool.take(at, row.job, 1)
        # One that finds no slot where it belongs is nobody's until it does.
        row.loose.discard(index)


def _place(row: Row, pool: Pool, node: str, same: bool, budget: int) -> int | None:
    """The freest fitting worker, else one where the job's part lets it take turns."""
    within = (row.occupied + 1) * row.millis <= budget
    ranks = []
    for at, worker in enumerate(pool.workers):
        if (worker.node == node) is not same or not row.slots[at]:
            continue
        if pool.room(at, row):
            ranks.append((0, -pool.free_cpu[at], at))
        elif pool.crowded(at) and row.levels[at] < row.slots[at] and within:
            ranks.append((1, row.levels[at], at))
    return min(ranks)[2] if ranks else None


def fill(row: Row, pool: Pool, budget: int) -> None:
    """Occupy free slots, the emptiest workers first, up to ``budget`` millicores."""
    supply = _portion(row, budget)
    if supply <= 0:
        return
    free = pool.free_for(row)
    used = [row.slots[at] - pool.room(at, row) for at in free]
    _spread(row, pool, supply, free, used, [row.slots[at] for at in free])


def cut_in(row: Row, pool: Pool, line: Line, budget: int) -> None:
    """Claim a fair part of slots behind which other jobs' work only waits.

    Such a worker has no free slot to show, but takes turns between jobs as its slots
    fall free; without this a job of short tasks with a long queue would keep all
    others out. A job that was passed over for long claims a slot where nothing waits,
    too: its worker keeps what falls free until the task fits.
    """
    claims_any = row.passed_over and not row.occupied
    # Where a fair part is less than one slot, it is taken in turns.
    claim = budget
    if budget < row.millis and (budget or row.passed_over) and not row.occupied:
        claim = budget if pool.free_for(row) else row.millis
    supply = _portion(row, claim)
    if supply <= 0:
        return
    open_to = [
        at
        for at, (count, slots) in enumerate(zip(row.levels, row.slots, strict=True))
        if count < slots and (claims_any or pool.crowded(at))
    ]
    if claim != budget:
        open_to = [at for at in open_to if line.open_at(pool.workers[at].key, row.slots[at])]
    levels = [row.levels[at] for at in open_to]
    _spread(row, pool, supply, open_to, levels, [row.slots[at] for at in open_to])
    if claim != budget:
        for at in row.gains.keys() & open_to:
            line.join(pool.workers[at].key)


def _portion(row: Row, budget: int) -> int:
    """Tasks that a job may have more within so many millicores; 0 or less where none."""
    return min(row.supply, budget // row.millis - row.occupied, row.allowed())


def _spread(
    row: Row,
    pool: Pool,
    supply: int,
    places: Sequence[int],
    used: Sequence[int],
    limits: Sequence[int],
) -> None:
    """Hand out tasks at these workers, the emptiest first."""
    for at, gain in zip(places, level(supply, used, limits), strict=True):
        if gain:
            row.give(at, gain)
            pool.take(at, row.job, gain)


def queue_ahead(row: Row, pool: Pool, line: Line, part: float, ahead_seconds: float) -> None:
    """Let work wait behind the running tasks: what a worker's slots end in so many seconds.

    Of tasks that take longer, a worker of many slots is still given some. A job that takes
    turns, since its part is less than a slot, gets it when a turn begins if others want one.
    """
    seconds = row.job.ledger.seconds_per_task
    if seconds is None or row.supply <= 0:
        return
    limit = row.job.spec.parallelism
    if limit is not None and limit < row.whole:
        # The limit is kept by never handing out more than it allows.
        return
    ahead = min(MOST_AHEAD, ahead_seconds / max(seconds, 1e-6))
    supply = row.supply if limit is None else min(row.supply, row.allowed())
    most: dict[int, int] = {}
    refill: dict[int, int] = {}
    for slots in row.seats.sizes:
        own = min(slots, math.ceil(slots * min(1.0, part)))
        most[slots] = own + int(own * ahead)
        # Refilled at three quarters: one message for many tasks, not one for each.
        refill[slots] = own + int(own * ahead) * 3 // 4 if int(own * ahead) else -1
    below = max(refill.values())
    if min(row.levels) > below:
        return
    short = [
        at
        for at, count in enumerate(row.levels)
        if count <= below and count <= refill[row.slots[at]]
    ]
    if part * row.whole < 1:
        short = [
            at
            for at in short
            if not line.wanted_at(pool.workers[at].key) or 0 < row.levels[at] == row.gains.get(at)
        ]
    levels = [row.levels[at] for at in short]
    _spread(row, pool, supply, short, levels, [most[row.slots[at]] for at in short])


def _fits(cpu_millis: int, memory_bytes: int, row: Row) -> int:
    """Tasks of a job that so much CPU and memory holds; negative where it is overdrawn."""
    return that_fit(cpu_millis, memory_bytes, row.millis, row.size)

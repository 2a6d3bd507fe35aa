"""Distribution by available CPU.

One round looks at the jobs that hold tasks or could start some and at every worker with
room, and returns what to hand out and what to take back. Higher priorities come first;
at one priority the namespaces of a pool share its CPU max-min fairly, and the jobs of a
namespace share its part. A job's tasks spread over the workers in proportion to their
slots; behind the running tasks of a worker wait about as many as it will finish in a
second, so that no slot idles while a report travels. Until a job's run time is known,
that is none.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from distributedjob_api.indexes import BitMap, take
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.fleet import Fleet, Worker
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.line import Line
from distributedjob_operator.core.placement import (
    AHEAD_SECONDS,
    Pool,
    Row,
    cut_in,
    fill,
    isolate,
    lay_out,
    make_pool,
    pin,
    queue_ahead,
)
from distributedjob_operator.core.shares import max_min

WORTH_MOVING_SECONDS = 0.05
"""Queued work shorter than this is not moved to an idle worker: it ends sooner."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Hand tasks of a job to a worker: some tried before, and the next fresh ones."""

    uid: str
    worker: WorkerKey
    ready: BitMap
    fresh: int


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Ask a worker for queued tasks of a job."""

    uid: str
    worker: WorkerKey
    indexes: BitMap


Decision = Grant | TakeBack


def plan(
    jobs: Sequence[Job], fleet: Fleet, now: float, ahead_seconds: float = AHEAD_SECONDS
) -> list[Decision]:
    """Plan one round.

    Args:
        jobs: all that may get tasks or hold some, in the order in which remainders are
            handed out.
        fleet: the nodes and workers.
        now: this moment.
        ahead_seconds: how much work waits behind what runs.
    """
    decisions: list[Decision] = []
    pools: dict[str, list[Job]] = {}
    holding: dict[str, list[Job]] = {}
    for job in jobs:
        if job.dispatchable:
            pools.setdefault(job.spec.pool, []).append(job)
        elif not job.ledger.quiet:
            holding.setdefault(job.spec.pool, []).append(job)
    for name, members in pools.items():
        usable = list(fleet.usable(name))
        # One that has yet to say what it holds may have no slot free.
        workers = [worker for worker in usable if worker.stated]
        if workers:
            idle = holding.get(name, [])
            decisions += _plan_pool(members, idle, workers, fleet, now, ahead_seconds)
        decisions += _clear_unusable(members, usable, fleet)
    return decisions


def _plan_pool(
    jobs: Sequence[Job],
    idle: Sequence[Job],
    workers: list[Worker],
    fleet: Fleet,
    now: float,
    ahead_seconds: float,
) -> list[Decision]:
    offers = [fleet.offer(worker) for worker in workers]
    rows = lay_out(jobs, workers, offers, fleet, now)
    pool = make_pool(rows, idle, workers, offers)
    whole = sum(pool.cpu)
    left = whole
    decisions: list[Decision] = []
    # A priority gets what the higher ones leave.
    for priority in sorted({row.job.spec.priority for row in rows}, reverse=True):
        peers = [row for row in rows if row.job.spec.priority == priority]
        # Behind lower ones nobody stands in line.
        line = Line(row.job for row in rows if row.job.spec.priority >= priority)
        targets = _fair_parts(peers, left)
        left -= sum(targets)
        for row, target in zip(peers, targets, strict=True):
            isolate(row, pool)
            pin(row, pool, target)
        # First up to the fair part of each, then whatever is left to whoever can use it.
        for row, target in zip(peers, targets, strict=True):
            fill(row, pool, target)
            cut_in(row, pool, line, target)
        for row in peers:
            fill(row, pool, whole)
        for row, target in zip(peers, targets, strict=True):
            own = row.whole * row.millis
            queue_ahead(row, pool, line, target / own if own else 0.0, ahead_seconds)
    for row in rows:
        decisions += _grants(row, workers)
        decisions += _recall(row, workers)
        if row.supply <= 0:
            decisions += _take_back(row, pool)
    return decisions


def _fair_parts(rows: Sequence[Row], capacity: int) -> list[int]:
    """Millicores for each of the jobs: fair between namespaces, then within each."""
    namespaces: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        namespaces.setdefault(row.job.namespace, []).append(at)
    demands = [row.demand() for row in rows]
    parts = [0] * len(rows)
    shares = max_min(capacity, [sum(demands[at] for at in own) for own in namespaces.values()])
    for share, own in zip(shares, namespaces.values(), strict=True):
        for at, part in zip(own, max_min(share, [demands[at] for at in own]), strict=True):
            parts[at] = part
    return parts


def _grants(row: Row, workers: list[Worker]) -> list[Grant]:
    """Name the tried indexes that each worker gets; the rest are fresh ones."""
    uid, left = row.job.uid, row.loose
    if not left and not row.pinned:
        return [
            Grant(uid, workers[at].key, BitMap(), gain) for at, gain in sorted(row.gains.items())
        ]
    grants = []
    for at in sorted(row.gains.keys() | row.pinned.keys()):
        gain, pinned = row.gains.get(at, 0), row.pinned.get(at, BitMap())
        tried = take(left, gain) if left else BitMap()
        left = left - tried
        grants.append(Grant(uid, workers[at].key, tried | pinned, gain - len(tried)))
    return grants


def _recall(row: Row, workers: Sequence[Worker]) -> list[TakeBack]:
    """Take back what waits beyond a ``parallelism`` that was lowered meanwhile."""
    job = row.job
    if job.spec.parallelism is None:
        return []
    over = len(job.ledger.busy) - job.spec.parallelism
    decisions = []
    for worker in workers:
        if over <= 0:
            break
        queued = job.ledger.queued(worker.key) - worker.in_flight(job.uid)
        back = queued - take(queued, len(queued) - over)
        over -= len(back)
        if back and job.uid not in worker.returning:
            decisions.append(TakeBack(job.uid, worker.key, back))
    return decisions


def _take_back(row: Row, pool: Pool) -> list[TakeBack]:
    """Level the queues once nothing else is left for an idle slot."""
    uid, ledger = row.job.uid, row.job.ledger
    idle = sum(pool.room(at, row) for at in pool.free_for(row))
    if not idle or not any(map(ledger.waits_at, ledger.held_counts)):
        return []
    seconds = ledger.seconds_per_task
    mean = sum(row.levels) / row.whole
    # Workers are mostly alike: a level is reckoned once for all of one size.
    keeps = {slots: max(slots, math.ceil(mean * slots)) for slots in row.seats.sizes}
    decisions = []
    for at, (worker, count) in enumerate(zip(pool.workers, row.levels, strict=True)):
        excess = count - keeps[row.slots[at]]
        if excess <= 0 or (seconds is not None and excess * seconds < WORTH_MOVING_SECONDS):
            if not count or ledger.running.get(worker.key) or pool.left_to(at, row, count):
                continue
            # It waits there behind other jobs, for who knows how long.
            excess = min(count, idle)
        if uid in worker.returning or not ledger.waits_at(worker.key):
            continue
        queued = ledger.queued(worker.key) - worker.in_flight(uid)
        # The highest indexes wait longest: those in front may start at any moment.
        back = queued - take(queued, len(queued) - excess)
        if back:
            decisions.append(TakeBack(uid, worker.key, back))
    return decisions


def _clear_unusable(jobs: Sequence[Job], usable: Sequence[Worker], fleet: Fleet) -> list[TakeBack]:
    """Take back what waits at workers that get nothing new."""
    keys = {worker.key for worker in usable}
    others = sorted(fleet.workers.keys() - keys)
    tainted = any(node.taints for node in fleet.nodes.values())
    decisions = []
    for job in jobs:
        assigned = job.ledger.assigned
        asks = tainted or job.spec.node_selector
        for key in sorted(assigned) if asks else filter(assigned.__contains__, others):
            worker = fleet.workers.get(key)
            if worker is None or worker.leaving or job.uid in worker.returning:
                continue
            if key in keys and fleet.admits(worker, job.spec):
                continue
            queued = job.ledger.queued(key) - worker.in_flight(job.uid)
            if queued:
                decisions.append(TakeBack(job.uid, key, queued))
    return decisions

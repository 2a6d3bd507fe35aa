"""What a replica counts and sees, family by family.

What there is of jobs and machines is looked at when it is asked for, by the replica that
leads; a standby has none of it. So the series of what was deleted end by themselves, and
those of counts a while after the last job of their namespace and pool.
"""

import importlib.metadata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from distributedjob_api import metric_families as families
from distributedjob_api.exposition import Sample, nats
from distributedjob_api.nats_health import NatsHealth
from distributedjob_operator.controller import Controller
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.load import load
from distributedjob_operator.core.machines import machines
from distributedjob_operator.core.tally import Loss, Tally, Unwritten
from distributedjob_operator.kube.traffic import ApiTraffic
from distributedjob_operator.leadership import Leadership
from distributedjob_operator.refused import Cause

NO_POOL = ""


@dataclass(frozen=True, slots=True)
class ReplicaMetrics:
    """Reads one replica; ``per_job`` adds the one family with a series for each job."""

    leadership: Leadership
    controller: Controller
    traffic: ApiTraffic
    nats: Callable[[], NatsHealth]
    per_job: bool = False

    def samples(self) -> Iterator[Sample]:
        """The families, anew each time."""
        version = importlib.metadata.version("distributedjobs")
        leading = self.controller.leading
        yield families.BUILD_INFO, {("operator", version): 1}
        yield families.LEADING, leading
        yield families.EPOCH, self.leadership.epoch
        yield families.LEASE_AGE, self.leadership.age_seconds if leading else 0.0
        yield families.REFUSED, {cause: self.controller.refused.counts[cause] for cause in Cause}
        yield families.API_REQUESTS, self.traffic.requests
        yield families.API_SECONDS, self.traffic.seconds
        yield families.JOURNAL_DROPPED, self.controller.dropped_records
        yield from nats(self.nats())
        lead = self.controller.lead_now
        if lead is None:
            return
        leader, now = lead
        yield from _of_jobs(leader)
        yield from _of_machines(leader, now)
        yield from _counted(leader, now)
        if self.per_job:
            yield families.JOB_TASKS, dict(_of_each_job(leader))


def _of_jobs(leader: Leader) -> Iterator[Sample]:
    seen = load(leader)
    yield families.JOBS, seen.jobs
    yield families.JOBS_WAITING, seen.waiting
    yield families.JOBS_SET_ASIDE, len(leader.set_aside)
    yield families.TASKS_QUEUED, seen.queued
    yield families.TASKS_RUNNING, seen.running
    yield families.TASKS_STARTABLE, seen.startable


def _of_machines(leader: Leader, now: Instant) -> Iterator[Sample]:
    rows = machines(leader, now)
    yield families.WORKERS, Counter((row.pool, row.health) for row in rows)
    slots = [row for row in rows if row.pool != NO_POOL]
    yield families.NODE_SLOTS, {(row.pool, row.node): row.slots_millis / 1000 for row in slots}
    yield families.NODE_SLOTS_BUSY, {(row.pool, row.node): row.busy_millis / 1000 for row in slots}


def _counted(leader: Leader, now: Instant) -> Iterator[Sample]:
    tally: Tally = leader.tally
    tally.keep({(job.namespace, job.spec.pool) for job in leader.jobs.values()}, now.mono)
    yield families.TASKS_SUCCEEDED, tally.succeeded
    yield families.TASKS_FAILED, tally.failed
    yield families.TASKS_RETRIED, tally.retried
    yield families.TASKS_INTERRUPTED, tally.interrupted
    yield families.JOBS_ENDED, tally.ended
    yield families.QUEUE_SECONDS, tally.queue_seconds
    yield families.DISPATCH_SECONDS, tally.dispatch_seconds
    yield families.CHECKPOINT_SECONDS, tally.checkpoint_seconds
    yield families.CHECKPOINT_BYTES, tally.checkpoint_bytes
    yield families.CHECKPOINT_FAILURES, {cause: tally.unwritten[cause] for cause in Unwritten}
    pools = {pool for pool, _ in leader.fleet.workers} | {pool for pool, _ in tally.lost}
    yield (
        families.WORKERS_LOST,
        {(pool, why.value): tally.lost[pool, why] for pool in pools for why in Loss},
    )


def _of_each_job(leader: Leader) -> Iterator[tuple[tuple[str, ...], float]]:
    for job in leader.jobs.values():
        recorded = job.ledger.recorded
        running = 0 if job.finished else job.ledger.running_count
        states = {
            "succeeded": len(recorded.succeeded),
            "failed": len(recorded.failed),
            "running": running,
            "queued": 0 if job.finished else max(0, job.undone - running),
            "cancelled": job.undone if job.finished else 0,
        }
        for state, count in states.items():
            yield (job.namespace, job.spec.pool, job.name, state), count

"""The leader: everything it knows, and what follows from each event.

Events come in as calls with the moment they happened (hellos and reports through
``reporting``), effects collect in :attr:`Leader.effects` until the controller takes
them, and ``round`` draws the conclusions.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from distributedjob_api import constants
from distributedjob_api.indexes import BitMap, ranges
from distributedjob_api.messages import Announce, Cancel, Forget
from distributedjob_api.v1alpha1 import DistributedJob
from distributedjob_operator.core import job as jobs_module
from distributedjob_operator.core.alarms import NEVER, Alarms
from distributedjob_operator.core.backlog import Backlog
from distributedjob_operator.core.budget import WriteBudget, WriteQueue
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.crowd import Crowd
from distributedjob_operator.core.departed import Departed
from distributedjob_operator.core.effects import (
    Broadcast,
    Effect,
    PurgeJournal,
    RaiseEpoch,
    ReadJob,
    TellLoss,
    WorkerKey,
)
from distributedjob_operator.core.fleet import Fleet, Node, Worker
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.kinds import Kinds
from distributedjob_operator.core.recorded import StatusError
from distributedjob_operator.core.refresh import refresh
from distributedjob_operator.core.tally import Loss, Tally

LISTEN_SECONDS: Final = 1.5
"""Every worker that lives is heard within this time: its heartbeat is a second."""

QUIET_SECONDS: Final = 2.0
"""Who has said nothing at all for so long, two heartbeats, is dead or cut off."""

FARTHEST_EPOCH: Final = 2**32
"""How far an etcd restored from a backup may have gone back, in writes."""


SECONDS_A_REPORT: Final = 200e-6
"""Twice what the leader's one core spends on a report, so that half of it is left."""
EVERYBODY: Final = "*"
NOBODY: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Tuning:
    """What an installation sets: intervals in seconds, and whose jobs each pool runs.

    ``report_seconds`` is that of a small cluster. The news that a job is there, or has
    begun, waits for ``first_write_seconds``: a job that ends meanwhile costs a single
    write, and that one waits for no other. Where no pool is named, every pool runs the
    jobs of every namespace.
    """

    report_seconds: float = 0.05
    silence_seconds: float = 20.0
    relist_seconds: float = 60.0
    first_write_seconds: float = 0.0
    pools: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def serves(self, pool: str, namespace: str) -> bool:
        """Whether jobs of a namespace may run in a pool."""
        return not self.pools or not self.pools.get(pool, NOBODY).isdisjoint((EVERYBODY, namespace))


@dataclass(slots=True)
class Leader:
    """The state of the replica that leads, for one epoch."""

    epoch: int
    identity: str
    installation: str
    tuning: Tuning = field(default_factory=Tuning)
    jobs: dict[str, Job] = field(default_factory=dict)
    awake: dict[str, Job] = field(default_factory=dict)
    """The jobs that the next round looks at."""
    fleet: Fleet = field(default_factory=Fleet)
    departed: Departed = field(default_factory=Departed)
    unknown: dict[str, float] = field(default_factory=dict)
    set_aside: dict[str, str] = field(default_factory=dict)
    times: Alarms = field(default_factory=Alarms)
    """When a job is looked at again whatever happens, on the leader's clock."""
    expiries: Alarms = field(default_factory=Alarms)
    """When the time to live of a finished job is over, in seconds since the epoch."""
    backlog: Backlog = field(default_factory=Backlog)
    kinds: Kinds = field(default_factory=Kinds)
    names_taken: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    poisoned: dict[str, tuple[int, str]] = field(default_factory=dict)
    sessions: int = 0
    dropped_records: dict[tuple[WorkerKey, str], int] = field(default_factory=dict)
    """Records that the journal never got, by worker and incarnation, of those that lost any."""
    asked_at: float = 0.0
    listening_until: float = float("-inf")
    proved_at: float = 0.0
    crowd: Crowd | None = None
    budget: WriteBudget = field(default_factory=WriteBudget)
    writes: WriteQueue = field(default_factory=WriteQueue)
    tally: Tally = field(default_factory=Tally)
    effects: list[Effect] = field(default_factory=list)

    @property
    def report_seconds(self) -> float:
        """How often a worker with news reports: the more there are, the more rarely each."""
        return max(self.tuning.report_seconds, len(self.fleet.nodes) * SECONDS_A_REPORT)

    @property
    def unheard_seconds(self) -> float:
        """For how long a busy worker may have started tasks without saying so, at most."""
        return 2 * max(self.report_seconds, constants.STEADY_SECONDS)

    @property
    def listening(self) -> bool:
        """Whether a worker may live of which we do not know yet."""
        return self.listening_until > float("-inf")

    def take_effects(self) -> list[Effect]:
        """Hand over what is to be done, in order."""
        effects, self.effects = self.effects, []
        return effects

    # -- what exists ---------------------------------------------------------------

    def take_over(
        self,
        resources: Iterable[DistributedJob],
        nodes: Iterable[Node],
        now: Instant,
        alive: Collection[WorkerKey] = (),
        *,
        listened: float = LISTEN_SECONDS,
    ) -> None:
        """Begin to lead from a consistent list; its jobs wait for their workers.

        Also those that nothing is recorded of: the last leader may have handed tasks
        out and died, or lost the API server, before it could write so.

        Args:
            resources: every job.
            nodes: every node.
            now: this moment.
            alive: the workers heard within the silence limit.
            listened: for how long we have heard the workers. Where that is less than
                the silence limit, the nodes that each status names are waited for as
                well; where it is less than a heartbeat, nothing that was there before
                us is handed out until it is known who lives.
        """
        self.asked_at = self.proved_at = now.mono
        for node in nodes:
            self.fleet.nodes[node.name] = node
        for resource in resources:
            self.job_seen(resource, now)
        heard_all = listened >= self.tuning.silence_seconds
        living: defaultdict[str, set[str]] = defaultdict(set)
        for pool, name in alive:
            if name in self.fleet.nodes:
                living[pool].add(name)
        for job in self.jobs.values():
            if not job.finished:
                if listened < LISTEN_SECONDS:
                    self.listening_until = now.mono + LISTEN_SECONDS - listened
                job.taken_below = job.ledger.recorded.dispatched_below
                job.awaited = living[job.spec.pool]
                silent = {*job.nodes} & self.fleet.nodes.keys() - job.awaited
                if silent and not heard_all:
                    job.awaited = job.awaited | silent
        self.effects.append(Broadcast(Announce(self.epoch, self.identity)))

    def job_seen(self, resource: DistributedJob, now: Instant) -> None:
        """An object was added, or changed, or read again."""
        uid, status = resource.metadata.uid, resource.status
        manager = resource.spec.managed_by
        if manager is not None and manager != constants.MANAGER:
            # As for Job's managedBy: another controller's affair.
            return
        if status and status.installation not in ("", self.installation):
            if uid in self.jobs:
                self.job_gone(uid)
            return
        if status and status.epoch > self.epoch:
            # A newer leader, or a record older than a restored etcd: the Lease tells.
            self.heed_epoch(status.epoch)
        if resource.metadata.deletion_timestamp is not None:
            self.job_gone(uid)
            return
        if self._is_poison(uid, resource.metadata.generation):
            return
        known = self.jobs.get(uid)
        if known is None:
            self._admit(resource, now)
            return
        if int(resource.metadata.resource_version) > int(known.resource_version):
            self.awake[uid] = known
            refresh(self, known, resource, now)

    def poison(self, job: Job, error: Exception) -> None:
        """Set aside an object upon which our own code fails: it must not stop the others."""
        problem = f"the operator cannot go on with this job ({type(error).__name__}: {error})"
        self.poisoned[job.uid] = (job.generation, problem)
        self.drop(job.uid)
        # What is read comes back through job_seen, and is told its condition.
        self.effects.append(ReadJob(job.uid, job.namespace, job.name))

    def drop(self, uid: str) -> Job | None:
        """Know a job no longer; returns it."""
        self.awake.pop(uid, None)
        self.times.set(uid, NEVER)
        self.expiries.set(uid, NEVER)
        self.writes.drop(uid)
        self.backlog.drop(uid)
        self.kinds.leave(uid)
        return self.jobs.pop(uid, None)

    def _is_poison(self, uid: str, generation: int) -> bool:
        """Whether this very spec failed; a changed one is tried once more."""
        failed_on, problem = self.poisoned.get(uid, (-1, ""))
        if failed_on < generation:
            self.poisoned.pop(uid, None)
            return False
        self.set_aside[uid] = problem
        return True

    def _admit(self, resource: DistributedJob, now: Instant) -> None:
        uid = resource.metadata.uid
        if uid in self.departed:
            return
        try:
            job = jobs_module.from_object(resource)
        except StatusError as error:
            self.set_aside[uid] = str(error)
            return
        job.seen_at = now.mono
        job.turned_away = not self.tuning.serves(job.spec.pool, job.namespace)
        if resource.status is None and not job.problem:
            # That it waits is no news worth going before others.
            job.touch_soon(now.mono, urgent=False)
        job.ledger.back_off_again(job.spec.retry_policy, now.mono)
        self.jobs[uid] = self.awake[uid] = job
        self.unknown.pop(uid, None)
        self.set_aside.pop(uid, None)
        for worker in self.fleet.workers.values():
            worker.folded.pop(uid, None)
            if uid in worker.known:
                # What it reported of a job that was not known was not kept.
                worker.ask_again_at = now.mono

    def begin_anew(self, uid: str) -> None:
        """What was ordered to end belongs to a former run, or to a verdict that fell."""
        for worker in self.fleet.workers.values():
            worker.defined.pop(uid, None)
            worker.ended.discard(uid)
            worker.ending.pop(uid, None)

    def job_gone(self, uid: str) -> None:
        """The object is deleted: end what runs of it; there is no status to say so in."""
        job = self.drop(uid)
        if job is not None:
            for key in (*job.ledger.assigned, *job.ledger.stray):
                self.departed.still_held(uid, job.namespace, job.name, key)
        if uid not in self.departed:
            self.effects.append(PurgeJournal(uid))
        self.unknown.pop(uid, None)
        self.set_aside.pop(uid, None)
        self.poisoned.pop(uid, None)
        self.departed.add(uid)
        for worker in self.fleet.workers.values():
            worker.forget(uid)
            if uid in worker.known:
                self.drop_at(worker, uid)

    def has_successor(self, uid: str, namespace: str, name: str) -> bool:
        """Whether another object has the name, so that this one is gone for certain."""
        return any(
            job.uid != uid and (job.namespace, job.name) == (namespace, name)
            for job in self.jobs.values()
        )

    def heed_epoch(self, seen: int) -> None:
        """Somebody speaks of a higher epoch: the Lease will tell who leads.

        A number far beyond any that the API server could have given since is no
        epoch: heeding it would leave it on the Lease for ever.
        """
        if self.epoch < seen <= self.epoch + FARTHEST_EPOCH:
            self.effects.append(RaiseEpoch(seen))

    def not_deleted(self, uid: str) -> None:
        """A deletion did not go through: it is tried again."""
        job = self.jobs.get(uid)
        if job is not None:
            job.deleting = False
            self.awake[uid] = job

    def end_at(self, worker: Worker, job: Job, indexes: BitMap) -> None:
        """Order indexes to be ended at a worker.

        Once is enough within a session, where commands are repeated until applied:
        ending a task may take as long as its grace.
        """
        ending = worker.ending.get(job.uid, BitMap())
        new = indexes - ending
        if not new:
            return
        worker.ending[job.uid] = ending | new
        if job.uid in worker.ended:
            return
        number = worker.next_number()
        if job.finished or job.verdict is not None:
            worker.ended.add(job.uid)
            worker.order(Cancel(number, job.uid, []))
        else:
            worker.order(Cancel(number, job.uid, ranges(new)))
        worker.returning[job.uid] = number

    def drop_at(self, worker: Worker, uid: str) -> None:
        """End a whole job at one worker and let the worker forget it."""
        worker.dropped.add(uid)
        worker.order(Cancel(worker.next_number(), uid, []))
        worker.order(Forget(worker.next_number(), uid))
        worker.known.discard(uid)
        worker.defined.pop(uid, None)

    def node_seen(self, node: Node, now: Instant) -> None:
        """A Node was added or changed."""
        known = self.fleet.nodes.get(node.name)
        if known is None or node.version >= known.version:
            self.fleet.nodes[node.name] = node
        self.fleet.seen_at[node.name] = now.mono

    def node_gone(self, name: str, now: Instant) -> None:
        """A Node was deleted: its workers are lost at once."""
        self.fleet.nodes.pop(name, None)
        self.fleet.seen_at.pop(name, None)
        for job in self.jobs.values():
            job.awaited.discard(name)
        for key in [k for k, worker in self.fleet.workers.items() if worker.node == name]:
            self.lose(key, Loss.NODE, now)

    def lose(self, key: WorkerKey, why: Loss, now: Instant) -> None:
        """Give up a worker and redistribute what it held."""
        worker = self.fleet.workers.pop(key)
        why = Loss.LEFT if worker.leaving else why
        self.tally.lost[key[0], why] += 1
        self.effects.append(TellLoss(key, worker.node, why))
        self.departed.held_no_more(key, [*self.departed.dying])
        for job in self.jobs.values():
            job.ledger.stray.pop(key, None)
            if key in job.ledger.assigned:
                job.ledger.lose(key, worker.node, job.spec, now.mono)
                job.touch()

    def new_epoch(self, epoch: int) -> None:
        """Go on under a higher epoch: every session is granted anew."""
        self.epoch = epoch
        self.effects.append(Broadcast(Announce(epoch, self.identity)))

    def proved(self, now: Instant) -> None:
        """The bus answered us: silence up to this moment is the workers' own."""
        self.proved_at = now.mono

    def reconnected(self, now: Instant) -> None:
        """Our own connection was away: nobody's silence in that time counts."""
        self.asked_at = self.proved_at = now.mono
        for worker in self.fleet.workers.values():
            worker.heard = now.mono
        self.effects.append(Broadcast(Announce(self.epoch, self.identity)))

    def retire(self) -> None:
        """Nothing more is handed out: let the record say what was, and no more."""
        for job in self.jobs.values():
            if job.spec.active_deadline_seconds is not None and job.clock.since is not None:
                job.touch()
            recorded, handed = job.ledger.recorded, job.ledger.handed_below
            if recorded.dispatched_below != handed:
                recorded.dispatched_below = handed
                job.touch()

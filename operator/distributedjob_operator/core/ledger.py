"""The leader's orders on one job's indexes: hand out, take back, give up, begin anew."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

from distributedjob_api.indexes import BitMap, take
from distributedjob_api.messages import Attempt, Entry
from distributedjob_api.v1alpha1 import RetryPolicy, Spec
from distributedjob_operator.core.books import Books
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.policy import at_most_once
from distributedjob_operator.core.policy.retry import backoff_seconds
from distributedjob_operator.core.recorded import Recorded

MOST_UNHEARD = 256
"""Tasks that a slot may have started and ended without a report, at most."""


@dataclass(slots=True)
class Ledger(Books):
    """The indexes of one run of a job; mutated by the leader alone."""

    released_below: int = field(init=False, default=0)
    handed_below: int = field(init=False)

    def __post_init__(self) -> None:
        Books.__post_init__(self)
        self.handed_below = self.recorded.dispatched_below

    # -- losses --------------------------------------------------------------------

    def interrupt(
        self, worker: WorkerKey, indexes: BitMap, node: str, spec: Spec, now: float
    ) -> None:
        """End those of ``indexes`` that had started and were lost with their worker.

        Where nothing starts twice, whatever may have started counts as started.
        """
        self._interrupt(worker, self._started(worker, indexes, spec), node, spec, now)

    def _started(self, worker: WorkerKey, indexes: BitMap, spec: Spec) -> BitMap:
        if at_most_once.applies(spec):
            return indexes
        return self.running.get(worker, BitMap()) & indexes

    def crashed(
        self,
        worker: WorkerKey,
        indexes: BitMap,
        node: str,
        spec: Spec,
        now: float,
        *,
        blamed: int | None,
        slots: int,
        unheard_seconds: float,
    ) -> None:
        """End what was lost with an agent that crashed, and suspect it.

        Args:
            worker: whose agent it was.
            indexes: what it held and lists no longer.
            node: where.
            spec: the job's limits.
            now: this moment.
            blamed: the index that brought it down, where that is clear.
            slots: tasks of the job that run there at one time.
            unheard_seconds: for how long it may have started tasks without saying so.
        """
        started = self._started(worker, indexes, spec)
        if blamed is not None:
            started |= BitMap([blamed]) & indexes
        suspects = started
        if not suspects:
            # Tasks so short that no report listed them: those in front are likeliest.
            seconds = max(self.seconds_per_task or unheard_seconds, unheard_seconds / MOST_UNHEARD)
            suspects = take(indexes, slots * math.ceil(1 + unheard_seconds / seconds))
        self._interrupt(worker, started, node, spec, now, blamed=blamed)
        self.suspects |= suspects - self.recorded.succeeded - self.recorded.failed
        loose = self.suspects & self.fresh
        self.fresh -= loose
        self.ready |= loose

    def give_up_unreported(self, spec: Spec, now: float) -> None:
        """End what was handed out by a former leader and is held by no worker."""
        bound = self.recorded.dispatched_below
        pending = self.fresh | self.ready | self.backing_off.indexes
        nobody = ("", "")
        self._interrupt(nobody, pending & BitMap(range(bound)), "", spec, now)

    def lose(self, worker: WorkerKey, node: str, spec: Spec, now: float) -> None:
        """Redistribute what a lost worker held; only started attempts have ended."""
        held = self.assigned.get(worker, BitMap()).copy()
        self.interrupt(worker, held, node, spec, now)
        self.release(worker, held)
        self.running.pop(worker, None)

    # -- orders --------------------------------------------------------------------

    def wake(self, now: float) -> None:
        """Make ready what has backed off long enough."""
        self.ready |= self.backing_off.wake(now)

    def assign_fresh(self, worker: WorkerKey, count: int, *, start: int = 0) -> BitMap:
        """Hand the lowest fresh indexes from ``start`` on to a worker."""
        free = self.fresh - BitMap(range(start)) if start else self.fresh
        chosen = take(free, count)
        self.fresh -= chosen
        self._hand_over(worker, chosen)
        if chosen:
            self.handed_below = max(self.handed_below, chosen.max() + 1)
            recorded = self.recorded
            recorded.dispatched_below = max(recorded.dispatched_below, self.handed_below)
        return chosen

    def assign_ready(self, worker: WorkerKey, indexes: BitMap) -> list[Attempt]:
        """Hand indexes that were tried before to a worker, with their counters."""
        self.ready -= indexes
        self._hand_over(worker, indexes)
        attempts = [
            Attempt(index, tries.ended, tries.failures, tries.interruptions)
            for tries, part in self.recorded.tries.split(indexes)
            for index in part
        ]
        attempts.sort(key=attrgetter("index"))
        return attempts

    def release(self, worker: WorkerKey, indexes: BitMap) -> None:
        """Take back indexes that a worker gave up without a result that counts."""
        held = self.assigned.get(worker)
        if held is None:
            return
        back = indexes & held
        self._unassign(worker, back)
        back = (back & self.wanted) - self.recorded.succeeded - self.recorded.failed
        tried = back & (self.recorded.tries.indexes | self.suspects)
        self.ready |= tried
        self.fresh |= back - tried

    def adopt(self, worker: WorkerKey, indexes: BitMap) -> BitMap:
        """Accept what a worker says it holds; returns what it must not run."""
        recorded = self.recorded
        new = indexes - self.assigned.get(worker, BitMap())
        if not new:
            return new
        # Each set on its own: to unite them would copy all that has ended.
        unwanted = (new & recorded.succeeded) | (new & recorded.failed) | (new & self.busy)
        unwanted |= new - self.wanted
        accepted = new - unwanted
        self._drop_pending(accepted)
        self._hand_over(worker, accepted)
        return unwanted

    def back_off_again(self, policy: RetryPolicy, now: float) -> None:
        """Let what had failed wait anew: when it was due died with the former leader.

        Too late rather than too early: leaders that come and go must not make of the
        back-off a tight loop.
        """
        for tries, part in self.recorded.tries.split(self.ready.copy()):
            delay = backoff_seconds(policy, tries.failed)
            if tries.failed and delay > 0:
                self.ready -= part
                self.backing_off.wait(part, now + delay)

    def rebuilt(
        self,
        wanted: BitMap,
        recorded: Recorded,
        facts: Iterable[tuple[WorkerKey, str, Entry]],
        spec: Spec,
        now: float,
        *,
        ending: bool = False,
    ) -> "Ledger":
        """The same work in hand upon what another write left in the object.

        Args:
            wanted: the indexes of the job.
            recorded: what the object says.
            facts: worker, node and entry of every result that may be missing there.
            spec: the job's limits.
            now: this moment.
            ending: whether it is certain how the job ends.
        """
        new = Ledger(wanted, recorded)
        new.failed_on = self.failed_on
        # Before anything is in hand: a fact about a former attempt takes nothing
        # from the worker that runs the next one.
        for worker, node, entry in facts:
            new.fold(worker, node, entry, spec, now, ending=ending)
        new.seconds_per_task = self.seconds_per_task
        new.stray, new.holders = self.stray, self.holders
        new.ends_job = new.ends_job or self.ends_job
        new.suspects = self.suspects - recorded.succeeded - recorded.failed
        new.ready |= new.suspects & new.fresh
        new.fresh -= new.suspects
        new.released_below = min(self.released_below, recorded.dispatched_below)
        new.handed_below = max(new.handed_below, self.handed_below)
        for worker, held in self.assigned.items():
            keep = held & wanted
            new._drop_pending(keep)
            new._hand_over(worker, keep)
            new.running[worker] = self.running.get(worker, BitMap()) & keep
        undecided = new.ready | new.backing_off.indexes
        for due, waiting in self.backing_off:
            again = waiting & undecided
            new.ready -= again
            new.backing_off.wait(again, due)
        woken = self.ready & new.backing_off.indexes
        new.backing_off.leave(woken)
        new.ready |= woken
        return new

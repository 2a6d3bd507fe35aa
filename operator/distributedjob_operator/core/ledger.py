"""The bookkeeping of one job's indexes: which wait, which are out, which are done.

Sets are compressed bitmaps and results are folded in as ranges, so that a batch of a
thousand successes costs a few set operations. Every wanted index is at any time in
exactly one place: succeeded, failed, assigned to one worker, fresh, ready for
another attempt, or backing off. Only recorded facts move it to an outcome, and the
first outcome stands.
"""

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from distributedjob_api import reasons
from distributedjob_api.indexes import BitMap, from_ranges, take
from distributedjob_api.messages import Attempt, Entry, Failure
from distributedjob_api.v1alpha1 import FailureSummary, RetryPolicy, Spec
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.policy import at_most_once
from distributedjob_operator.core.policy.retry import (
    GiveUp,
    Judgement,
    Tries,
    after_failure,
    after_interruption,
    backoff_seconds,
)
from distributedjob_operator.core.recorded import Recorded

LONGEST_SECONDS = 100 * 365 * 86_400.0

MOST_UNHEARD = 256
"""Tasks that a slot may have started and ended without a report, at most."""

RECENT_FAILURES = 5
TAIL_CHARACTERS = 256


@dataclass(slots=True)
class Ledger:
    """The indexes of one run of a job; mutated by the leader alone."""

    wanted: BitMap
    recorded: Recorded
    fresh: BitMap = field(init=False)
    ready: BitMap = field(init=False)
    busy: BitMap = field(default_factory=BitMap)
    assigned: dict[WorkerKey, BitMap] = field(default_factory=dict)
    running: dict[WorkerKey, BitMap] = field(default_factory=dict)
    stray: dict[WorkerKey, BitMap] = field(default_factory=dict)
    holders: set[WorkerKey] = field(default_factory=set)
    """Who was ever given any of it in this lead."""
    failed_on: dict[int, str] = field(default_factory=dict)
    suspects: BitMap = field(default_factory=BitMap)
    ends_job: reasons.Explained | None = None
    seconds_per_task: float | None = None
    released_below: int = 0
    handed_below: int = field(init=False)
    _backing_off: list[tuple[float, int]] = field(default_factory=list)
    _due: dict[int, float] = field(default_factory=dict)
    _waiting: BitMap = field(default_factory=BitMap)

    def __post_init__(self) -> None:
        self.handed_below = self.recorded.dispatched_below
        tried = BitMap(self.recorded.tries)
        self.ready = tried - self.recorded.succeeded - self.recorded.failed
        self.fresh = self.wanted - self.recorded.succeeded - self.recorded.failed - tried

    # -- questions -----------------------------------------------------------------

    @property
    def open(self) -> int:
        """Indexes without outcome."""
        recorded = self.recorded
        return len(self.wanted) - len(recorded.succeeded) - len(recorded.failed)

    @property
    def plannable(self) -> int:
        """Indexes that could be assigned now."""
        return len(self.fresh) + len(self.ready)

    @property
    def quiet(self) -> bool:
        """Whether no worker holds anything, not even what it holds against the record."""
        return not self.busy and not self.stray

    @property
    def running_count(self) -> int:
        """Tasks without outcome that run, as last reported."""
        running = BitMap().union(*self.running.values())
        return len(running - self.recorded.succeeded - self.recorded.failed)

    @property
    def runs(self) -> bool:
        """Whether any task without outcome runs; cheaper than to count them."""
        recorded = self.recorded
        return any(
            running - recorded.succeeded - recorded.failed for running in self.running.values()
        )

    def next_retry(self) -> float | None:
        """When the first index that backs off becomes ready, on the leader's clock."""
        return self._backing_off[0][0] if self._backing_off else None

    def due(self, index: int) -> float | None:
        """When an index that backs off becomes ready; None where it does not."""
        return self._due.get(index) if index in self._waiting else None

    def queued(self, worker: WorkerKey) -> BitMap:
        """What a worker holds and has not started, as far as is known."""
        held = self.assigned.get(worker)
        if held is None:
            return BitMap()
        return held - self.running.get(worker, BitMap())

    def waiting_at(self) -> set[WorkerKey]:
        """The workers that hold something they have not started, as far as is known."""
        running = self.running
        return {key for key, held in self.assigned.items() if len(held) > len(running.get(key, ()))}

    # -- facts ---------------------------------------------------------------------

    def fold(
        self,
        worker: WorkerKey,
        node: str,
        entry: Entry,
        spec: Spec,
        now: float,
        *,
        ending: bool = False,
    ) -> None:
        """Take in one entry of results; folding it twice changes nothing.

        What it says of attempts that were ended by command is left to the worker's
        statement: an entry heard late may speak of an index that the worker was given
        anew. Where nothing starts twice they are over for good, unless the whole job
        is ``ending``.
        """
        if entry.succeeded:
            self._succeed(worker, from_ranges(entry.succeeded))
        for failure in entry.failed:
            self._fail(worker, node, failure, spec, now)
        if entry.stopped and not ending and at_most_once.applies(spec):
            self._interrupt(worker, from_ranges(entry.stopped), node, spec, now)
        if count := entry.count:
            self._observe(entry.busy_seconds / count, count)

    def _observe(self, seconds: float, count: int) -> None:
        """Learn how long a task takes; newer batches weigh more."""
        if not 0 <= seconds <= LONGEST_SECONDS:
            return  # Not a time that anything took, nor even a number.
        if self.seconds_per_task is None:
            self.seconds_per_task = seconds
        else:
            weight = min(0.5, count / 200)
            self.seconds_per_task += (seconds - self.seconds_per_task) * weight

    def _succeed(self, worker: WorkerKey, indexes: BitMap) -> None:
        recorded = self.recorded
        new = (indexes & self.wanted) - recorded.succeeded - recorded.failed
        recorded.succeeded |= new
        self.suspects -= new
        self._unassign(worker, indexes)
        self._drop_pending(new)
        if recorded.tries:
            for index in new & BitMap(recorded.tries):
                del recorded.tries[index]
                self.failed_on.pop(index, None)

    def _fail(self, worker: WorkerKey, node: str, failure: Failure, spec: Spec, now: float) -> None:
        index = failure.index
        recorded = self.recorded
        if index not in self.wanted or index in recorded.succeeded or index in recorded.failed:
            self._unassign_one(worker, index)
            return
        tries = recorded.tries.get(index, Tries())
        if failure.ended < tries.ended:
            # An older attempt, already recorded as over: heard twice, or late.
            return
        self._unassign_one(worker, index)
        # Whatever it is, it left its worker alive.
        self.suspects.discard(index)
        judgement = after_failure(spec, tries, failure)
        reason = judgement.reason if isinstance(judgement, GiveUp) else failure.reason
        self._remember(
            FailureSummary(
                index=index,
                attempt=failure.ended + 1,
                node=node,
                reason=reason,
                exit_code=failure.exit_code,
                signal=failure.signal,
                tail=failure.tail[-TAIL_CHARACTERS:],
            )
        )
        recorded.failures += judgement.tries.failures - tries.failures
        if not isinstance(judgement, GiveUp):
            recorded.retries += 1
        self._settle(index, judgement, node, now)

    def _remember(self, summary: FailureSummary) -> None:
        kept = self.recorded.recent_failures
        kept.append(summary)
        del kept[:-RECENT_FAILURES]

    def _settle(self, index: int, judgement: Judgement, node: str, now: float) -> None:
        """Apply a judgement to an index that has just left its worker."""
        recorded = self.recorded
        if isinstance(judgement, GiveUp):
            self.ends_job = self.ends_job or judgement.job
            recorded.failed.add(index)
            recorded.tries.pop(index, None)
            self.failed_on.pop(index, None)
            self._drop_one(index)
            return
        recorded.tries[index] = judgement.tries
        self.failed_on[index] = node
        if index in self.busy:
            return  # A second run of it is out: its end will tell.
        self._drop_one(index)
        if judgement.delay > 0:
            self._wait(index, now + judgement.delay)
        else:
            self.ready.add(index)

    def back_off_again(self, policy: RetryPolicy, now: float) -> None:
        """Let what had failed wait anew: when it was due died with the former leader.

        Too late rather than too early: leaders that come and go must not make of the
        back-off a tight loop.
        """
        for index in self.ready.copy():
            tries = self.recorded.tries.get(index, Tries())
            delay = backoff_seconds(policy, tries.failed)
            if tries.failed and delay > 0:
                self.ready.discard(index)
                self._wait(index, now + delay)

    def _wait(self, index: int, due: float) -> None:
        self._waiting.add(index)
        self._due[index] = due
        heapq.heappush(self._backing_off, (due, index))

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
        pending = self.fresh | self.ready | self._waiting
        nobody = ("", "")
        self._interrupt(nobody, pending & BitMap(range(bound)), "", spec, now)

    def _interrupt(
        self,
        worker: WorkerKey,
        started: BitMap,
        node: str,
        spec: Spec,
        now: float,
        *,
        blamed: int | None = None,
    ) -> None:
        for index in started & self.wanted:
            self._unassign(worker, BitMap([index]))
            if index in self.recorded.succeeded or index in self.recorded.failed:
                continue
            tries = self.recorded.tries.get(index, Tries())
            judgement = after_interruption(spec, tries, index, blamed=index == blamed)
            self.recorded.interruptions += 1
            self.recorded.failures += judgement.tries.failures - tries.failures
            if isinstance(judgement, GiveUp):
                self._remember(
                    FailureSummary(
                        index=index, attempt=tries.ended + 1, node=node, reason=judgement.reason
                    )
                )
            self._settle(index, judgement, node, now)

    def lose(self, worker: WorkerKey, node: str, spec: Spec, now: float) -> None:
        """Redistribute what a lost worker held; only started attempts have ended."""
        held = self.assigned.get(worker, BitMap()).copy()
        self.interrupt(worker, held, node, spec, now)
        self.release(worker, held)
        self.running.pop(worker, None)

    # -- orders --------------------------------------------------------------------

    def wake(self, now: float) -> None:
        """Make ready what has backed off long enough."""
        while self._backing_off and self._backing_off[0][0] <= now:
            due, index = heapq.heappop(self._backing_off)
            if self._due.get(index) != due:
                continue  # It has failed again since then, and waits for longer.
            del self._due[index]
            if index in self._waiting:
                self._waiting.discard(index)
                self.ready.add(index)

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
        attempts = []
        for index in indexes:
            tries = self.recorded.tries.get(index, Tries())
            attempts.append(Attempt(index, tries.ended, tries.failures, tries.interruptions))
        return attempts

    def _hand_over(self, worker: WorkerKey, indexes: BitMap) -> None:
        if indexes:
            self.holders.add(worker)
            self.busy |= indexes
            self.assigned.setdefault(worker, BitMap()).update(indexes)

    def release(self, worker: WorkerKey, indexes: BitMap) -> None:
        """Take back indexes that a worker gave up without a result that counts."""
        held = self.assigned.get(worker)
        if held is None:
            return
        back = indexes & held
        self._unassign(worker, back)
        back = (back & self.wanted) - self.recorded.succeeded - self.recorded.failed
        tried = back & BitMap(self.recorded.tries) if self.recorded.tries else BitMap()
        tried |= back & self.suspects
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

    def _unassign(self, worker: WorkerKey, indexes: BitMap) -> None:
        held = self.assigned.get(worker)
        if held is None:
            return
        self.busy -= indexes & held
        held -= indexes
        if held:
            self.assigned[worker] = held
        else:
            del self.assigned[worker]
        runs = self.running.get(worker)
        if runs is not None:
            self.running[worker] = runs - indexes

    def _unassign_one(self, worker: WorkerKey, index: int) -> None:
        """The same for one index: failures come one by one, and may be very many."""
        held = self.assigned.get(worker)
        if held is None:
            return
        if index in held:
            self.busy.discard(index)
            held.discard(index)
        if not held:
            del self.assigned[worker]
        runs = self.running.get(worker)
        if runs is not None:
            runs.discard(index)

    def _drop_one(self, index: int) -> None:
        self.fresh.discard(index)
        self.ready.discard(index)
        self._waiting.discard(index)

    def _drop_pending(self, indexes: BitMap) -> None:
        self.fresh -= indexes
        self.ready -= indexes
        # Entries of the heap are skipped when they come up.
        self._waiting -= indexes

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
        for index in self._waiting & (new.ready | new._waiting):
            new.ready.discard(index)
            new._wait(index, self._due[index])
        for index in self.ready & new._waiting:
            new._waiting.discard(index)
            new.ready.add(index)
        return new

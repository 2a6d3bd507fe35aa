"""Where each index of a job stands, and how results move it.

Sets are compressed bitmaps, results are folded in as ranges, and failures in groups that are
judged alike, so that a batch of a thousand ends costs a few set operations. Every wanted
index is at any time in exactly one place: succeeded, failed, assigned to one worker, fresh,
ready for another attempt, or backing off. Only recorded facts move it to an outcome, and
the first outcome stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from distributedjob_api import reasons
from distributedjob_api.indexes import BitMap, from_ranges
from distributedjob_api.messages import Entry, Failure
from distributedjob_api.v1alpha1 import FailureSummary, Spec
from distributedjob_operator.core.alike import in_order, put_together
from distributedjob_operator.core.backing_off import BackingOff
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.in_hand import InHand
from distributedjob_operator.core.policy import at_most_once
from distributedjob_operator.core.policy.retry import (
    GiveUp,
    Judgement,
    after_failure,
    after_interruption,
)
from distributedjob_operator.core.recorded import Recorded
from distributedjob_operator.core.tried import NEVER

LONGEST_SECONDS = 100 * 365 * 86_400.0

RECENT_FAILURES = 5
TAIL_CHARACTERS = 256


@dataclass(slots=True)
class Books(InHand):
    """The indexes of one run of a job, and the results of their attempts."""

    wanted: BitMap
    recorded: Recorded
    fresh: BitMap = field(init=False)
    ready: BitMap = field(init=False)
    backing_off: BackingOff = field(init=False, default_factory=BackingOff)
    failed_on: dict[int, str] = field(init=False, default_factory=dict)
    suspects: BitMap = field(init=False, default_factory=BitMap)
    ends_job: reasons.Explained | None = field(init=False, default=None)
    seconds_per_task: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        recorded = self.recorded
        tried = recorded.tries.indexes
        self.ready = tried - recorded.succeeded - recorded.failed
        self.fresh = self.wanted - recorded.succeeded - recorded.failed - tried

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
        return self.backing_off.next()

    def due(self, index: int) -> float | None:
        """When an index that backs off becomes ready; None where it does not."""
        return self.backing_off.due(index)

    # -- results -------------------------------------------------------------------

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
        for failed in in_order(entry.failed, spec):
            self._fail(worker, node, failed, spec, now)
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
        self._conclude(new)

    def _fail(
        self, worker: WorkerKey, node: str, failed: Sequence[Failure], spec: Spec, now: float
    ) -> None:
        """Take in failures of distinct indexes."""
        recorded = self.recorded
        counted = BitMap()
        for one, indexes in put_together(failed, spec):
            new = (indexes & self.wanted) - recorded.succeeded - recorded.failed
            self._unassign(worker, indexes - new)
            for tries, part in recorded.tries.split(new):
                if one.ended < tries.ended:
                    # Older attempts, already recorded as over: heard twice, or late.
                    continue
                self._unassign(worker, part)
                # Whatever they are, they left their worker alive.
                self.suspects -= part
                counted |= part
                judgement = after_failure(spec, tries, one)
                recorded.failures += (judgement.tries.failures - tries.failures) * len(part)
                if not isinstance(judgement, GiveUp):
                    recorded.retries += len(part)
                self._settle(part, judgement, node, now)
        latest = (failure for failure in reversed(failed) if failure.index in counted)
        for failure in reversed(list(islice(latest, RECENT_FAILURES))):
            self._remember(
                FailureSummary(
                    index=failure.index,
                    attempt=failure.ended + 1,
                    node=node,
                    reason=failure.reason,
                    exit_code=failure.exit_code,
                    signal=failure.signal,
                    tail=failure.tail[-TAIL_CHARACTERS:],
                )
            )

    def _remember(self, summary: FailureSummary) -> None:
        kept = self.recorded.recent_failures
        kept.append(summary)
        del kept[:-RECENT_FAILURES]

    def _settle(self, indexes: BitMap, judgement: Judgement, node: str, now: float) -> None:
        """Apply a judgement to indexes that have just left their worker."""
        recorded = self.recorded
        if isinstance(judgement, GiveUp):
            self.ends_job = self.ends_job or judgement.job
            recorded.failed |= indexes
            self._conclude(indexes)
            return
        recorded.tries.put(indexes, judgement.tries)
        self.failed_on |= dict.fromkeys(indexes, node)
        # Where a second run of one is out, its end will tell.
        free = indexes - self.busy
        self._drop_pending(free)
        if judgement.delay > 0:
            self.backing_off.wait(free, now + judgement.delay)
        else:
            self.ready |= free

    def _conclude(self, indexes: BitMap) -> None:
        """Keep nothing of what has an outcome now."""
        self._drop_pending(indexes)
        tried = indexes & self.recorded.tries.indexes
        if tried:
            self.recorded.tries.drop(tried)
            for index in tried:
                self.failed_on.pop(index, None)

    def _drop_pending(self, indexes: BitMap) -> None:
        self.fresh -= indexes
        self.ready -= indexes
        self.backing_off.leave(indexes)

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
        """End started attempts that will report no end of their own."""
        recorded = self.recorded
        for index in started & self.wanted:
            one = BitMap([index])
            self._unassign(worker, one)
            if index in recorded.succeeded or index in recorded.failed:
                continue
            tries = recorded.tries.get(index, NEVER)
            judgement = after_interruption(spec, tries, index, blamed=index == blamed)
            recorded.interruptions += 1
            recorded.failures += judgement.tries.failures - tries.failures
            if isinstance(judgement, GiveUp):
                self._remember(
                    FailureSummary(
                        index=index, attempt=tries.ended + 1, node=node, reason=judgement.reason
                    )
                )
            self._settle(one, judgement, node, now)

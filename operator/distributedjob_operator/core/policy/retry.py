"""Whether and when a task that ended without success is tried again.

The limits are those of ``batch/v1`` Job's ``backoffLimitPerIndex`` (KEP-3850); the
delay doubles as in ``pkg/controller/job/backoff_utils.go``, without jitter, so that
it can be foretold from the spec.
"""

from dataclasses import dataclass
from typing import Final

from distributedjob_api import reasons, task_reasons
from distributedjob_api.messages import Failure
from distributedjob_api.v1alpha1 import FailureAction, RetryPolicy, Spec
from distributedjob_operator.core.policy import at_most_once
from distributedjob_operator.core.policy.failure_rules import Ruling, ruling

MOST_IGNORED: Final = 15
"""Doubled so often, a back-off is as long as any: four bits of the record will do."""


@dataclass(frozen=True, slots=True)
class Tries:
    """The counters of one index without outcome; see ``messages.Attempt``.

    ``ignored`` are failures that a rule of ``failurePolicy`` charged to no limit, up to a
    number from which on one more changes nothing.
    """

    ended: int = 0
    failures: int = 0
    interruptions: int = 0
    ignored: int = 0

    @property
    def failed(self) -> int:
        """Failures that lengthen the back-off, charged or not; no interruption does."""
        return self.failures + self.ignored


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Run the index again, not before ``delay`` seconds from now."""

    tries: Tries
    delay: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The index has failed for good; ``job`` is why the whole job does, if it does."""

    tries: Tries
    reason: str
    job: reasons.Explained | None = None


Judgement = RetryAt | GiveUp


def backoff_seconds(policy: RetryPolicy, failures: int) -> float:
    """The wait before the attempt that follows the ``failures``-th failure."""
    # The exponent is capped: beyond 64 doublings the maximum has long been reached.
    delay = policy.initial_seconds * float(policy.factor) ** min(failures - 1, 64)
    return min(delay, float(policy.max_seconds))


def kind_of(spec: Spec, reason: str, exit_code: int) -> tuple[int, bool]:
    """What :func:`after_failure` asks of an end: which rule it matches, and whether it is hopeless.

    With equal counters, ends of one kind are judged alike.
    """
    return ruling(spec.failure_policy, reason, exit_code).rule, reason in task_reasons.HOPELESS


def after_failure(spec: Spec, tries: Tries, failure: Failure) -> Judgement:
    """Judge a failure that counts.

    An ignored one is not charged to any limit and backs off like the others, so that
    it cannot be tried in a tight loop (protocol item 4). What was charged before it counts
    also where that is heard later: the leader that charged it may have died before it
    wrote that down.
    """
    ruled = ruling(spec.failure_policy, failure.reason, failure.exit_code)
    charged = 0 if ruled.action is FailureAction.IGNORE else 1
    ignored = min(MOST_IGNORED, tries.ignored + 1 - charged)
    # No attempt is charged twice, also where the two leaders judged one differently.
    free = failure.ended - tries.interruptions - tries.ignored
    before = max(tries.failures, min(failure.failures, free))
    tries = Tries(failure.ended + 1, before + charged, tries.interruptions, ignored)
    ended = _ended_by(ruled, tries, failure)
    if ended is not None:
        return ended
    if at_most_once.applies(spec) or (charged and failure.reason in task_reasons.HOPELESS):
        return GiveUp(tries, failure.reason)
    if tries.failures > spec.backoff_limit_per_index:
        return GiveUp(tries, failure.reason)
    return RetryAt(tries, backoff_seconds(spec.retry_policy, tries.failed))


def after_interruption(spec: Spec, tries: Tries, index: int, *, blamed: bool) -> Judgement:
    """Judge an attempt that was lost with its worker: no back-off, a limit of its own.

    Only one that is ``blamed`` for its worker's crash is charged to that limit
    (protocol item 13): what merely ran beside it, or was lost with a node or a
    connection, is not.
    """
    lost = Failure(index, tries.ended, task_reasons.INTERRUPTED, -1, 0, "")
    ruled = ruling(spec.failure_policy, lost.reason, lost.exit_code)
    # A rule that says Count charges it as a failure instead.
    failure = 1 if ruled.rule >= 0 and ruled.action is FailureAction.COUNT else 0
    charged = blamed and not failure and ruled.action is not FailureAction.IGNORE
    interruption = 1 if charged else 0
    tries = Tries(
        tries.ended + 1,
        tries.failures + failure,
        tries.interruptions + interruption,
        tries.ignored,
    )
    ended = _ended_by(ruled, tries, lost)
    if ended is not None:
        return ended
    if at_most_once.applies(spec):
        return GiveUp(tries, task_reasons.INTERRUPTED)
    if tries.interruptions > spec.interruption_limit:
        return GiveUp(tries, task_reasons.INTERRUPTION_LIMIT_EXCEEDED)
    if tries.failures > spec.backoff_limit_per_index:
        return GiveUp(tries, task_reasons.INTERRUPTED)
    return RetryAt(tries, 0.0)


def _ended_by(ruled: Ruling, tries: Tries, failure: Failure) -> GiveUp | None:
    """The end that a rule asks for: of the index, or of the job."""
    if ruled.action is FailureAction.FAIL_JOB:
        because = reasons.failure_policy(
            failure.index, failure.reason, failure.exit_code, ruled.rule
        )
        return GiveUp(tries, failure.reason, because)
    if ruled.action is FailureAction.FAIL_INDEX:
        return GiveUp(tries, failure.reason)
    return None

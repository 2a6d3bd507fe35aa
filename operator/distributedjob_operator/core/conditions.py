"""The conditions of a job: Job's, ours and kstatus' (protocol item 27), and of others."""

from collections.abc import Iterable, Sequence
from typing import Final

from distributedjob_api import reasons
from distributedjob_api.v1alpha1 import Condition, Phase
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.verdict import INTERIM

MAX_MESSAGE: Final = 1024

OF_AN_END: Final = frozenset(
    {*INTERIM.values(), Phase.COMPLETE.value, Phase.FAILED.value, Phase.CANCELLED.value}
)
"""What a job that runs again has no more."""

Wanted = tuple[str, bool, reasons.Explained]


def build(job: Job, progress: reasons.Explained, waits: bool, now: Instant) -> list[Condition]:
    """All conditions of a job.

    Args:
        job: the job, with the conditions that it had.
        progress: what goes on, or why nothing does.
        waits: whether something is yet to come of a job that is finished.
        now: for stamps of what has changed.
    """
    wanted: list[Wanted] = []
    verdict = job.verdict
    if verdict is not None and verdict.phase in INTERIM:
        wanted.append((INTERIM[verdict.phase], True, verdict.because))
    wanted += _suspension(job)
    if job.finished and verdict is not None:
        good, because = job.phase is Phase.COMPLETE, verdict.because
        refused = reasons.refusal(job.refusal) if job.refusal else None
        wanted.append((job.phase.value, True, because))
        wanted.append(("Finished", True, because))
        wanted.append(("Reconciling", waits, progress if waits else because))
        wanted.append(("Stalled", bool(refused) or not good, refused or because))
        wanted.append(("Ready", good, because))
    else:
        stalled = bool(job.problem)
        wanted.append(("Finished", False, progress))
        wanted.append(("Reconciling", not stalled, progress))
        wanted.append(("Stalled", stalled, progress))
        wanted.append(("Ready", False, progress))
    return list(_merge(job.conditions, wanted, job.generation, now))


def _suspension(job: Job) -> list[Wanted]:
    """Job's ``Suspended``: there once the job was suspended, and then for good."""
    if job.phase is Phase.SUSPENDED:
        return [("Suspended", True, reasons.suspended())]
    if any(condition.type == "Suspended" for condition in job.conditions):
        return [("Suspended", False, reasons.resumed())]
    return []


def _merge(
    before: Sequence[Condition], wanted: Iterable[Wanted], generation: int, now: Instant
) -> Iterable[Condition]:
    """``lastTransitionTime`` moves only when the status of a condition changes."""
    known = {condition.type: condition for condition in before}
    for kind, holds, (reason, message) in wanted:
        status = "True" if holds else "False"
        old = known.get(kind)
        since = old.last_transition_time if old and old.status == status else now.wall
        yield Condition(
            type=kind,
            status=status,
            reason=reason,
            message=message[:MAX_MESSAGE],
            last_transition_time=since,
            observed_generation=generation,
        )

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

OURS: Final = OF_AN_END | {"Suspended", "Finished", "Reconciling", "Stalled", "Ready"}

FOREIGN: Final = 16
"""Conditions of other writers that are kept, at most: the object must fit."""

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
    return [*_merge(job.conditions, wanted, job.generation, now), *foreign(job.conditions)]


def foreign(conditions: Iterable[Condition]) -> list[Condition]:
    """The conditions that other writers have put beside ours, as far as they are kept."""
    others = [one for one in conditions if one.type not in OURS][:FOREIGN]
    return [one.model_copy(update={"message": one.message[:MAX_MESSAGE]}) for one in others]


def take_foreign(ours: Iterable[Condition], read: Iterable[Condition]) -> list[Condition]:
    """Our conditions as we know them, and those of others as they were read."""
    return [*(one for one in ours if one.type in OURS), *foreign(read)]


def _suspension(job: Job) -> list[Wanted]:
    """Job's ``Suspended``: there once the job was suspended, and then for good.

    How the job ends does not touch it, and neither does a rerun that is not let on.
    """
    before = {one.type: one for one in job.conditions}.get("Suspended")
    if before is not None and (job.ending or (job.spec.suspend and before.status == "True")):
        return [(before.type, before.status == "True", (before.reason, before.message))]
    if job.phase is Phase.SUSPENDED:
        return [("Suspended", True, reasons.suspended())]
    if before is not None:
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

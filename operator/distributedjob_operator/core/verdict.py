"""How a job ends: decided once, recorded as a condition, final when nothing runs.

As for ``batch/v1`` Job (KEP-3998, KEP-4368): ``SuccessCriteriaMet`` or
``FailureTarget`` says how it will end while tasks are still being ended, ``Complete``
or ``Failed`` only when none runs; the two lines exclude each other and never switch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from distributedjob_api import reasons
from distributedjob_api.v1alpha1 import Condition, Phase

INTERIM: Final = {Phase.COMPLETE: "SuccessCriteriaMet", Phase.FAILED: "FailureTarget"}
"""The condition that announces an end."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The phase in which a job will end, and why."""

    phase: Phase
    because: reasons.Explained


def recall_refusal(conditions: Sequence[Condition]) -> str:
    """Why the last token of a rerun was refused, as a status records it."""
    for condition in conditions:
        if condition.type == "Stalled" and reasons.is_refusal(condition.reason, condition.message):
            return condition.message
    return ""


def recall(conditions: Sequence[Condition]) -> Verdict | None:
    """The verdict that a status records, if any."""
    for condition in conditions:
        for phase in (Phase.COMPLETE, Phase.FAILED, Phase.CANCELLED):
            if condition.type in (phase.value, INTERIM.get(phase)) and condition.status == "True":
                return Verdict(phase, (condition.reason, condition.message))
    return None

"""Kubernetes Events and lines of the log about a job: on its transitions, after they were written.

A handful in the life of a job, never one about a task; no Event at all for a job that
was over before it was ever seen to run (protocol item 24).
"""

from typing import Final

from distributedjob_api import reasons
from distributedjob_api.v1alpha1 import Phase
from distributedjob_operator.core.effects import Tell, TellPhase
from distributedjob_operator.core.job import TERMINAL, Job
from distributedjob_operator.core.leader import Leader

_NOTES: Final = {
    Phase.RUNNING: reasons.started(),
    Phase.SUSPENDED: reasons.stands_still(),
    Phase.CANCELLING: reasons.cancelling(),
}

MOST_TOLD: Final = 20
"""Events about a job under one leader, but for its ends: it may be suspended all day long."""


def announce(leader: Leader, job: Job) -> None:
    """Tell the phase that a write has just recorded, if it is news."""
    phase, before = job.phase_in_write, job.announced
    if phase is before or phase is None:
        return
    job.announced = phase
    why = job.verdict.because[0] if phase in TERMINAL and job.verdict is not None else job.waiting
    leader.effects.append(TellPhase(job.namespace, job.name, phase.value, why))
    if phase is Phase.PENDING or (phase in TERMINAL and before in (None, Phase.PENDING)):
        return
    job.told += 1
    if job.told > MOST_TOLD and phase not in TERMINAL:
        return
    if phase in TERMINAL and job.verdict is not None:
        reason, note = job.verdict.because
    elif phase is Phase.RUNNING and before is Phase.SUSPENDED:
        reason, note = reasons.goes_on()
    else:
        reason, note = _NOTES.get(phase, (phase.value, phase.value))
    leader.effects.append(
        Tell(job.uid, job.namespace, job.name, reason, note, warning=phase is Phase.FAILED)
    )

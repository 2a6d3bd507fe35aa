"""``rerun``: a new token runs tasks of a finished job again (protocol item 6).

What cannot be run is refused for good: the token is recorded like one that was
honoured, so that no later leader takes another view of it, and a condition says why.
"""

from typing import Final

from distributedjob_api import reasons
from distributedjob_api.control import FAILED
from distributedjob_api.indexes import BitMap, IndexTextError, format_indexes, parse_indexes
from distributedjob_operator.core.conditions import OF_AN_END
from distributedjob_operator.core.effects import Tell
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.recorded import Recorded

SHOWN_CHARACTERS: Final = 100


class Refused(ValueError):
    """A choice that names what the job does not have; the message says what."""


def asked_for(job: Job) -> bool:
    """Whether a token asks for another run of a finished job."""
    rerun = job.spec.rerun
    return (
        job.finished
        and rerun is not None
        and rerun.token != job.rerun_token
        and not job.spec.cancel
    )


def begin(leader: Leader, job: Job) -> None:
    """Begin another run; nothing of it is handed out before a write has recorded it."""
    rerun = job.spec.rerun
    if rerun is None:
        return
    try:
        chosen = _choice(job, rerun.indexes)
    except Refused as error:
        _refuse(leader, job, rerun.token, str(error))
        return
    recorded = job.ledger.recorded
    again = recorded.failed if chosen is None else chosen
    fresh = Recorded(succeeded=recorded.succeeded - again, failed=recorded.failed - again)
    job.start_over(rerun.token, chosen, fresh)
    job.conditions = [one for one in job.conditions if one.type not in OF_AN_END]
    leader.begin_anew(job.uid)
    job.touch(urgent=True)


def _choice(job: Job, text: str) -> BitMap | None:
    """The indexes that are named; None for all without success."""
    if text == FAILED:
        return None
    try:
        chosen = parse_indexes(text, below=max(job.tasks, 1))
    except IndexTextError as error:
        raise Refused(str(error)) from error
    outside, _ = format_indexes(chosen - job.wanted, SHOWN_CHARACTERS)
    if outside:
        raise Refused(f"the job has no task {outside}, which spec.indexes leaves out")
    return chosen


def _refuse(leader: Leader, job: Job, token: str, problem: str) -> None:
    """The job stays as it is."""
    reason, job.refusal = reasons.rerun_refused(problem)
    job.rerun_token = token
    job.touch(urgent=True)
    leader.effects.append(Tell(job.uid, job.namespace, job.name, reason, job.refusal, warning=True))

"""What a checkpoint says of a job's indexes, and how it is read back."""

from dataclasses import dataclass, field

from distributedjob_api import constants
from distributedjob_api.indexes import CUT_MARK, BitMap, IndexTextError, decode, parse_indexes
from distributedjob_api.v1alpha1 import FailureSummary, Status
from distributedjob_operator.core.tried import Tried


class StatusError(ValueError):
    """A status that cannot be read back: nothing may be run upon it."""


@dataclass(slots=True)
class Recorded:
    """What a checkpoint says: all that a crash of the leader must not forget."""

    succeeded: BitMap = field(default_factory=BitMap)
    failed: BitMap = field(default_factory=BitMap)
    tries: Tried = field(default_factory=Tried)
    failures: int = 0
    retries: int = 0
    interruptions: int = 0
    recent_failures: list[FailureSummary] = field(default_factory=list)
    dispatched_below: int = 0

    @property
    def any_outcome(self) -> bool:
        """Whether any index has succeeded or failed."""
        return bool(self.succeeded or self.failed)


def chosen_by_rerun(status: Status) -> BitMap | None:
    """The indexes that the last rerun named; None where it was all without success."""
    try:
        return decode(status.rerun_indexes) if status.rerun_indexes else None
    except IndexTextError as error:
        raise StatusError(f"the indexes of the rerun cannot be read: {error}") from error


def recorded(status: Status) -> Recorded:
    """What a status says of the indexes; raises :class:`StatusError`."""
    exact = status.exact
    tasks = constants.MAX_COMPLETIONS
    try:
        return Recorded(
            succeeded=_read(status.completed_indexes, exact.completed if exact else "", tasks),
            failed=_read(status.failed_indexes, exact.failed if exact else "", tasks),
            tries=Tried.recorded(status.counters) if status.counters else Tried(),
            failures=status.failures,
            retries=status.retries,
            interruptions=status.interruptions,
            recent_failures=list(status.recent_failures),
            dispatched_below=status.dispatched_below,
        )
    except IndexTextError as error:
        raise StatusError(f"the recorded indexes cannot be read: {error}") from error


def _read(text: str, exact: str, tasks: int) -> BitMap:
    if exact:
        return decode(exact)
    if text.endswith(CUT_MARK):
        raise IndexTextError("the text is cut and the exact set beside it is missing")
    return parse_indexes(text, below=tasks)

"""What a checkpoint says of a job's indexes."""

from dataclasses import dataclass, field

from distributedjob_api.indexes import BitMap
from distributedjob_api.v1alpha1 import FailureSummary
from distributedjob_operator.core.policy.retry import Tries


@dataclass(slots=True)
class Recorded:
    """What a checkpoint says: all that a crash of the leader must not forget."""

    succeeded: BitMap = field(default_factory=BitMap)
    failed: BitMap = field(default_factory=BitMap)
    tries: dict[int, Tries] = field(default_factory=dict)
    failures: int = 0
    retries: int = 0
    interruptions: int = 0
    recent_failures: list[FailureSummary] = field(default_factory=list)
    dispatched_below: int = 0

    @property
    def any_outcome(self) -> bool:
        """Whether any index has succeeded or failed."""
        return bool(self.succeeded or self.failed)

"""``backoffLimit`` and ``maxFailedIndexes``: when failures end the whole job."""

from distributedjob_api import reasons
from distributedjob_api.v1alpha1 import Spec


def exceeded(spec: Spec, failures: int, failed_indexes: int) -> reasons.Explained | None:
    """The limit that the job has exceeded, if any, with Job's reason.

    Args:
        spec: the limits; each may be unset.
        failures: attempts charged in all.
        failed_indexes: indexes that failed for good.
    """
    limit = spec.max_failed_indexes
    if limit is not None and failed_indexes > limit:
        return reasons.max_failed_indexes_exceeded(failed_indexes, limit)
    limit = spec.backoff_limit
    if limit is not None and failures > limit:
        return reasons.backoff_limit_exceeded(failures, limit)
    return None

"""``backoffLimit`` and ``maxFailedIndexes``: when failures end the whole job."""

from distributedjob_api import reasons
from distributedjob_api.v1alpha1 import Spec


def attempts_exceeded(spec: Spec, failures: int) -> reasons.Explained | None:
    """Whether more attempts were charged in all than ``backoffLimit`` allows."""
    limit = spec.backoff_limit
    if limit is None or failures <= limit:
        return None
    return reasons.backoff_limit_exceeded(failures, limit)


def indexes_exceeded(spec: Spec, failed: int) -> reasons.Explained | None:
    """Whether more indexes failed for good than ``maxFailedIndexes`` allows."""
    limit = spec.max_failed_indexes
    if limit is None or failed <= limit:
        return None
    return reasons.max_failed_indexes_exceeded(failed, limit)

"""Whether a worker's statement says anything new of a job.

Most of what reports state has not changed since the one before. To find that out takes a
few look-ups, to make the ledger agree takes a dozen sets.
"""

from collections.abc import Sequence
from typing import Final

from distributedjob_api.indexes import BitMap
from distributedjob_api.messages import Range
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.ledger import Ledger

NOTHING: Final = BitMap()


def agrees(
    ledger: Ledger, worker: WorkerKey, queued: Sequence[Range], running: Sequence[Range]
) -> bool:
    """Whether a worker holds and runs what is known of it, and none of that has an outcome.

    Args:
        ledger: the job's.
        worker: who speaks.
        queued: what waits there.
        running: what runs there. Ranges that do not ascend, or of which a part stands in
            both lists, never agree.
    """
    held = ledger.assigned.get(worker, NOTHING)
    runs = ledger.running.get(worker, NOTHING)
    started, last = 0, -1
    for first, end in running:
        if not last < first <= end or not runs.contains_range(first, end + 1):
            return False
        if not held.contains_range(first, end + 1):
            return False
        started, last = started + end - first + 1, end
    if started != len(runs):
        return False
    count, last = started, -1
    for first, end in queued:
        if not last < first <= end or not held.contains_range(first, end + 1):
            return False
        if runs.range_cardinality(first, end + 1):
            return False
        count, last = count + end - first + 1, end
    if count != len(held):
        return False
    recorded = ledger.recorded
    return not (held.intersect(recorded.succeeded) or held.intersect(recorded.failed))

"""What is counted for the metrics: once for each batch of results."""

from collections import Counter
from collections.abc import Iterable

from distributedjob_api.messages import length
from distributedjob_api.task_reasons import STOPPED
from distributedjob_worker.core.effects import Store

SUCCEEDED = "Succeeded"


class Tally:
    """Attempts since the agent started.

    Namespaces come and go, and there is no telling when one is gone: those of the
    counts are bounded by forgetting what no task ended in for longest.
    """

    MOST_NAMESPACES = 256

    def __init__(self) -> None:
        self._attempts: dict[str, Counter[str]] = {}

    @property
    def attempts(self) -> dict[tuple[str, str], int]:
        """How many ended, by namespace and reason."""
        return {
            (namespace, reason): count
            for namespace, counts in self._attempts.items()
            for reason, count in counts.items()
        }

    def stored(self, stores: Iterable[Store]) -> None:
        """Results got their numbers."""
        for store in stores:
            counts = self._attempts.pop(store.namespace, None) or Counter({SUCCEEDED: 0})
            self._attempts[store.namespace] = counts
            for entry in store.entries:
                counts[SUCCEEDED] += entry.count - len(entry.failed)
                counts.update(failure.reason for failure in entry.failed)
                if entry.stopped:
                    counts[STOPPED] += length(entry.stopped)
        while len(self._attempts) > self.MOST_NAMESPACES:
            del self._attempts[next(iter(self._attempts))]

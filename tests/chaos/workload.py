"""What the tasks of a trial do, and what must therefore become of each of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from distributedjob_api.indexes import BitMap

SCRIPT: Final = Path(__file__).with_name("workload.sh")
BACKOFF_LIMIT: Final = 1


def digest(index: int) -> str:
    """What the task of an index prints."""
    return str(index * 2654435761 % 4294967296)


@dataclass(frozen=True, slots=True)
class Workload:
    """So many tasks, each of so many seconds; see ``workload.sh`` for who fails."""

    tasks: int
    seconds: float = 0.05
    flaky: int = 0
    doomed: int = 0

    def spec(self, ledger: Path) -> dict[str, Any]:
        """The spec of a job that does this."""
        numbers = [f"{self.seconds:g}", str(self.flaky), str(self.doomed)]
        return {
            "completions": self.tasks,
            "backoffLimitPerIndex": BACKOFF_LIMIT,
            "retryPolicy": {"initialSeconds": 1, "maxSeconds": 1},
            "template": {
                "command": ["sh", str(SCRIPT), str(ledger), *numbers],
                "terminationGracePeriodSeconds": 2,
            },
        }

    @property
    def failed(self) -> BitMap:
        """The indexes that must end as failed."""
        return BitMap(range(2, self.tasks, self.doomed)) if self.doomed else BitMap()

    @property
    def succeeded(self) -> BitMap:
        """The indexes that must end as succeeded."""
        return BitMap(range(self.tasks)) - self.failed

"""The runs as their own processes told them: the one witness outside the system."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BEGUN: Final = re.compile(r"S (\w+) (\d+) (\d+) (\S+) (\d+) ([0-9.]+)")
_ENDED: Final = re.compile(r"E (\w+) (\d+) (\d+) (\S+) (\d+) ([0-9.]+) (\d+)")


@dataclass(slots=True)
class Run:
    """One process that did a task; ``end`` is missing where it was ended from outside."""

    job: str
    index: int
    attempt: int
    node: str
    pid: int
    start: float
    end: float | None = None
    code: int | None = None

    @property
    def whole(self) -> bool:
        """Whether it came to its own end."""
        return self.end is not None


class Ledger:
    """A file that tasks append to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def read(self) -> list[Run]:
        """Every run, in the order of beginning.

        Raises:
            ValueError: a line is no line of a task; appending is atomic, so none is torn.
        """
        runs: list[Run] = []
        open_runs: dict[tuple[str, ...], Run] = {}
        with self.path.open(encoding="utf-8") as lines:
            for line in lines:
                if begun := _BEGUN.fullmatch(line.rstrip()):
                    job, index, attempt, node, pid, now = begun.groups()
                    run = Run(job, int(index), int(attempt), node, int(pid), float(now))
                    open_runs[begun.groups()[:5]] = run
                    runs.append(run)
                elif ended := _ENDED.fullmatch(line.rstrip()):
                    run = open_runs.pop(ended.groups()[:5])
                    run.end, run.code = float(ended[6]), int(ended[7])
                else:
                    raise ValueError(f"{self.path}: {line!r}")
        return runs

    @property
    def size(self) -> int:
        """Bytes so far: it grows while tasks run."""
        return self.path.stat().st_size


def by_index(runs: Iterable[Run]) -> dict[tuple[str, int], list[Run]]:
    """The runs of each index of each job."""
    found: dict[tuple[str, int], list[Run]] = {}
    for run in runs:
        found.setdefault((run.job, run.index), []).append(run)
    return found

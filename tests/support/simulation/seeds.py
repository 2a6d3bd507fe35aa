"""Many histories, on all cores, and what they have in common."""

import multiprocessing
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.support.simulation.scenario import from_seed
from tests.support.simulation.simulate import Verdict, simulate

CHUNK: Final = 25


@dataclass(slots=True)
class Summary:
    """What a range of seeds amounts to."""

    seeds: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    tasks: int = 0
    runs: int = 0
    repeats: int = 0
    slowest: float = 0.0
    broken: dict[int, str] = field(default_factory=dict)

    def add(self, seed: int, verdict: Verdict) -> None:
        """Count one history."""
        self.seeds += 1
        self.faults += verdict.faults
        self.tasks += verdict.tasks
        self.runs += verdict.runs
        self.repeats += verdict.repeats
        self.slowest = max(self.slowest, verdict.recovery)
        if verdict.violations:
            self.broken[seed] = verdict.violations[0]

    def merge(self, other: "Summary") -> None:
        """Count the histories of another summary."""
        self.seeds += other.seeds
        self.faults += other.faults
        self.tasks += other.tasks
        self.runs += other.runs
        self.repeats += other.repeats
        self.slowest = max(self.slowest, other.slowest)
        self.broken |= other.broken

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.faults.most_common())
        return (
            f"seeds {self.seeds}, faults {self.faults.total()} ({kinds}), tasks {self.tasks},"
            f" runs {self.runs}, repeats that a lost worker explains {self.repeats},"
            f" slowest recovery {self.slowest:.1f} s, violations {len(self.broken)}"
        )


def run_seeds(seeds: range) -> Summary:
    """The histories of these seeds, on as many processes as there are cores."""
    chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    total = Summary()
    for part in _parts(chunks):
        total.merge(part)
    return total


def _parts(chunks: list[range]) -> Iterator[Summary]:
    processes = min(os.cpu_count() or 1, len(chunks))
    if processes == 1:
        yield from map(_run_chunk, chunks)
        return
    # Nothing is inherited: a history depends on its seed and on nothing else.
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(_run_chunk, chunks)


def _run_chunk(seeds: range) -> Summary:
    summary = Summary()
    for seed in seeds:
        summary.add(seed, simulate(from_seed(seed)))
    return summary

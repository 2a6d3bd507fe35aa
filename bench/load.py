"""Jobs to simulate: how many tasks each has, whose they are and how long each task takes."""

import heapq
import itertools
import random
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from distributedjob_api.v1alpha1 import DistributedJob, parse

MOST_IN_A_JOB: Final = 1_000_000


@dataclass(frozen=True)
class Load:
    """Jobs to run: per job its namespace, and how long each of its tasks takes."""

    namespaces: Sequence[str]
    seconds: "Sequence[array[float]]"

    @property
    def work(self) -> float:
        """Slot-seconds in all."""
        return sum(map(sum, self.seconds))

    @property
    def longest(self) -> float:
        """Seconds of the longest task."""
        return max(map(max, self.seconds))

    @property
    def shortest(self) -> float:
        """Seconds of the shortest task."""
        return min(map(min, self.seconds))

    def seconds_of(self, uid: str, index: int) -> float:
        """How long a task takes."""
        return self.seconds[int(uid)][index]

    def objects(self) -> list[DistributedJob]:
        """The jobs as the API server hands them out."""
        return [
            parse(body(number, namespace, len(seconds)))
            for number, (namespace, seconds) in enumerate(
                zip(self.namespaces, self.seconds, strict=True)
            )
        ]


def mixed(
    tasks: int, jobs: int, namespaces: int, shortest: float, longest: float, seed: int
) -> Load:
    """Jobs of equal size; lengths are log-uniform, in an order that nobody knows."""
    draw = random.Random(seed)
    jobs = max(jobs, -(-tasks // MOST_IN_A_JOB))
    sizes = [tasks // jobs + (number < tasks % jobs) for number in range(jobs)]
    ratio = longest / shortest
    return Load(
        [f"team-{number % namespaces}" for number in range(jobs)],
        [array("d", (shortest * ratio ** draw.random() for _ in range(size))) for size in sizes],
    )


def ideal(load: Load, slots: int) -> float:
    """The makespan of a scheduler that knows no lengths and whose messages take no time.

    List scheduling (Graham 1969): a slot that falls free takes the next task, jobs in turn.
    """
    free = [0.0] * slots
    for column in itertools.zip_longest(*load.seconds):
        for seconds in column:
            if seconds is not None:
                heapq.heapreplace(free, free[0] + seconds)
    return max(free)


def body(number: int, namespace: str, tasks: int) -> dict[str, Any]:
    """A job as the API server hands it out; its uid is its number."""
    return {
        "apiVersion": "distributedjob.dev/v1alpha1",
        "kind": "DistributedJob",
        "metadata": {
            "name": f"job-{number}",
            "namespace": namespace,
            "uid": str(number),
            "resourceVersion": "1",
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {
            "completions": tasks,
            "template": {"command": ["true"], "resources": {"requests": {"cpu": "1"}}},
        },
    }

"""A large cluster in virtual time: planning cost, utilisation, fairness and makespan.

Run ``python -m bench.simulate`` for 5,000 nodes of 64 CPUs and 10,000,000 tasks, or a smaller
one with ``--nodes --cpus --tasks``. Writes ``build/simulate.json``.
"""

import argparse
import gc
import heapq
import itertools
import json
import random
import statistics
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.cluster import Cluster, Pace
from distributedjob_api.v1alpha1 import DistributedJob, parse

PACE: Final = Pace()
MOST_IN_A_JOB: Final = 1_000_000
SETTLED_SECONDS: Final = 2.0
"""Of the beginning: hellos, and the first round of each worker."""


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


class Shares:
    """How evenly the namespaces share while all of them have work that waits."""

    def __init__(self, load: Load) -> None:
        self.names = sorted(set(load.namespaces))
        self.slot_seconds = dict.fromkeys(self.names, 0.0)

    def note(self, cluster: Cluster) -> None:
        """Add what passed since the last change, where everybody could have used more."""
        measured = cluster.measured
        passed = cluster.now - measured.since
        if passed <= 0 or cluster.now < SETTLED_SECONDS or self._over(cluster):
            return
        for name in self.names:
            self.slot_seconds[name] += measured.by_namespace[name] * passed

    def _over(self, cluster: Cluster) -> bool:
        supply = dict.fromkeys(self.names, 0)
        for job in cluster.leader.jobs.values():
            supply[job.namespace] += job.ledger.plannable
        return not all(supply.values())

    @property
    def error(self) -> float:
        """The largest deviation from an equal part, as a share of it."""
        total = sum(self.slot_seconds.values())
        if not total:
            return 0.0
        part = total / len(self.names)
        return max(abs(one - part) / part for one in self.slot_seconds.values())


def simulate(nodes: int, cpus: int, load: Load, pace: Pace = PACE) -> dict[str, Any]:
    """Run a load to its end and say how it went."""
    shares = Shares(load)
    cluster = Cluster(nodes, cpus, load.seconds_of, pace)
    cluster.on_event = Sampled(shares.note)
    cluster.run(lambda: len(cluster.leader.fleet.workers) == nodes)
    began = cluster.now
    for resource in load.objects():
        cluster.submit(resource)
    gc.collect()
    gc.disable()  # What the cluster holds in one process here, 5,000 hold there.
    cluster.run(lambda: cluster.finished)
    gc.enable()
    measured, slots = cluster.measured, nodes * cpus
    bound = max(load.work / slots, load.longest)
    makespan = measured.last_end - began
    rounds = sorted(measured.rounds_ms)
    busy_until = max(measured.last_start - 1.0, began)
    return {
        "nodes": nodes,
        "slots": slots,
        "tasks": measured.ended,
        "jobs": len(load.seconds),
        "namespaces": len(shares.names),
        "planning_ms": {
            "median": statistics.median(rounds),
            "p99": rounds[int(len(rounds) * 0.99)],
            "max": rounds[-1],
        },
        "rounds": len(rounds),
        "report_us": measured.reports_cpu / max(1, measured.reports) * 1e6,
        "reports": measured.reports,
        "leader_cpu_seconds": measured.rounds_cpu + measured.reports_cpu,
        "leader_modelled_seconds": measured.busy_modelled,
        "status_writes": measured.writes,
        "utilisation": measured.slot_seconds_at_last_start
        / (slots * max(1e-9, measured.last_start - began)),
        "work_waits_seconds": busy_until - began,
        "fairness_error": shares.error,
        "makespan_seconds": makespan,
        "makespan_over_lower_bound": makespan / bound,
        "makespan_over_ideal": makespan / ideal(load, slots),
    }


class Sampled:
    """Calls a note on every hundredth event: the shares change slowly."""

    def __init__(self, note: Any, every: int = 100) -> None:
        self._note, self._every, self._left = note, every, 0

    def __call__(self, cluster: Cluster) -> None:
        """Note every hundredth time."""
        self._left -= 1
        if self._left < 0:
            self._left = self._every
            self._note(cluster)


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


def main() -> None:
    """Simulate what the options say and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--cpus", type=int, default=64)
    parser.add_argument("--tasks", type=int, default=10_000_000)
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--namespaces", type=int, default=5)
    parser.add_argument("--shortest", type=float, default=1.0, help="seconds")
    parser.add_argument("--longest", type=float, default=60.0, help="seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("build/simulate.json"))
    options = parser.parse_args()
    load = mixed(
        options.tasks,
        options.jobs,
        options.namespaces,
        options.shortest,
        options.longest,
        options.seed,
    )
    result = simulate(options.nodes, options.cpus, load)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

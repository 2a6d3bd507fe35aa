"""A large cluster in virtual time: planning cost, utilisation, fairness and makespan.

Run ``python -m bench.simulate`` for 5,000 nodes of 64 CPUs and 10,000,000 tasks, or a smaller
one with ``--nodes --cpus --tasks``. Writes ``build/simulate.json``.
"""

import argparse
import gc
import json
import statistics
import time
from pathlib import Path
from typing import Any, Final

from bench.cluster import Cluster, Measured, Pace
from bench.load import Load, ideal, mixed

PACE: Final = Pace()
SETTLED_SECONDS: Final = 2.0
"""Of the beginning: hellos, and the first round of each worker."""


def fairness_error(measured: Measured, names: set[str]) -> float:
    """The largest deviation from an equal part of the slots, as a share of it.

    Looked at is the time in which every namespace has work that waits.
    """
    used = [
        measured.spans[name].busy_until(measured.contended_until)
        - measured.spans[name].busy_until(SETTLED_SECONDS)
        for name in names
    ]
    part = sum(used) / len(used)
    return max(abs(one - part) / part for one in used) if part > 0 else 0.0


def simulate(nodes: int, cpus: int, load: Load, pace: Pace = PACE) -> dict[str, Any]:
    """Run a load to its end and say how it went."""
    began_cpu = time.process_time()
    cluster = Cluster(nodes, cpus, load, pace)
    cluster.run(lambda: len(cluster.leader.fleet.workers) == nodes)
    began = cluster.now
    for resource in load.objects():
        cluster.submit(resource)
    gc.collect()
    gc.disable()  # What the cluster holds in one process here, 5,000 hold there.
    cluster.run(lambda: cluster.finished)
    gc.enable()
    cpu = time.process_time() - began_cpu
    measured, slots = cluster.measured, nodes * cpus
    tasks = measured.started
    last_start = max(max(spans.starts) for spans in measured.spans.values())
    # While work waits, so much of the time without its last second.
    waits = max(last_start - 1.0 - began, 0.0)
    makespan = max(max(spans.ends) for spans in measured.spans.values()) - began
    bound = max(load.work / slots, load.longest)
    rounds = sorted(measured.rounds_ms)
    names = set(load.namespaces)
    return {
        "nodes": nodes,
        "slots": slots,
        "tasks": tasks,
        "jobs": len(load.seconds),
        "namespaces": len(names),
        "planning_ms": {
            "median": statistics.median(rounds),
            "p99": rounds[int(len(rounds) * 0.99)],
            "max": rounds[-1],
        },
        "rounds": len(rounds),
        "report_us": measured.reports_cpu / max(1, measured.reports) * 1e6,
        "reports": measured.reports,
        "leader_cpu_seconds": measured.leader_cpu,
        "leader_us_per_task": measured.leader_cpu / tasks * 1e6,
        "leader_us_per_round": measured.rounds_cpu / len(rounds) * 1e6,
        "leader_modelled_seconds": measured.busy_modelled,
        "simulation_cpu_seconds": cpu - measured.leader_cpu,
        "status_writes": measured.writes,
        "utilisation": measured.busy_until(began + waits) / (slots * waits) if waits else 0.0,
        "utilisation_to_last_start": measured.busy_until(last_start)
        / (slots * max(1e-9, last_start - began)),
        "work_waits_seconds": waits,
        "fairness_error": fairness_error(measured, names),
        "makespan_seconds": makespan,
        "makespan_over_lower_bound": makespan / bound,
        "makespan_over_ideal": makespan / ideal(load, slots),
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

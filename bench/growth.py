"""What a task costs as jobs grow: time, memory, object size and API writes over N."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from bench import jobs, usage
from bench.api import opened
from bench.embedded import Door
from bench.spread import spread
from distributedjob_local.cluster import Cluster

SAMPLE_SECONDS: Final = 2.0
SLOWEST_RATE: Final = 200.0
"""Tasks a second below which a job is given up."""

Memory = list[tuple[float, dict[str, float]]]


@contextmanager
def _sampled(cluster: Cluster) -> Iterator[Memory]:
    """Resident memory by kind of process, over time."""
    samples: Memory = []
    began, stop = time.monotonic(), threading.Event()

    def sample() -> None:
        while True:
            now = time.monotonic() - began
            samples.append(
                (round(now, 1), {k: round(v, 1) for k, v in usage.memory(cluster).items()})
            )
            if stop.wait(SAMPLE_SECONDS):
                return

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        stop.set()
        thread.join()


async def _status_writes(cluster: Cluster) -> int:
    async with opened(Door.of(cluster)) as api:
        writes = await api.writes()
    return writes["distributedjobs", "status", "PUT"]


def one(cluster: Cluster, tasks: int, rounds: int) -> dict[str, Any]:
    """A job of so many ``/bin/true``, run so many times."""
    runs: list[jobs.Run] = []
    writes = asyncio.run(_status_writes(cluster))
    used = usage.cpu(cluster)
    with _sampled(cluster) as samples:
        for number in range(rounds):
            patience = 60 + int(tasks / SLOWEST_RATE)
            runs.append(jobs.run(cluster, f"n{tasks}-{number}", tasks, patience=patience))
    spent = usage.cpu(cluster) - used
    writes = asyncio.run(_status_writes(cluster)) - writes
    done = tasks * rounds
    last = runs[-1]
    return {
        "tasks": tasks,
        "cost_us_per_task": round(spread([run.cost_us for run in runs]).median, 1),
        "seconds": [round(run.seconds, 3) for run in runs],
        "tasks_per_second": round(spread([tasks / run.seconds for run in runs]).median, 1),
        "tenths": [round(rate, 1) for rate in last.tenths()],
        "object_bytes": max(run.object_bytes for run in runs),
        "status_writes_a_job": round(writes / rounds, 1),
        "cpu_us_a_task": {k: round(v / done * 1e6, 1) for k, v in spent.processes.items()},
        "resident_mib_before": samples[0][1],
        "resident_mib_most": {
            kind: max(sample[kind] for _, sample in samples) for kind in samples[0][1]
        },
        "resident_mib_over_time": samples,
    }


def measure(cluster: Cluster, sizes: dict[int, int]) -> dict[str, dict[str, Any]]:
    """For each number of tasks, so many rounds; keys are ``10k``, ``100k``, ``1m``."""
    return {short(tasks): one(cluster, tasks, rounds) for tasks, rounds in sizes.items()}


def short(tasks: int) -> str:
    """A number of tasks as the figures name it."""
    if tasks % 1_000_000 == 0:
        return f"{tasks // 1_000_000}m"
    return f"{tasks // 1000}k" if tasks % 1000 == 0 else str(tasks)

"""How long stopping takes: cancel to last process gone, suspend to drained."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any, Final

from bench import usage
from bench.api import Api, Event, opened, watching
from bench.embedded import Door, manifest
from bench.spread import percentile
from distributedjob_local.cluster import Cluster

TASKS: Final = 1000
LONG: Final = ["sleep", "1000"]
SHORT_SECONDS: Final = 0.1
SHORT: Final = ["sleep", str(SHORT_SECONDS)]
PATIENCE_SECONDS: Final = 30.0


class _Phases:
    """When a watch showed which phase of which job, and how many of it ran."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], float] = {}
        self.news = asyncio.Event()

    def on_event(self, moment: float, event: Event) -> None:
        """A watch event."""
        body = event["object"]
        phase = body.get("status", {}).get("phase", "")
        self.seen.setdefault((body["metadata"]["name"], phase), moment)
        self.news.set()

    async def reached(self, name: str, phase: str) -> float:
        """Unix time at which a job reached a phase."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (name, phase) not in self.seen:
                self.news.clear()
                await self.news.wait()
        return self.seen[name, phase]


def _children(cluster: Cluster) -> list[int]:
    """The processes that the workers run."""
    return [
        int(child)
        for worker in usage.pids(cluster)["worker"]
        for listed in Path(f"/proc/{worker}/task").glob("*/children")
        for child in listed.read_text("ascii").split()
    ]


async def _gone(pids: list[int]) -> float:
    """Unix time at which the last of them ended."""
    loop = asyncio.get_running_loop()
    last = 0.0
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        ended = asyncio.Event()
        loop.add_reader(descriptor, ended.set)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await ended.wait()
            last = time.time()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
    return last


async def _cancel(api: Api, phases: _Phases, cluster: Cluster, name: str) -> tuple[float, float]:
    await api.create(manifest(name, TASKS, LONG))
    await phases.reached(name, "Running")
    while len(running := _children(cluster)) < 2:
        await asyncio.sleep(0.01)
    waiting = asyncio.create_task(_gone(running))
    began = time.time()
    await api.patch(name, {"cancel": True})
    gone = await waiting
    return gone - began, await phases.reached(name, "Cancelled") - began


async def _drain(api: Api, phases: _Phases, name: str) -> float:
    await api.create(manifest(name, TASKS, SHORT, suspendMode="Drain"))
    await phases.reached(name, "Running")
    await asyncio.sleep(1.0)  # Until a second of work waits at the workers.
    began = time.time()
    await api.patch(name, {"suspend": True})
    took = await phases.reached(name, "Suspended") - began
    await api.patch(name, {"cancel": True})
    await phases.reached(name, "Cancelled")
    return took


async def _both(cluster: Cluster, rounds: int) -> dict[str, list[float]]:
    phases = _Phases()
    found: dict[str, list[float]] = {"processes_gone": [], "cancelled": [], "drained": []}
    async with opened(Door.of(cluster)) as api, watching(cluster, api, phases.on_event):
        for number in range(rounds):
            gone, said = await _cancel(api, phases, cluster, f"cancel-{number}")
            found["processes_gone"].append(gone)
            found["cancelled"].append(said)
            found["drained"].append(await _drain(api, phases, f"drain-{number}"))
        await api.delete_all()
    return found


def measure(cluster: Cluster, rounds: int) -> dict[str, Any]:
    """In ms: from the request until the last process is gone, and until the status says so.

    Draining includes the rest of a task of 100 ms.
    """
    found = asyncio.run(_both(cluster, rounds))
    return {
        what: {f"p{share}": round(percentile(each, share / 100) * 1e3, 1) for share in (50, 99)}
        for what, each in found.items()
    }

"""What a watch event costs between the API server's line and our handler, in kopf.

Run ``python -m bench.events``; ``--profile`` shows where the time goes, ``--plain`` leaves
kopf its own ways to keep what it saw. Events of running jobs go through kopf's processing as
its workers call it, one after the other: without the network, the JSON and its queues. Time
is the process's CPU time.
"""

import argparse
import asyncio
import cProfile
import gc
import pstats
import time
from typing import Any, Final

import kopf
from kopf._cogs.structs.ephemera import AnyMemo
from kopf._cogs.structs.references import Resource
from kopf._core.actions import lifecycles
from kopf._core.engines.indexing import OperatorIndexers
from kopf._core.reactor import inventory, processing

from bench.leader import Bench
from distributedjob_api import constants
from distributedjob_operator.core import status
from distributedjob_operator.watch import Watch, quiet_settings

RESOURCE: Final = Resource(constants.GROUP, constants.VERSION, constants.PLURAL)
JOBS: Final = 1000


def event(number: int) -> dict[str, Any]:
    """A job that runs, as a watch tells of it after a status write."""
    bench = Bench(workers=1, slots=1, ends=lambda _, __: 0)
    bench.submit(100)
    bench.conclude()
    (job,) = bench.leader.jobs.values()
    return {
        "type": "MODIFIED",
        "object": {
            "apiVersion": f"{constants.GROUP}/{constants.VERSION}",
            "kind": "DistributedJob",
            "metadata": {
                "name": f"job-{number}",
                "namespace": "default",
                "uid": f"uid-{number}",
                "resourceVersion": str(number),
                "generation": 1,
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}" * 200},
            },
            "spec": job.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
            "status": status.build(
                job,
                waiting=None,
                installation="bench/bench",
                leader="bench",
                epoch=1,
                now=bench.instant(),
            ),
        },
    }


async def cost_us(events: int, settings: kopf.OperatorSettings, profile: bool) -> float:
    """Microseconds an event."""
    seen = 0

    def count(_: object, __: object) -> None:
        nonlocal seen
        seen += 1

    registry = Watch([], count, count).registry()
    memories, indexers = inventory.ResourceMemories(), OperatorIndexers()
    queue: asyncio.Queue[Any] = asyncio.Queue()
    stream: list[Any] = [event(number) for number in range(JOBS)]
    profiler = cProfile.Profile()
    gc.collect()
    began = time.process_time()
    if profile:
        profiler.enable()
    for number in range(events):
        await processing.process_resource_event(
            lifecycle=lifecycles.all_at_once,
            indexers=indexers,
            registry=registry,
            settings=settings,
            memories=memories,
            memobase=AnyMemo(kopf.Memo()),
            resource=RESOURCE,
            raw_event=stream[number % JOBS],
            event_queue=queue,
        )
    profiler.disable()
    spent = time.process_time() - began
    if seen != events:
        raise RuntimeError(f"{events} events, and the handler heard of {seen}")
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(20)
    return spent / events * 1e6


def main() -> None:
    """Measure and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    settings = quiet_settings()
    if options.plain:
        settings.persistence = kopf.OperatorSettings().persistence
    print(f"{asyncio.run(cost_us(options.events, settings, options.profile)):.0f} us an event")


if __name__ == "__main__":
    main()

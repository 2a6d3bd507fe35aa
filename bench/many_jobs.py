"""Many one-task jobs at once: jobs a second with one replica, and API writes a job."""

import asyncio
import time
from typing import Any, Final

from bench import usage
from bench.api import Api, Event, opened, watching
from bench.embedded import TRUE, Door, manifest
from distributedjob_local.cluster import Cluster

CREATED_AT_ONCE: Final = 8
PATIENCE_SECONDS: Final = 600.0


class Finished:
    """Counts jobs that a watch shows as Complete; ``at`` is when it showed the last one."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._uids: set[str] = set()
        self.over = asyncio.Event()
        self.at = 0.0

    def on_event(self, moment: float, event: Event) -> None:
        """A watch event."""
        if event["object"].get("status", {}).get("phase") == "Complete":
            self._uids.add(event["object"]["metadata"]["uid"])
            # What comes later says that they are deleted.
            if len(self._uids) == self._wanted and not self.over.is_set():
                self.at = moment
                self.over.set()


async def _create(api: Api, prefix: str, jobs: int) -> None:
    numbers = iter(range(jobs))

    async def one_after_the_other() -> None:
        for number in numbers:
            await api.create(manifest(f"{prefix}-{number}", 1, TRUE))

    await asyncio.gather(*(one_after_the_other() for _ in range(CREATED_AT_ONCE)))


async def run(cluster: Cluster, jobs: int, prefix: str = "many") -> dict[str, Any]:
    """Create so many jobs of one ``/bin/true`` and wait until all are Complete.

    ``writes_a_job`` counts what the operator wrote: everything but the creation.
    """
    finished = Finished(jobs)
    async with opened(Door.of(cluster)) as api, watching(cluster, api, finished.on_event):
        written, used = await api.writes(), usage.cpu(cluster)
        began = time.time()
        await _create(api, prefix, jobs)
        created = time.time()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await finished.over.wait()
        spent = usage.cpu(cluster) - used
        writes = (await api.writes()) - written
        resident = usage.memory(cluster)
        await api.delete_all()
    by_kind = {
        "/".join(filter(None, key)): count
        for key, count in writes.items()
        if key[0] in ("distributedjobs", "events") and key != ("distributedjobs", "", "POST")
    }
    return {
        "jobs": jobs,
        "jobs_per_second": round(jobs / (finished.at - began), 1),
        "creation_seconds": round(created - began, 3),
        "seconds": round(finished.at - began, 3),
        "writes_a_job": round(sum(by_kind.values()) / jobs, 3),
        "writes": by_kind,
        "cpu_ms_a_job": {
            **{kind: round(seconds / jobs * 1e3, 2) for kind, seconds in spent.processes.items()},
            **{
                f"operator, {thread} thread": round(seconds / jobs * 1e3, 2)
                for thread, seconds in spent.threads.items()
            },
        },
        "resident_mib": {kind: round(mib, 1) for kind, mib in resident.items()},
    }


def measure(cluster: Cluster, jobs: int, rounds: int) -> list[dict[str, Any]]:
    """So many rounds, one after the other."""
    return [asyncio.run(run(cluster, jobs, f"many-{number}")) for number in range(rounds)]

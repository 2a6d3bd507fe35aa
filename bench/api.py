"""The API server as the benchmark sees it: requests, a watch, and its own counters."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

from bench.embedded import JOBS, Door
from distributedjob_local.cluster import Cluster

Event = dict[str, Any]

ATTEND_SECONDS: Final = 1.0
_LINE_BYTES: Final = 8 * 1024 * 1024
_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE", "APPLY"})
_COUNTED: Final = re.compile(r"^apiserver_request_total\{(.*)\} (\S+)$", re.MULTILINE)
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')


class Api:
    """One session with the API server."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def create(self, job: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        """Create a job; Unix time of the answer, and the object."""
        async with self._session.post(JOBS, json=job) as answer:
            body = await answer.read()
            moment = time.time()
            answer.raise_for_status()
        return moment, json.loads(body)

    async def patch(self, name: str, spec: dict[str, Any]) -> float:
        """Change a job's spec; Unix time of the answer."""
        kind = {"Content-Type": "application/merge-patch+json"}
        async with self._session.patch(
            f"{JOBS}/{name}", json={"spec": spec}, headers=kind
        ) as answer:
            answer.raise_for_status()
            return time.time()

    async def delete_all(self) -> None:
        """Delete every job."""
        async with self._session.delete(JOBS) as answer:
            answer.raise_for_status()

    async def writes(self) -> Counter[tuple[str, str, str]]:
        """Write requests so far, by (resource, subresource, verb)."""
        async with self._session.get("/metrics") as answer:
            answer.raise_for_status()
            text = await answer.text()
        found: Counter[tuple[str, str, str]] = Counter()
        for labels, value in _COUNTED.findall(text):
            named = dict(_LABEL.findall(labels))
            if named["verb"] in _WRITES:
                key = (named["resource"], named["subresource"], named["verb"])
                found[key] += round(float(value))
        return found

    async def watch(self, seen: Callable[[float, Event], None]) -> None:
        """Hand over each event of a job with the Unix time it came in, until cancelled.

        A watch that the API server ends, as it does with one that cannot keep up, goes on
        where it ended; where that is too long ago, all jobs that there are come again.
        """
        since: dict[str, str] = {}
        while True:
            async with self._session.get(
                JOBS, params={"watch": "true", **since}, timeout=aiohttp.ClientTimeout(total=None)
            ) as answer:
                answer.raise_for_status()
                async for line in answer.content:
                    moment, event = time.time(), json.loads(line)
                    if event["type"] == "ERROR":
                        since = {}
                        break
                    since = {"resourceVersion": event["object"]["metadata"]["resourceVersion"]}
                    seen(moment, event)


@asynccontextmanager
async def opened(door: Door) -> AsyncIterator[Api]:
    """A session with the API server."""
    async with aiohttp.ClientSession(
        door.url,
        connector=aiohttp.TCPConnector(ssl=door.trust, limit=0),
        headers={"Authorization": f"Bearer {door.token}"},
        read_bufsize=_LINE_BYTES,
    ) as session:
        yield Api(session)


@asynccontextmanager
async def watching(
    cluster: Cluster, api: Api, seen: Callable[[float, Event], None]
) -> AsyncIterator[None]:
    """A watch beside the body, and an eye on the cluster.

    Raises:
        LocalError: a process of the cluster has ended.
    """
    try:
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(api.watch(seen)), group.create_task(_attend(cluster))]
            # The first bytes of the answer are on their way before anything is created.
            await asyncio.sleep(0.2)
            yield
            for task in beside:
                task.cancel()
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors


async def _attend(cluster: Cluster) -> None:
    while True:
        cluster.check()
        await asyncio.sleep(ATTEND_SECONDS)

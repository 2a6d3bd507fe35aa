"""What a benchmark sees of the API server, which may end a watch at any time."""

import asyncio
import json
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.api import Api
from bench.embedded import JOBS


def event(kind: str, version: str) -> dict[str, Any]:
    return {"type": kind, "object": {"kind": "Status", "metadata": {"resourceVersion": version}}}


GONE = {"type": "ERROR", "object": {"kind": "Status", "metadata": {}, "code": 410}}


async def test_a_watch_that_was_ended_goes_on_where_it_was_or_from_the_start():
    answers = iter([[event("ADDED", "5")], [event("MODIFIED", "7"), GONE], [event("ADDED", "9")]])
    asked: list[str | None] = []

    async def watch(request: web.Request) -> web.StreamResponse:
        asked.append(request.query.get("resourceVersion"))
        response = web.StreamResponse()
        await response.prepare(request)
        for one in next(answers):
            await response.write(json.dumps(one).encode() + b"\n")
        return response

    app = web.Application()
    app.router.add_get(JOBS, watch)
    seen: list[str] = []
    over = asyncio.Event()

    def note(_: float, one: dict[str, Any]) -> None:
        seen.append(one["object"]["metadata"]["resourceVersion"])
        if len(seen) == 3:
            over.set()

    async with TestServer(app) as server, aiohttp.ClientSession(server.make_url("/")) as session:
        watching = asyncio.create_task(Api(session).watch(note))
        async with asyncio.timeout(10):
            await over.wait()
        watching.cancel()
    assert seen == ["5", "7", "9"]
    assert asked[:3] == [None, "5", None]

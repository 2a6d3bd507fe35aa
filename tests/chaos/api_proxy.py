"""A host between operators and the API server that answers as bad networks and servers do.

Run as a script on a host of its own: ``api_proxy.py ADDRESS PORT URL AUTHORITY RULES READY``.
The rules are a JSON list, read anew whenever the file changes; the first that fits a
request is followed until its ``times`` are used up:

``lose-answer``  the request is carried out and the answer never comes
``hold``         it is carried out only after ``seconds``, whoever still waits for it
``status``       it is not carried out and ``status`` is answered
``delay``        it is carried out, ``seconds`` late
``stale``        the answer is one that an earlier request got
``deaf``         a watch stays open and says nothing more
"""

import asyncio
import json
import ssl
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

HOP_BY_HOP: Final = {"transfer-encoding", "connection", "content-length", "content-encoding"}


@dataclass(slots=True)
class Rules:
    """The rules as they stand in the file."""

    path: Path
    _read: int = 0
    _rules: list[dict[str, Any]] = field(default_factory=list)

    def first(self, request: web.Request) -> dict[str, Any]:
        """The rule for a request; an empty one to let it pass."""
        stamp = self.path.stat().st_mtime_ns
        if stamp != self._read:
            self._read, self._rules = stamp, json.loads(self.path.read_text())
        for rule in self._rules:
            fits = request.method in rule["methods"] and rule.get("path", "") in request.path
            fits = fits and (rule["action"] == "deaf") == ("watch" in request.query)
            if fits and rule.setdefault("times", 1) > 0:
                rule["times"] -= 1
                return rule
        return {"action": "pass"}


@dataclass(slots=True)
class Proxy:
    """Passes requests on, or not, as the rules say."""

    url: str
    rules: Rules
    session: ClientSession
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        body = await request.read()
        rule = self.rules.first(request)
        match rule["action"]:
            case "status":
                document = {"kind": "Status", "code": rule["status"], "reason": "Injected"}
                headers = {"Retry-After": "1"} if rule["status"] == 429 else {}
                return web.json_response(document, status=rule["status"], headers=headers)
            case "delay" | "hold":
                await asyncio.sleep(rule["seconds"])
            case "stale" if request.path_qs in self.answers:
                status, old = self.answers[request.path_qs]
                return web.Response(status=status, body=old, content_type="application/json")
        return await self._pass(request, body, rule["action"])

    async def _pass(self, request: web.Request, body: bytes, action: str) -> web.StreamResponse:
        headers = {
            k: v for k, v in request.headers.items() if k.lower() not in {*HOP_BY_HOP, "host"}
        }
        async with self.session.request(
            request.method, self.url + request.path_qs, headers=headers, data=body or None
        ) as answer:
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP}
            if "watch" in request.query:
                return await self._stream(request, answer, kept, deaf=action == "deaf")
            data = await answer.read()
            if action == "lose-answer":
                assert request.transport is not None
                request.transport.abort()
                raise web.HTTPServiceUnavailable
            if request.method == "GET" and answer.status == 200:
                self.answers.setdefault(request.path_qs, (answer.status, data))
            return web.Response(status=answer.status, body=data, headers=kept)

    @staticmethod
    async def _stream(
        request: web.Request, answer: Any, headers: dict[str, str], *, deaf: bool
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=headers)
        await response.prepare(request)
        async for line in answer.content.iter_any():
            if not deaf:
                await response.write(line)
        return response


async def serve(address: str, port: int, url: str, authority: str, rules: str, ready: str) -> None:
    """Serve for ever."""
    context = ssl.create_default_context(cafile=authority)
    timeout = ClientTimeout(total=None, sock_connect=5)
    connector = TCPConnector(ssl=context, limit=0)
    async with ClientSession(connector=connector, timeout=timeout, auto_decompress=True) as session:
        proxy = Proxy(url, Rules(Path(rules)), session)
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", proxy.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, address, port).start()
        Path(ready).touch()
        await asyncio.Event().wait()


if __name__ == "__main__":
    here, number, *rest = sys.argv[1:]
    asyncio.run(serve(here, int(number), *rest))

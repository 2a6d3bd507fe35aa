"""The operator's own HTTP endpoint: probes, and the results of jobs.

``GET /readyz`` answers 200 once NATS and the API server answer, ``GET /livez`` unless
only a restart would help; else they answer 503 with the reason. ``GET /metrics`` is for
Prometheus. ``GET
/v1/namespaces/<namespace>/distributedjobs/<name>/output`` streams what a job's tasks
wrote to stdout, in index order, to whoever may ``get distributedjobs/log`` there; no
user ever gets NATS credentials. Where the journal has no record of a task with an
outcome, two headers say how many there are and which. An output that breaks off has no
last chunk.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiohttp import web

from distributedjob_api.constants import MISSING_COUNT_HEADER, MISSING_INDEXES_HEADER
from distributedjob_api.indexes import BitMap, format_indexes
from distributedjob_api.v1alpha1 import ResourceError, parse
from distributedjob_operator.core.recorded import Recorded, StatusError, recorded
from distributedjob_operator.errors import OperatorError
from distributedjob_operator.ports import NotFound, Unavailable
from distributedjob_operator.results import Contents, JournalReader, gather, survey

_log = logging.getLogger(__name__)

STREAMS: Final = ("stdout", "stderr")
_NAMED_CHARACTERS: Final = 200


class AccessPort(Protocol):
    """Who may read results; see ``kube.access``."""

    async def may_read(self, token: str, namespace: str, name: str) -> bool | None:
        """Whether a bearer token opens a job; None where it is nobody's."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the endpoint gets its answers from."""

    ready: Callable[[], Awaitable[str]]
    dead: Callable[[], str]
    metrics: Callable[[], tuple[str, bytes]]
    read_job: Callable[[str, str], Awaitable[dict[str, Any]]]
    journal: JournalReader
    access: AccessPort


STARTING: Final = "NATS has not answered yet"


class Endpoint:
    """Serves until it is stopped; before it has its sources, the probes alone."""

    def __init__(self) -> None:
        self._opened: Sources | None = None
        application = web.Application(middlewares=[_plain_errors])
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/livez", self._livez)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get(
            "/v1/namespaces/{namespace}/distributedjobs/{name}/output", self._output
        )
        self._runner = web.AppRunner(application, access_log=None)

    async def start(self, host: str, port: int) -> None:
        """Listen; raises :class:`OperatorError` where the address cannot be had."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except (OSError, UnicodeError) as error:
            raise OperatorError(
                f"DJOB_ENDPOINT_LISTEN: cannot listen on {host}:{port}: {error}"
            ) from error

    async def stop(self) -> None:
        """Close every connection."""
        await self._runner.cleanup()

    def open(self, sources: Sources) -> None:
        """Answer everything from now on."""
        self._opened = sources

    @property
    def _sources(self) -> Sources:
        if self._opened is None:
            raise Unavailable(STARTING)
        return self._opened

    async def _readyz(self, _: web.Request) -> web.Response:
        return _verdict(await self._opened.ready() if self._opened else STARTING)

    async def _livez(self, _: web.Request) -> web.Response:
        # Waiting for NATS is no illness: a restart would not bring it.
        return _verdict(self._opened.dead() if self._opened else "")

    async def _metrics(self, _: web.Request) -> web.Response:
        kind, body = self._sources.metrics()
        return web.Response(body=body, headers={"Content-Type": kind})

    async def _output(self, request: web.Request) -> web.StreamResponse:
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        stream = request.query.get("stream", "stdout")
        if stream not in STREAMS:
            raise web.HTTPBadRequest(text=f"stream must be one of {', '.join(STREAMS)}\n")
        await self._authorize(request, namespace, name)
        body = await self._sources.read_job(namespace, name)
        finished = _outcomes(body)
        contents = await survey(self._sources.journal, body["metadata"]["uid"], stream)
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        if missing := finished - contents.recorded:
            named, _ = format_indexes(missing, _NAMED_CHARACTERS)
            response.headers[MISSING_COUNT_HEADER] = str(len(missing))
            response.headers[MISSING_INDEXES_HEADER] = named
        await response.prepare(request)
        await self._send(request, response, contents)
        return response

    async def _send(
        self, request: web.Request, response: web.StreamResponse, contents: Contents
    ) -> None:
        try:
            async for content in gather(self._sources.journal, contents):
                await response.write(content)
        except Unavailable as error:
            # The status is long out: only a broken connection still tells the reader.
            _log.warning("%s was not served to its end: %s", request.path, error)
            if request.transport is not None:
                request.transport.abort()
            return
        await response.write_eof()

    async def _authorize(self, request: web.Request, namespace: str, name: str) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise web.HTTPUnauthorized(text="send a Kubernetes bearer token\n")
        allowed = await self._sources.access.may_read(token.strip(), namespace, name)
        if allowed is None:
            raise web.HTTPUnauthorized(text="the API server does not know this token\n")
        if not allowed:
            raise web.HTTPForbidden(
                text=f"needs the right to get distributedjobs/log in namespace {namespace}\n"
            )


def _outcomes(body: dict[str, Any]) -> BitMap:
    """The indexes with an outcome: each of them should have a record."""
    try:
        status = parse(body).status
        known = recorded(status) if status is not None else Recorded()
    except (ResourceError, StatusError) as error:
        raise Unavailable(f"the job's status cannot be read: {error}") from error
    return known.succeeded | known.failed


def _verdict(problem: str) -> web.Response:
    return web.Response(status=503 if problem else 200, text=f"{problem or 'ok'}\n")


@web.middleware
async def _plain_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except NotFound:
        raise web.HTTPNotFound(text="there is no such DistributedJob\n") from None
    except Unavailable as error:
        _log.warning("%s was not served: %s", request.path, error)
        raise web.HTTPServiceUnavailable(text=f"{error}\n") from None

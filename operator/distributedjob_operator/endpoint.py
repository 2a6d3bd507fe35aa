"""The operator's own HTTP endpoint: probes, and what it knows of jobs and machines.

``GET /readyz`` answers 200 once NATS and the API server answer, ``GET /livez`` unless
only a restart would help; else they answer 503 with the reason. ``GET /metrics`` is for
Prometheus. Everything else needs a Kubernetes bearer token; no user ever gets NATS
credentials. Below ``/v1/namespaces/<namespace>/distributedjobs/<name>/``, for whoever may
``get distributedjobs/log`` there:

* ``output``: what the tasks wrote to ``stream``, stdout or stderr, in index order. Where
  the journal has no record of a task with an outcome, two headers say how many there are
  and which.
* ``tasks``: a line of JSON for each task in index order, chosen by ``indexes``, ``state``,
  ``reason`` and ``node``, at most ``limit`` of them, with what it wrote to ``streams``, and
  the same headers.
* ``attempts``: the same for each attempt in the journal behind the place ``after``.
* ``live``: what the running task ``index`` wrote behind ``stdout`` and ``stderr`` bytes.
* ``failures``: the failed attempts, grouped by what went wrong.
* ``why``: why the job, or its task ``index``, stands where it stands.

``GET /v1/nodes`` is the machine registry, for whoever may ``list nodes``. What only the
leader knows is answered with 421 by a replica that stands by. An answer that breaks off
has no last chunk. Below ``/ui/`` is the same to look at; see ``page``.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final

from aiohttp import web
from msgspec import json

from distributedjob_api.constants import (
    MAX_COMPLETIONS,
    MISSING_COUNT_HEADER,
    MISSING_INDEXES_HEADER,
    NO_SUCH_JOB,
)
from distributedjob_api.exposition import CONTENT_TYPE
from distributedjob_api.indexes import BitMap, IndexTextError, format_indexes, parse_indexes
from distributedjob_api.v1alpha1 import ResourceError, parse
from distributedjob_api.views import STATES, LiveView, Why
from distributedjob_operator import answers
from distributedjob_operator.answers import Query
from distributedjob_operator.asked import bearer, whole_number
from distributedjob_operator.core import standing
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.explain import why_index, why_job
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.machines import machines
from distributedjob_operator.core.recorded import StatusError
from distributedjob_operator.core.standing import Standing
from distributedjob_operator.errors import OperatorError
from distributedjob_operator.page.routes import Page
from distributedjob_operator.ports import NotFound, Unavailable
from distributedjob_operator.results import output, survey
from distributedjob_operator.sources import Sources

_log = logging.getLogger(__name__)

STREAMS: Final = ("stdout", "stderr")
_JOB: Final = "/v1/namespaces/{namespace}/distributedjobs/{name}"
_NAMED_CHARACTERS: Final = 200
_DIGITS: Final = 18

READERS_SECONDS: Final = 5.0
"""Whoever reads a long answer has so long when the replica stops."""

STARTING: Final = "NATS has not answered yet"


class Endpoint:
    """Serves until it is stopped; before it has its sources, the probes alone."""

    def __init__(self) -> None:
        self._opened: Sources | None = None
        application = web.Application(middlewares=[_plain_errors])
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/livez", self._livez)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/v1/nodes", self._nodes)
        for name, answer in (
            ("output", self._output),
            ("tasks", self._tasks),
            ("attempts", self._attempts),
            ("live", self._live),
            ("failures", self._failures),
            ("why", self._why),
        ):
            application.router.add_get(f"{_JOB}/{name}", answer)
        application.add_routes(Page(lambda: self._sources).routes())
        # Who went away needs no answer: what is read for it ends.
        self._runner = web.AppRunner(
            application,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=READERS_SECONDS,
        )

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
        body = self._sources.metrics()
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def _output(self, request: web.Request) -> web.StreamResponse:
        stream = request.query.get("stream", "stdout")
        if stream not in STREAMS:
            raise web.HTTPBadRequest(text=f"stream must be one of {', '.join(STREAMS)}\n")
        body = await self._read_job(request)
        known = _recorded(body)
        journal, uid = self._sources.journal, body["metadata"]["uid"]
        contents = await survey(journal, uid, {stream}, known.succeeded)
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        _name_missing(response, (known.succeeded | known.failed) - contents.recorded)
        return await _send(request, response, output(journal, contents, stream))

    async def _tasks(self, request: web.Request) -> web.StreamResponse:
        query = _query(request)
        body = await self._read_job(request)
        uid = body["metadata"]["uid"]
        where = _recorded(body)
        if not where.finished:
            # Who runs what stands in no object.
            _, _, job = self._led(uid)
            where = standing.of_job(job)
        _check_known(query, where)
        journal, chosen, response = self._sources.journal, answers.chosen(where, query), _lines()
        looked_for = None if chosen == where.wanted else chosen
        contents = await survey(
            journal, uid, query.streams, where.succeeded, looked_for, silent=True
        )
        _name_missing(response, chosen & (where.succeeded | where.failed) - contents.recorded)
        lines = answers.tasks(journal, contents, where, query)
        return await _send(request, response, lines)

    async def _attempts(self, request: web.Request) -> web.StreamResponse:
        query, after = _query(request), _number(request, "after") or 0
        body = await self._read_job(request)
        if query.indexes is not None:
            _check_known(query, _recorded(body))
        lines = answers.attempts(self._sources.journal, body["metadata"]["uid"], query, after)
        return await _send(request, _lines(), lines)

    async def _failures(self, request: web.Request) -> web.Response:
        body = await self._read_job(request)
        failed = _recorded(body).failed
        found = await answers.failures(self._sources.journal, body["metadata"]["uid"], failed)
        return _json(found)

    async def _live(self, request: web.Request) -> web.Response:
        index = _index(request)
        if index is None:
            raise web.HTTPBadRequest(text="index says which task; name one\n")
        known = _number(request, "stdout") or 0, _number(request, "stderr") or 0
        body = await self._read_job(request)
        leader, _, job = self._led(body["metadata"]["uid"])
        found = await self._sources.ask(leader, job, index, known)
        if found is None:
            return _json(LiveView(index))
        node, said = found
        out = said.stdout_at, said.stdout, said.stdout_bytes
        err = said.stderr_at, said.stderr, said.stderr_bytes
        return _json(LiveView(index, said.run, said.attempt, node, *out, *err))

    async def _why(self, request: web.Request) -> web.Response:
        index = _index(request)
        body = await self._read_job(request)
        leader, now, job = self._led(body["metadata"]["uid"])
        if index is None:
            return _json(Why(*why_job(leader, job, now)))
        if job.items_known and index not in job.wanted:
            raise _no_task(BitMap([index]), job.wanted)
        return _json(Why(*why_index(leader, job, index, now)))

    async def _nodes(self, request: web.Request) -> web.Response:
        if not _known(await self._sources.access.may_list_nodes(_token(request))):
            raise web.HTTPForbidden(text="needs the right to list nodes\n")
        return _json(machines(*self._lead()))

    async def _read_job(self, request: web.Request) -> dict[str, Any]:
        """The object that a request names, for whoever may read its results."""
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        if not _known(await self._sources.access.may_read(_token(request), namespace, name)):
            raise web.HTTPForbidden(
                text=f"needs the right to get distributedjobs/log in namespace {namespace}\n"
            )
        return await self._sources.read_job(namespace, name)

    def _lead(self) -> tuple[Leader, Instant]:
        lead = self._sources.lead()
        if lead is None:
            raise web.HTTPMisdirectedRequest(
                text="this replica stands by; ask the one that leads\n"
            )
        return lead

    def _led(self, uid: str) -> tuple[Leader, Instant, Job]:
        """A job as the leader has it."""
        leader, now = self._lead()
        job = leader.jobs.get(uid)
        if job is None:
            problem = leader.set_aside.get(uid) or "this operator does not run the job, or not yet"
            raise web.HTTPConflict(text=f"{problem}\n")
        return leader, now, job


def _token(request: web.Request) -> str:
    token = bearer(request.headers.get("Authorization", ""))
    if not token:
        raise web.HTTPUnauthorized(text="send a Kubernetes bearer token\n")
    return token


def _known(allowed: bool | None) -> bool:
    if allowed is None:
        raise web.HTTPUnauthorized(text="the API server does not know this token\n")
    return allowed


async def _send(
    request: web.Request, response: web.StreamResponse, pieces: AsyncGenerator[bytes, None]
) -> web.StreamResponse:
    async with aclosing(pieces):
        # Until the first piece is there, what goes wrong can still be said.
        first = await anext(pieces, b"")
        await response.prepare(request)
        try:
            await response.write(first)
            async for piece in pieces:
                await response.write(piece)
        except Unavailable as error:
            # The status is long out: only a broken connection still tells the reader.
            _log.warning("%s was not served to its end: %s", request.path, error)
            if request.transport is not None:
                request.transport.abort()
            return response
    await response.write_eof()
    return response


def _name_missing(response: web.StreamResponse, missing: BitMap) -> None:
    """Say in the headers which tasks with an outcome have no record, if any."""
    if missing:
        named, _ = format_indexes(missing, _NAMED_CHARACTERS)
        response.headers[MISSING_COUNT_HEADER] = str(len(missing))
        response.headers[MISSING_INDEXES_HEADER] = named


def _lines() -> web.StreamResponse:
    return web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})


def _json(view: object) -> web.Response:
    return web.Response(body=json.encode(view) + b"\n", content_type="application/json")


def _query(request: web.Request) -> Query:
    asked = request.query
    states, streams = frozenset(asked.getall("state", [])), frozenset(asked.getall("streams", []))
    for name, chosen, possible in (("state", states, STATES), ("streams", streams, STREAMS)):
        if chosen - {*possible}:
            raise web.HTTPBadRequest(text=f"{name} must be one of {', '.join(possible)}\n")
    try:
        text = asked.get("indexes")
        indexes = None if text is None else parse_indexes(text, MAX_COMPLETIONS)
    except IndexTextError as error:
        raise web.HTTPBadRequest(text=f"indexes: {error}\n") from error
    query = Query(indexes, states, asked.get("reason", ""), asked.get("node", ""), streams)
    limit = _number(request, "limit")
    if limit == 0:
        raise web.HTTPBadRequest(text="limit must be at least 1\n")
    return query if limit is None else replace(query, limit=limit)


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    number = whole_number(text, _DIGITS)
    if number is None:
        raise web.HTTPBadRequest(text=f"{name} must be a whole number\n")
    return number


def _index(request: web.Request) -> int | None:
    index = _number(request, "index")
    if index is not None and index >= MAX_COMPLETIONS:
        raise web.HTTPNotFound(text=f"there is no task {index}: no job has so many\n")
    return index


def _check_known(query: Query, where: Standing) -> None:
    """Refuse indexes of no task; before the items were counted nobody knows which those are."""
    if query.indexes is not None and where.wanted and (odd := query.indexes - where.wanted):
        raise _no_task(odd, where.wanted)


def _no_task(odd: BitMap, wanted: BitMap) -> web.HTTPNotFound:
    none, _ = format_indexes(odd, _NAMED_CHARACTERS)
    known, _ = format_indexes(wanted, _NAMED_CHARACTERS)
    return web.HTTPNotFound(text=f"there is no task {none}: its tasks are {known}\n")


def _recorded(body: dict[str, Any]) -> Standing:
    """Where the tasks stand, as far as the object says."""
    try:
        return standing.of_object(parse(body))
    except (ResourceError, StatusError) as error:
        raise Unavailable(f"the job's status cannot be read: {error}") from error


def _verdict(problem: str) -> web.Response:
    return web.Response(status=503 if problem else 200, text=f"{problem or 'ok'}\n")


@web.middleware
async def _plain_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except NotFound:
        raise web.HTTPNotFound(text=f"{NO_SUCH_JOB}\n") from None
    except Unavailable as error:
        _log.warning("%s was not served: %s", request.path, error)
        raise web.HTTPServiceUnavailable(text=f"{error}\n") from None

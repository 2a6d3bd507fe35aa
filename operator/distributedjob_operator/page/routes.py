"""``/ui/``: the page over HTTP, for whoever the API server says may see what it shows.

The caller's token comes in the Authorization header, as from a proxy that adds it, or
once through the login form. A page shows what the caller could read with kubectl or
with the endpoint, reviewed anew for every answer (protocol item 17).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

from aiohttp import web

from distributedjob_api.v1alpha1 import DistributedJob, ResourceError, parse
from distributedjob_api.views import Why
from distributedjob_operator import answers
from distributedjob_operator.asked import bearer, whole_number
from distributedjob_operator.core import standing
from distributedjob_operator.core.explain import why_index, why_job
from distributedjob_operator.core.machines import machines
from distributedjob_operator.core.recorded import StatusError
from distributedjob_operator.core.standing import Standing
from distributedjob_operator.page.index_map import SHOWN, IndexMap
from distributedjob_operator.page.render import HEADERS, STYLE, page
from distributedjob_operator.page.sessions import Sessions
from distributedjob_operator.ports import Expired, NotFound, Unavailable
from distributedjob_operator.sources import Sources

ROOT: Final = "/ui/"
REFRESH_SECONDS: Final = 5
_COOKIE: Final = "djob_session"
_JOB: Final = "/ui/namespaces/{namespace}/distributedjobs/{name}"
_DIGITS: Final = 9

_Handler = Callable[[web.Request], Awaitable[web.Response]]


class _Refused(Exception):
    """There is nothing to show; the message says why and what to do."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Unknown(Exception):
    """The caller has to say who they are; the message says why."""


class Page:
    """The handlers of everything below ``/ui/``.

    Args:
        sources: where the endpoint gets its answers; raises :class:`Unavailable` at first.
    """

    def __init__(self, sources: Callable[[], Sources]) -> None:
        self._sources = sources
        self._sessions = Sessions()

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """What an application serves."""
        return [
            web.get("/", _to_root),
            web.get("/ui", _to_root),
            web.get("/ui/style.css", _style),
            web.get("/ui/login", self._shown(self._login_form)),
            web.post("/ui/login", self._shown(self._login)),
            web.post("/ui/logout", self._shown(self._logout)),
            web.get(ROOT, self._shown(self._jobs)),
            web.get("/ui/nodes", self._shown(self._nodes)),
            web.get(_JOB, self._shown(self._job)),
            web.get(f"{_JOB}/failures", self._shown(self._failures)),
        ]

    def _shown(self, handler: _Handler) -> _Handler:
        """A handler whose errors are pages too."""

        async def shown(request: web.Request) -> web.Response:
            try:
                return await handler(request)
            except _Unknown as unknown:
                return _login_page(_path(request), str(unknown), 401)
            except _Refused as refused:
                return _error(refused.code, str(refused))
            except NotFound:
                return _error(404, "There is no such DistributedJob.")
            except Unavailable as error:
                return _error(503, f"{error}; this page tries again by itself.", refresh=True)

        return shown

    async def _login_form(self, request: web.Request) -> web.Response:
        return _login_page(_local(request.query.get("next", ROOT)), "", 200)

    async def _login(self, request: web.Request) -> web.Response:
        _from_here(request)
        try:
            form = await request.post()
        except (ValueError, LookupError) as error:
            raise _Refused(400, "The form is not what a browser sends.") from error
        token, target = str(form.get("token", "")).strip(), _local(str(form.get("next", ROOT)))
        if not token:
            return _login_page(target, "Paste a token first.", 401)
        # Any review tells whether it is somebody's.
        if await self._sources().access.may_list_nodes(token) is None:
            return _login_page(target, "The API server does not know this token.", 401)
        answer = _to(target)
        answer.set_cookie(
            _COOKIE,
            self._sessions.open(token, _now()),
            path=ROOT,
            httponly=True,
            samesite="Strict",
            secure=request.headers.get("X-Forwarded-Proto", request.scheme) == "https",
        )
        return answer

    async def _logout(self, request: web.Request) -> web.Response:
        _from_here(request)
        self._sessions.close(request.cookies.get(_COOKIE, ""))
        answer = _to("/ui/login")
        answer.del_cookie(_COOKIE, path=ROOT)
        return answer

    async def _jobs(self, request: web.Request) -> web.Response:
        sources, token = self._sources(), self._token(request)
        served = sources.namespaces
        namespace = request.query.get("namespace", served[0] if served else "").strip()
        if served and namespace not in served:
            raise _Refused(404, f"This operator serves the namespaces {', '.join(served)}.")
        chosen: dict[str, Any] = {"namespace": namespace, "namespaces": served}
        if not _somebody(await sources.access.may_list(token, namespace)):
            where = f"in namespace {namespace}" if namespace else "in all namespaces; name one"
            problem = f"You may not list distributedjobs {where}."
            return _page("jobs.html", 403, problem=problem, table=None, **chosen)
        mark = request.query.get("after", "")
        try:
            table = await sources.list_page(namespace, mark)
        except Expired:
            if not mark:
                raise
            # Etcd keeps such a list for minutes, and the page refreshes itself for hours.
            return _to(f"{ROOT}?namespace={quote(namespace, '')}")
        return _page("jobs.html", 200, REFRESH_SECONDS, problem="", table=table, **chosen)

    async def _nodes(self, request: web.Request) -> web.Response:
        sources, token = self._sources(), self._token(request)
        if not _somebody(await sources.access.may_list_nodes(token)):
            raise _Refused(403, "You may not list nodes.")
        lead = sources.lead()
        if lead is None:
            raise _Refused(421, "This replica stands by: the one that leads knows the nodes.")
        return _page("nodes.html", 200, REFRESH_SECONDS, rows=machines(*lead))

    async def _job(self, request: web.Request) -> web.Response:
        body = await self._read(request)
        job, known = _parsed(body)
        why, asked, index = None, None, _index(request)
        lead = self._sources().lead()
        led = lead[0].jobs.get(body["metadata"]["uid"]) if lead else None
        if lead and led:
            leader, now = lead
            why = Why(*why_job(leader, led, now))
            if index is not None:
                asked = Why(*why_index(leader, led, index, now))
            if not known.finished:
                known = standing.of_job(led)
        tasks = IndexMap(known)
        return _page(
            "job.html",
            200,
            0 if known.finished else REFRESH_SECONDS,
            job=job,
            path=_job_path(request),
            counts=tasks.counts,
            cells=tasks.cells(),
            order=SHOWN,
            why=why,
            leads=lead is not None,
            index=index,
            asked=asked,
        )

    async def _failures(self, request: web.Request) -> web.Response:
        body = await self._read(request)
        job, known = _parsed(body)
        found = await answers.failures(
            self._sources().journal, body["metadata"]["uid"], known.failed
        )
        return _page("failures.html", 200, job=job, path=_job_path(request), found=found)

    async def _read(self, request: web.Request) -> dict[str, Any]:
        """The object that a request names, for whoever may read it and its results."""
        sources, token = self._sources(), self._token(request)
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        for allowed, right in (
            (await sources.access.may_get(token, namespace, name), "distributedjobs"),
            (await sources.access.may_read(token, namespace, name), "distributedjobs/log"),
        ):
            if not _somebody(allowed):
                raise _Refused(403, f"You may not get {right} in namespace {namespace}.")
        return await sources.read_job(namespace, name)

    def _token(self, request: web.Request) -> str:
        found = bearer(request.headers.get("Authorization", ""))
        found = found or self._sessions.token(request.cookies.get(_COOKIE, ""), _now())
        if not found:
            raise _Unknown("")
        return found


def _somebody(allowed: bool | None) -> bool:
    if allowed is None:
        raise _Unknown("The API server does not know this token any more.")
    return allowed


def _parsed(body: dict[str, Any]) -> tuple[DistributedJob, Standing]:
    try:
        job = parse(body)
        return job, standing.of_object(job)
    except (ResourceError, StatusError) as error:
        raise _Refused(409, f"The job cannot be shown: {error}") from error


def _index(request: web.Request) -> int | None:
    text = request.query.get("index", "").strip()
    if not text:
        return None
    index = whole_number(text, _DIGITS)
    if index is None:
        raise _Refused(400, "index must be a whole number.")
    return index


def _job_path(request: web.Request) -> str:
    namespace, name = request.match_info["namespace"], request.match_info["name"]
    return f"/ui/namespaces/{quote(namespace, '')}/distributedjobs/{quote(name, '')}"


def _from_here(request: web.Request) -> None:
    """No form of another site is filled in here: browsers name the origin of a POST."""
    origin = request.headers.get("Origin")
    try:
        foreign = origin is not None and urlsplit(origin).netloc != request.host
    except ValueError:  # no browser calls a site so
        foreign = True
    if foreign:
        raise _Refused(403, "This form was sent from another site.")


def _local(target: str) -> str:
    """A place to go on to: below the page, never on another site."""
    odd = "\\" in target or not target.isprintable()
    return target if target.startswith(ROOT) and not odd else ROOT


def _path(request: web.Request) -> str:
    return _local(str(request.rel_url)) if request.method == "GET" else ROOT


def _now() -> float:
    return asyncio.get_running_loop().time()


def _page(template: str, code: int, refresh: int = 0, **values: Any) -> web.Response:
    text = page(template, refresh=refresh, **values)
    return web.Response(text=text, status=code, content_type="text/html", headers=HEADERS)


def _login_page(target: str, problem: str, code: int) -> web.Response:
    return _page("login.html", code, target=target, problem=problem)


def _error(code: int, message: str, *, refresh: bool = False) -> web.Response:
    return _page("error.html", code, REFRESH_SECONDS if refresh else 0, message=message)


def _to(target: str) -> web.Response:
    """See Other: whatever was sent is not sent there again."""
    return web.Response(status=303, headers={**HEADERS, "Location": target})


async def _to_root(_: web.Request) -> web.Response:
    return _to(ROOT)


async def _style(_: web.Request) -> web.Response:
    return web.Response(body=STYLE, content_type="text/css", headers=HEADERS)

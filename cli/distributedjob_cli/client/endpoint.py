"""The operator's endpoint: what it knows of a job and of machines."""

import base64
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import msgspec
import requests

from distributedjob_api import views
from distributedjob_api.constants import MISSING_COUNT_HEADER, MISSING_INDEXES_HEADER, NO_SUCH_JOB
from distributedjob_cli.client.api import no_such_job
from distributedjob_cli.client.credentials import Tokens
from distributedjob_cli.client.http import (
    BUSY,
    OPERATOR,
    Bearer,
    EndpointError,
    Unreachable,
    content_of,
    decoded,
    origin,
    said,
    send,
)
from distributedjob_cli.client.route import Route
from distributedjob_cli.errors import MISSING

CHUNK_BYTES: Final = 1 << 16
STANDBY_SECONDS: Final = 10.0
"""A take-over lasts shorter; and of several replicas behind one address, one leads."""

STANDBY_PAUSE: Final = 0.2
MISDIRECTED: Final = 421
STRANGE: Final = "answers what this djob does not understand; is that the operator's address?"


class MissingOutput(EndpointError):
    """All there is was read, and it is not the output of every task with an outcome."""

    code = MISSING


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator at the end of a route, asked with a user's token."""

    route: Route
    tokens: Tokens

    def output(self, job: tuple[str, str], stream: str) -> Iterator[bytes]:
        """What a job's tasks wrote, piece by piece in index order.

        Raises:
            MissingOutput: at the end, where tasks with an outcome have no record.
            EndpointError: the operator says no, or stops in the middle.
        """
        with self._session() as session:
            response = self._get(session, _of(job, "output"), job, {"stream": stream})
            yield from _pieces(response, job)
            if count := response.headers.get(MISSING_COUNT_HEADER):
                raise MissingOutput(
                    f"{job[0]}/{job[1]}: the journal has no record of {count} tasks with an"
                    f" outcome: {response.headers.get(MISSING_INDEXES_HEADER, '')}"
                )

    def lines(
        self, job: tuple[str, str], what: str, params: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """The objects of a long answer, one by one as they come.

        Raises:
            Unreachable: nobody answers, or it broke off.
            EndpointError: the operator says no, or that is no operator.
        """
        with self._session() as session:
            response = self._get(session, _of(job, what), job, params)
            rest = b""
            for piece in _pieces(response, job):
                *whole, rest = (rest + piece).split(b"\n")
                for line in whole:
                    yield _row(line, response.url)

    def job_view(
        self, job: tuple[str, str], what: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A short answer about a job, ``failures``, ``live`` or ``why``, with every field."""
        found: dict[str, Any] = self._read(_of(job, what), job, params, _VIEWS[what])
        return found

    def nodes(self) -> list[dict[str, Any]]:
        """The machine registry, each with every field."""
        rows: list[dict[str, Any]] = self._read("/v1/nodes", None, {}, list[views.MachineView])
        return rows

    def _read(
        self, path: str, job: tuple[str, str] | None, params: Mapping[str, Any], view: Any
    ) -> Any:
        with self._session() as session:
            response = self._get(session, path, job, params)
            strange = f"{origin(response.url)} {STRANGE}"
            document = content_of(response, strange)
        try:
            return _filled(msgspec.convert(document, view))
        except msgspec.ValidationError as error:
            raise EndpointError(f"{strange} ({error})") from error

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.auth = Bearer(self.tokens)
        return session

    def _get(
        self,
        session: requests.Session,
        path: str,
        job: tuple[str, str] | None,
        params: Mapping[str, Any],
    ) -> requests.Response:
        """The answer of whoever leads; a take-over is waited for."""
        deadline = time.monotonic() + STANDBY_SECONDS
        while True:
            try:
                url = self.route.url().rstrip("/") + path
                response = send(session, "GET", url, OPERATOR, params=params)
            except Unreachable as error:
                problem: EndpointError = error
                again = self.route.lost()
            else:
                if response.status_code == requests.codes.ok:
                    return response
                problem = _refusal(response, job)
                response.close()
                again = response.status_code == MISDIRECTED
                if again:
                    self.route.lost()
            if not again or time.monotonic() > deadline:
                raise problem
            # Behind one address another replica may answer the next connection.
            session.close()
            time.sleep(STANDBY_PAUSE)


def _refusal(response: requests.Response, job: tuple[str, str] | None) -> EndpointError:
    text = said(response)
    if job and text == NO_SUCH_JOB:
        return no_such_job(*job)
    kind = Unreachable if response.status_code in BUSY | {MISDIRECTED} else EndpointError
    return kind(f"{job[0]}/{job[1]}: {text}" if job else text)


_VIEWS: Final = {"failures": views.Failures, "live": views.LiveView, "why": views.Why}


def _filled(value: Any) -> Any:
    """A view as JSON has it, with the fields that the operator left out since they are empty."""
    if isinstance(value, list):
        return [_filled(each) for each in value]
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        return {each.encode_name: _filled(getattr(value, each.name)) for each in fields}
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _row(line: bytes, url: str) -> dict[str, Any]:
    try:
        row = decoded(line)
        if isinstance(row, dict) and isinstance(row["index"], int):
            return row
    except (ValueError, KeyError):
        pass
    raise EndpointError(f"{origin(url)} {STRANGE}")


def _of(job: tuple[str, str], what: str) -> str:
    namespace, name = (quote(part, safe="") for part in job)
    return f"/v1/namespaces/{namespace}/distributedjobs/{name}/{what}"


def _pieces(response: requests.Response, job: tuple[str, str]) -> Iterator[bytes]:
    try:
        yield from response.iter_content(CHUNK_BYTES)
    except requests.RequestException as error:
        raise Unreachable(f"{job[0]}/{job[1]}: the output broke off") from error

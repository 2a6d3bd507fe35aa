"""The operator's endpoint: where it is, and what it knows of a job."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import requests

from distributedjob_api.constants import (
    ENDPOINT_ANNOTATION,
    MISSING_COUNT_HEADER,
    MISSING_INDEXES_HEADER,
)
from distributedjob_cli.client.api import Api
from distributedjob_cli.client.http import Bearer, EndpointError, keeps_secrets, said, send
from distributedjob_cli.errors import MISSING

CHUNK_BYTES: Final = 1 << 16
STANDBY_SECONDS: Final = 10.0
"""A take-over lasts shorter; and of several replicas behind one address, one leads."""

STANDBY_PAUSE: Final = 0.2
MISDIRECTED: Final = 421


class MissingOutput(EndpointError):
    """All there is was read, and it is not the output of every task with an outcome."""

    code = MISSING


def find_endpoint(api: Api, lease: tuple[str, str]) -> str:
    """Read the operator's address from its Lease.

    Raises:
        EndpointError: the API server says no, or no operator announced one.
    """
    namespace, name = lease
    path = f"/apis/coordination.k8s.io/v1/namespaces/{quote(namespace)}/leases/{quote(name)}"
    instead = "name another Lease with --lease, or pass the operator's address with --endpoint"
    with send(api.session, "GET", api.url + path, "the API server") as response:
        if response.status_code == requests.codes.not_found:
            raise EndpointError(f"no operator: there is no Lease {namespace}/{name}; {instead}")
        if response.status_code == requests.codes.unauthorized:
            raise EndpointError("the API server does not know this token")
        if not response.ok:
            raise EndpointError(
                f"cannot read Lease {namespace}/{name}: {said(response)}; {instead}"
            )
        try:
            annotations = response.json()["metadata"].get("annotations") or {}
        except (ValueError, KeyError, AttributeError) as error:
            raise EndpointError(f"{api.url} is no Kubernetes API server") from error
    endpoint = str(annotations.get(ENDPOINT_ANNOTATION) or "")
    if not endpoint:
        raise EndpointError(f"Lease {namespace}/{name} names no endpoint; {instead}")
    if not keeps_secrets(endpoint):
        raise EndpointError(
            f"will not send a token unencrypted to {endpoint}, which Lease {namespace}/{name}"
            " names; forward a port to it and pass --endpoint http://127.0.0.1:PORT"
        )
    return endpoint


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator at an address, asked with a user's token."""

    url: str
    token: str

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
        """The objects of a long answer, one by one as they come."""
        with self._session() as session:
            response = self._get(session, _of(job, what), job, params)
            rest = b""
            for piece in _pieces(response, job):
                *whole, rest = (rest + piece).split(b"\n")
                for line in whole:
                    yield json.loads(line)

    def job_view(
        self, job: tuple[str, str], what: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A short answer about a job."""
        with self._session() as session:
            view: dict[str, Any] = self._get(session, _of(job, what), job, params).json()
            return view

    def nodes(self) -> list[dict[str, Any]]:
        """The machine registry."""
        with self._session() as session:
            rows: list[dict[str, Any]] = self._get(session, "/v1/nodes", None, {}).json()
            return rows

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.auth = Bearer(self.token)
        return session

    def _get(
        self,
        session: requests.Session,
        path: str,
        job: tuple[str, str] | None,
        params: Mapping[str, Any],
    ) -> requests.Response:
        deadline = time.monotonic() + STANDBY_SECONDS
        url = self.url.rstrip("/") + path
        while True:
            response = send(session, "GET", url, "the operator", params=params)
            if response.status_code == requests.codes.ok:
                return response
            text = said(response)
            response.close()
            if response.status_code != MISDIRECTED or time.monotonic() > deadline:
                raise EndpointError(f"{job[0]}/{job[1]}: {text}" if job else text)
            # Behind one address another replica may answer the next connection.
            session.close()
            time.sleep(STANDBY_PAUSE)


def _of(job: tuple[str, str], what: str) -> str:
    namespace, name = (quote(part, safe="") for part in job)
    return f"/v1/namespaces/{namespace}/distributedjobs/{name}/{what}"


def _pieces(response: requests.Response, job: tuple[str, str]) -> Iterator[bytes]:
    try:
        yield from response.iter_content(CHUNK_BYTES)
    except requests.RequestException as error:
        raise EndpointError(f"{job[0]}/{job[1]}: the output broke off") from error

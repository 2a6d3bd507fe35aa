"""The operator's endpoint: where it is, and a job's output from it."""

import base64
import ipaddress
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import SplitResult, quote, urlsplit

import requests
from pykube.config import KubeConfig
from pykube.exceptions import PyKubeError
from pykube.http import HTTPClient
from requests.utils import get_environ_proxies

from distributedjob_api.constants import (
    ENDPOINT_ANNOTATION,
    MISSING_COUNT_HEADER,
    MISSING_INDEXES_HEADER,
)

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 300.0
CHUNK_BYTES: Final = 1 << 16
MESSAGE_CHARACTERS: Final = 400


class EndpointError(Exception):
    """A server cannot be reached, or says no; the text is the whole message."""


class MissingOutput(EndpointError):
    """All there is was read, and it is not the output of every task with an outcome."""


def find_endpoint(cluster: Mapping[str, Any], token: str, lease: tuple[str, str]) -> str:
    """Read the operator's address from its Lease.

    Raises:
        EndpointError: the API server says no, or no operator announced one.
    """
    namespace, name = lease
    path = f"/apis/coordination.k8s.io/v1/namespaces/{quote(namespace)}/leases/{quote(name)}"
    with _api_client(cluster, token) as client:
        response = _get(client.session, client.url.rstrip("/") + path, "the API server")
    instead = "name another Lease with --lease, or pass the operator's address with --endpoint"
    if response.status_code == requests.codes.not_found:
        raise EndpointError(f"no operator: there is no Lease {namespace}/{name}; {instead}")
    if response.status_code == requests.codes.unauthorized:
        raise EndpointError("the API server does not know this token")
    if not response.ok:
        raise EndpointError(f"cannot read Lease {namespace}/{name}: {_said(response)}; {instead}")
    try:
        annotations = response.json()["metadata"].get("annotations") or {}
    except (ValueError, KeyError, AttributeError) as error:
        raise EndpointError(f"{client.url} is no Kubernetes API server") from error
    endpoint = str(annotations.get(ENDPOINT_ANNOTATION) or "")
    if not endpoint:
        raise EndpointError(f"Lease {namespace}/{name} names no endpoint; {instead}")
    if not _keeps_secrets(endpoint):
        raise EndpointError(
            f"will not send a token unencrypted to {endpoint}, which Lease {namespace}/{name}"
            " names; forward a port to it and pass --endpoint http://127.0.0.1:PORT"
        )
    return endpoint


def read_output(endpoint: str, token: str, job: tuple[str, str], stream: str) -> Iterator[bytes]:
    """What a job's tasks wrote, piece by piece in index order.

    Raises:
        MissingOutput: at the end, where tasks with an outcome have no record.
        EndpointError: the operator says no, or stops in the middle.
    """
    namespace, name = job
    path = f"/v1/namespaces/{quote(namespace)}/distributedjobs/{quote(name)}/output"
    with requests.Session() as session:
        session.auth = _Bearer(token)
        url = endpoint.rstrip("/") + path
        with _get(session, url, "the operator", {"stream": stream}) as response:
            if response.status_code != requests.codes.ok:
                raise EndpointError(f"{namespace}/{name}: {_said(response)}")
            try:
                yield from response.iter_content(CHUNK_BYTES)
            except requests.RequestException as error:
                raise EndpointError(f"{namespace}/{name}: the output broke off") from error
            if count := response.headers.get(MISSING_COUNT_HEADER):
                raise MissingOutput(
                    f"{namespace}/{name}: the journal has no record of {count} tasks with an"
                    f" outcome: {response.headers.get(MISSING_INDEXES_HEADER, '')}"
                )


class _Bearer(requests.auth.AuthBase):
    """As a session's ``auth`` the token goes before whatever a .netrc says."""

    def __init__(self, token: str) -> None:
        if not (token.isascii() and token.isprintable()):
            raise EndpointError("the token has characters in it that no bearer token has")
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@contextmanager
def _api_client(cluster: Mapping[str, Any], token: str) -> Iterator[HTTPClient]:
    """A client that knows the cluster's authority and the token, and nothing else."""
    cluster = dict(cluster)
    authority = cluster.pop("certificate-authority-data", None)
    # pykube would put it under a name that anybody can foresee and write to first.
    with tempfile.NamedTemporaryFile("wb", prefix="djob-", suffix=".crt") as file:
        if authority:
            file.write(_decoded(authority))
            file.flush()
            cluster["certificate-authority"] = file.name
        document = {
            "clusters": [{"name": "it", "cluster": cluster}],
            "users": [{"name": "it", "user": {}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "current-context": "it",
        }
        try:
            client = HTTPClient(KubeConfig(document))
        except (PyKubeError, ValueError) as error:
            raise EndpointError(f"the kubeconfig's cluster cannot be used: {error}") from error
        client.session.auth = _Bearer(token)
        with client.session:
            yield client


def _get(
    session: requests.Session, url: str, who: str, params: Mapping[str, str] | None = None
) -> requests.Response:
    # What the kubeconfig says of authorities and users is not for the environment to change.
    session.trust_env = False
    local = _is_loopback(url)
    try:
        return session.get(
            url,
            params=params,
            stream=True,
            allow_redirects=False,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            proxies={} if local else get_environ_proxies(url),
        )
    except (requests.RequestException, OSError, ValueError) as error:
        address = "{0.scheme}://{0.netloc}".format(_split(url))
        raise EndpointError(f"{who} at {address} does not answer: {_why(error)}") from error


def _why(error: BaseException) -> str:
    """The cause behind the layers of a client library, in a few words."""
    if isinstance(error, requests.Timeout):
        return "it took too long"
    innermost: BaseException | None = error
    while innermost is not None:
        if isinstance(innermost, OSError) and innermost.strerror:
            return innermost.strerror
        innermost = innermost.__cause__ or innermost.__context__
    return str(error)


def _said(response: requests.Response) -> str:
    """The refusal in the server's own words, on one line."""
    text = response.text.strip()
    with suppress(ValueError, KeyError, TypeError):
        text = json.loads(text)["message"]  # The API server's Status object.
    words = " ".join(text.split())[:MESSAGE_CHARACTERS]
    return words or f"{response.status_code} {response.reason}"


def _decoded(authority: object) -> bytes:
    try:
        return base64.b64decode(str(authority), validate=True)
    except ValueError as error:
        raise EndpointError("the kubeconfig's certificate-authority-data is not base64") from error


def _keeps_secrets(url: str) -> bool:
    return _split(url).scheme == "https" or _is_loopback(url)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise EndpointError(f"{url!r} is no URL") from error


def _is_loopback(url: str) -> bool:
    host = _split(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

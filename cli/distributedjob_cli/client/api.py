"""The API server, asked for DistributedJobs as the kubeconfig's user."""

import base64
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import requests

from distributedjob_api.constants import API_VERSION, KIND, PLURAL
from distributedjob_cli.client.credentials import Tokens
from distributedjob_cli.client.http import (
    API_SERVER,
    BUSY,
    Bearer,
    EndpointError,
    Unreachable,
    content_of,
    said,
    send,
    why,
)
from distributedjob_cli.client.kubeconfig import Kubeconfig
from distributedjob_cli.errors import BAD_INPUT

WATCH_SECONDS: Final = 60
TABLE: Final = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
MERGE_PATCH: Final = "application/merge-patch+json"


class Gone(EndpointError):
    """The watch lies too far back: read anew."""


class NoSuchJob(EndpointError):
    """There is no job of this name."""


def no_such_job(namespace: str, name: str) -> NoSuchJob:
    """It, and where to see those that there are."""
    return NoSuchJob(
        f"there is no {KIND} {name!r} in namespace {namespace!r};"
        f" see them with: djob list -n {namespace}"
    )


class BadSelector(EndpointError):
    """The user's choice of labels cannot be read."""

    code = BAD_INPUT


def job_path(namespace: str | None, name: str = "") -> str:
    """The path of a job, of the jobs of a namespace, or of all jobs."""
    place = f"/namespaces/{quote(namespace, safe='')}" if namespace is not None else ""
    last = f"/{quote(name, safe='')}" if name else ""
    return f"/apis/{API_VERSION}{place}/{PLURAL}{last}"


def of_name(name: str) -> dict[str, str]:
    """The query that chooses one job."""
    return {"fieldSelector": f"metadata.name={name}"}


class Api:
    """Requests about jobs; each raises :class:`EndpointError` with the server's words."""

    def __init__(self, session: requests.Session, url: str) -> None:
        self.session = session
        self.url = url.rstrip("/")

    def list_jobs(self, namespace: str | None, selector: str) -> dict[str, Any]:
        """The jobs of a namespace, or of all of them."""
        return self._ask("GET", job_path(namespace), params={"labelSelector": selector})

    def table(self, namespace: str | None, chosen: Mapping[str, str]) -> dict[str, Any]:
        """The same in the columns that kubectl prints, of those that a query chooses."""
        return self._ask("GET", job_path(namespace), params=chosen, headers={"Accept": TABLE})

    def watch_table(
        self, namespace: str | None, chosen: Mapping[str, str], version: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """What happens to its rows, each a table of its own; raises as :meth:`watch`."""
        lasting = str(WATCH_SECONDS)
        return self._watch(namespace, chosen, version, lasting, {"Accept": TABLE})

    def read_job(self, namespace: str, name: str) -> dict[str, Any]:
        """One job."""
        return self._ask("GET", job_path(namespace, name), job=(namespace, name))

    def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object; unknown fields are refused."""
        headers = {"Content-Type": "application/json"}
        params = {"fieldValidation": "Strict", "fieldManager": "djob"}
        return self._ask("POST", path, params=params, headers=headers, body=body)

    def change(self, namespace: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Change fields of a job's spec."""
        return self.merge(job_path(namespace, name), {"spec": spec}, (namespace, name))

    def merge(
        self, path: str, patch: Mapping[str, Any], job: tuple[str, str] | None = None
    ) -> dict[str, Any]:
        """Merge a patch into an object."""
        headers = {"Content-Type": MERGE_PATCH}
        params = {"fieldValidation": "Strict", "fieldManager": "djob"}
        return self._ask("PATCH", path, params=params, headers=headers, body=patch, job=job)

    def delete(self, path: str) -> None:
        """Delete an object."""
        self._ask("DELETE", path)

    def watch(
        self, namespace: str, name: str, version: str, seconds: int = WATCH_SECONDS
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """What happens to a job from a version on, for so long; raises :class:`Gone`."""
        return self._watch(namespace, of_name(name), version, str(seconds), {})

    def _watch(
        self,
        namespace: str | None,
        chosen: Mapping[str, str],
        version: str,
        lasting: str,
        headers: Mapping[str, str],
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        since = {"watch": "1", "resourceVersion": version, "timeoutSeconds": lasting}
        with send(
            self.session,
            "GET",
            self.url + job_path(namespace),
            API_SERVER,
            params={**chosen, **since},
            headers=headers,
            read_seconds=WATCH_SECONDS * 2,
        ) as response:
            _check(response, None)
            try:
                for line in response.iter_lines(chunk_size=None):
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise Gone(str(event["object"].get("message")))
                    yield event["type"], event["object"]
            except (requests.RequestException, ValueError, LookupError, TypeError) as error:
                raise Gone(why(error)) from error

    def _ask(
        self, method: str, path: str, *, job: tuple[str, str] | None = None, **more: Any
    ) -> dict[str, Any]:
        with send(self.session, method, self.url + path, API_SERVER, **more) as response:
            _check(response, job)
            return document_of(response, self.url)


def document_of(response: requests.Response, url: str) -> dict[str, Any]:
    """The object that an API server answered; raises :class:`EndpointError` without one."""
    document = content_of(response, f"{url} is no Kubernetes API server")
    if not isinstance(document, dict):
        raise EndpointError(f"{url} is no Kubernetes API server")
    return document


def _check(response: requests.Response, job: tuple[str, str] | None) -> None:
    if response.ok:
        return
    text = said(response)
    match response.status_code:
        case requests.codes.gone:
            raise Gone(text)
        case requests.codes.unauthorized:
            raise EndpointError("the API server does not know this user or token")
        case requests.codes.not_found if job is not None and "could not find" not in text:
            raise no_such_job(*job)
        case requests.codes.not_found if "could not find" in text:
            raise EndpointError(
                f"the API server does not know {KIND}s: install the operator with its CRD,"
                " or choose another cluster with --context"
            )
        case requests.codes.bad_request if "unable to parse requirement" in text:
            raise BadSelector(f"--selector: {text}; write something like a=b,c!=d")
        case requests.codes.forbidden if "is forbidden: User" in text:
            raise EndpointError(f"{text}; ask for a Role with that right (docs/install.md)")
        case status if status in BUSY:
            raise Unreachable(text)
    raise EndpointError(text)


@contextmanager
def connect(config: Kubeconfig, tokens: Tokens | None = None) -> Iterator[Api]:
    """A client of the cluster, as the kubeconfig's user or with another's token.

    As with kubectl, a client certificate is shown beside a token, and decides.

    It is ``requests`` alone: pykube imports OAuth as well wherever that is installed,
    which takes as long as the rest of a short command.
    """
    cluster, user = config.cluster, config.user
    url = str(cluster.get("server") or "")
    if not url.startswith(("https://", "http://")):
        raise EndpointError(f"the kubeconfig's cluster has no server that is an URL: {url!r}")
    with ExitStack() as files, requests.Session() as session:
        authority = _kept(files, cluster, "certificate-authority")
        # Without an authority of its own a cluster has one that everybody knows.
        session.verify = authority or not cluster.get("insecure-skip-tls-verify")
        if certificate := _kept(files, user, "client-certificate"):
            session.cert = (certificate, _kept(files, user, "client-key") or certificate)
        if tokens or config.has_token:
            session.auth = Bearer(tokens or Tokens(config.credential))
        elif user.get("username"):
            session.auth = (str(user["username"]), str(user.get("password") or ""))
        if name := cluster.get("tls-server-name"):
            session.mount("https://", _Named(str(name)))
        yield Api(session, url)


class _Named(requests.adapters.HTTPAdapter):
    """Expects a certificate of another name than the address has."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__()

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **more: Any
    ) -> None:
        """Hand the name to every connection."""
        more |= {"assert_hostname": self._name, "server_hostname": self._name}
        super().init_poolmanager(connections, maxsize, block, **more)


def _kept(files: ExitStack, entry: Mapping[str, Any], key: str) -> str:
    """The file that an entry of the kubeconfig names or holds; empty for none."""
    if inline := entry.get(f"{key}-data"):
        return _file(files, inline, f"{key}-data")
    path = str(entry.get(key) or "")
    if path and not Path(path).is_file():
        raise EndpointError(f"the kubeconfig's {key} {path} is no file")
    return path


def _file(files: ExitStack, text: object, what: str) -> str:
    try:
        content = base64.b64decode(str(text), validate=True)
    except ValueError as error:
        raise EndpointError(f"in the kubeconfig, {what} is not base64") from error
    folder = files.enter_context(tempfile.TemporaryDirectory(prefix="djob-"))
    file = Path(folder) / "it.pem"
    file.write_bytes(content)
    return str(file)

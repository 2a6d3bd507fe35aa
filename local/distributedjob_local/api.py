"""Calls to the API server: apply, read, and the client they go through."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from pykube.config import KubeConfig
from pykube.http import HTTPClient

from distributedjob_local.errors import LocalError

FIELD_MANAGER = "djob-local"


def connect(url: str, authority: Path, token: str) -> HTTPClient:
    """A client that trusts this one authority and heeds no proxy settings."""
    document = {
        "clusters": [
            {
                "name": "local",
                "cluster": {"server": url, "certificate-authority": str(authority)},
            }
        ],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "admin"}}],
        "current-context": "local",
    }
    client = HTTPClient(KubeConfig(document))
    client.session.trust_env = False
    return client


def answers(client: HTTPClient, path: str) -> bool:
    """Whether the server says 200 to this path."""
    with _answered(client):
        response = client.session.get(client.url + path, timeout=30)
    return bool(response.status_code == requests.codes.ok)


def read(client: HTTPClient, path: str) -> dict[str, Any]:
    """The object or list at this path."""
    with _answered(client):
        document: dict[str, Any] = _checked(
            client.session.get(client.url + path, timeout=30)
        ).json()
    return document


def apply(client: HTTPClient, path: str, document: dict[str, Any]) -> None:
    """Bring an object to this form, whether or not it exists: server-side apply."""
    with _answered(client):
        response = client.session.patch(
            client.url + path,
            params={"fieldManager": FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"},
            headers={"Content-Type": "application/apply-patch+yaml"},
            json=document,
            timeout=30,
        )
        _checked(response)


def delete(client: HTTPClient, path: str) -> None:
    """Delete an object that exists."""
    with _answered(client):
        _checked(client.session.delete(client.url + path, timeout=30))


@contextmanager
def _answered(client: HTTPClient) -> Iterator[None]:
    try:
        yield
    except requests.RequestException as error:
        raise LocalError(
            f"the API server at {client.url} does not answer: {type(error).__name__}"
        ) from error


def _checked(response: requests.Response) -> requests.Response:
    if not response.ok:
        try:
            message = response.json()["message"]
        except (requests.JSONDecodeError, KeyError):
            message = f"{response.status_code} {response.reason}"
        raise LocalError(f"the API server refused {response.url}: {message}")
    return response

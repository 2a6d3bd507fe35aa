"""The operator's Lease: who leads, and where that one says it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from distributedjob_api.constants import ENDPOINT_ANNOTATION
from distributedjob_cli.client.api import Api, document_of
from distributedjob_cli.client.http import API_SERVER, BUSY, EndpointError, Unreachable, said, send

INSTEAD = "name another Lease with --lease, or pass the operator's address with --endpoint"


@dataclass(frozen=True, slots=True)
class Lease:
    """What it says; empty where it says nothing."""

    namespace: str
    name: str
    holder: str = ""
    endpoint: str = ""

    def __str__(self) -> str:
        return f"Lease {self.namespace}/{self.name}"


def read_lease(api: Api, place: tuple[str, str]) -> Lease:
    """Read it as the kubeconfig's user.

    Raises:
        EndpointError: the API server says no, or there is no such Lease.
    """
    namespace, name = place
    path = f"/apis/coordination.k8s.io/v1/namespaces/{quote(namespace)}/leases/{quote(name)}"
    with send(api.session, "GET", api.url + path, API_SERVER) as response:
        if response.status_code == requests.codes.not_found:
            raise EndpointError(f"no operator: there is no Lease {namespace}/{name}; {INSTEAD}")
        if response.status_code == requests.codes.unauthorized:
            raise EndpointError("the API server does not know this token")
        if not response.ok:
            kind = Unreachable if response.status_code in BUSY else EndpointError
            raise kind(f"cannot read Lease {namespace}/{name}: {said(response)}; {INSTEAD}")
        document = document_of(response, api.url)
    holder = _part(document, "spec").get("holderIdentity") or ""
    annotations = _part(_part(document, "metadata"), "annotations")
    return Lease(namespace, name, str(holder), str(annotations.get(ENDPOINT_ANNOTATION) or ""))


def _part(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = document.get(key)
    return part if isinstance(part, dict) else {}

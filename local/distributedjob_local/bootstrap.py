"""What stands in the cluster before its first job: the resource, a namespace, nodes."""

import os
import time
from typing import Any, Final

from pykube.http import HTTPClient

from distributedjob_api import constants
from distributedjob_api.schema import custom_resource_definition
from distributedjob_local import api
from distributedjob_local.errors import NotReadyError

ESTABLISHED_SECONDS: Final = 30.0
NODE_LABEL: Final = f"{constants.GROUP}/local"


def apply_resource(client: HTTPClient) -> None:
    """Apply the CRD and return when the API server serves the resource."""
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{constants.CRD_NAME}"
    api.apply(client, path, custom_resource_definition())
    served = f"/apis/{constants.API_VERSION}/{constants.PLURAL}"
    deadline = time.monotonic() + ESTABLISHED_SECONDS
    while not (_established(api.read(client, path)) and api.answers(client, served)):
        if time.monotonic() > deadline:
            raise NotReadyError(f"{constants.CRD_NAME} is not established")
        time.sleep(0.05)


def apply_namespace(client: HTTPClient, name: str) -> None:
    """Make a namespace, unless it exists."""
    document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    api.apply(client, f"/api/v1/namespaces/{name}", document)


def apply_nodes(client: HTTPClient, count: int, cpu: str) -> None:
    """Make nodes ``node-1`` to ``node-N`` and delete those of an earlier, larger N."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // max(1, count)
    wanted = [f"node-{number}" for number in range(1, count + 1)]
    for number, name in enumerate(wanted, start=1):
        path = f"/api/v1/nodes/{name}"
        api.apply(client, path, _node(name))
        api.apply(client, f"{path}/status", _node_status(name, node_address(number), cpu, memory))
    selector = f"/api/v1/nodes?labelSelector={NODE_LABEL}%3Dtrue"
    for item in api.read(client, selector)["items"]:
        if item["metadata"]["name"] not in wanted:
            api.delete(client, f"/api/v1/nodes/{item['metadata']['name']}")


def node_address(number: int) -> str:
    """The loopback address of the n-th node: distinct, so that none is confused."""
    return f"127.0.{1 + number // 256}.{number % 256}"


def _established(definition: dict[str, Any]) -> bool:
    conditions = definition.get("status", {}).get("conditions") or []  # First it is null.
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def _node(name: str) -> dict[str, Any]:
    labels = {"kubernetes.io/hostname": name, NODE_LABEL: "true"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
    }


def _node_status(name: str, address: str, cpu: str, memory: int) -> dict[str, Any]:
    resources = {"cpu": cpu, "memory": f"{memory // 1024}Ki"}
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {
            "capacity": resources,
            "allocatable": resources,
            "addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": name},
            ],
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "EmbeddedNode",
                    "message": "a worker process stands for this node",
                    "lastHeartbeatTime": now,
                    "lastTransitionTime": now,
                }
            ],
        },
    }

"""Node objects: the machine registry's first half, address and allocatable CPU."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from kubernetes.aio import client
from msgspec import json

from distributedjob_api.quantity import QuantityError, cpu_millis, memory_bytes
from distributedjob_operator.core.fleet import Node
from distributedjob_operator.core.policy.nodes import Taint
from distributedjob_operator.kube.client import in_our_words

_LIST_SECONDS = 30.0
_AT_ONCE: Final = 100
"""Nodes that are read between two turns of the leader's loop."""


class _Nodes(msgspec.Struct):
    """A NodeList whose items are not read yet."""

    items: list[msgspec.Raw]


class Nodes:
    """:class:`~distributedjob_operator.ports.NodeStore` on the API server."""

    def __init__(self, api: client.ApiClient) -> None:
        self._core = client.CoreV1Api(api)

    async def list_nodes(self) -> list[Node]:
        """Every node of the cluster.

        The client's own models take milliseconds for each, in which the leader's loop stands
        still: with five thousand of them until it is given up for dead.
        """
        async with in_our_words():
            answer = await self._core.list_node_without_preload_content(
                _request_timeout=_LIST_SECONDS
            )
            text = await answer.read()
            if answer.status != HTTPStatus.OK:
                said = text.decode(errors="replace")
                raise client.ApiException(status=answer.status, reason=answer.reason, body=said)
        nodes = []
        for number, item in enumerate(json.decode(text, type=_Nodes).items, start=1):
            nodes.append(node_of(json.decode(item)))
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return nodes


def node_of(body: Mapping[str, Any]) -> Node:
    """A Node object as the planner sees it; what cannot be read counts as nothing."""
    status = body.get("status") or {}
    spec = body.get("spec") or {}
    allocatable = status.get("allocatable") or {}
    addresses = {entry["type"]: entry["address"] for entry in status.get("addresses") or ()}
    ready = any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in status.get("conditions") or ()
    )
    return Node(
        name=body["metadata"]["name"],
        address=addresses.get("InternalIP", addresses.get("Hostname", "")),
        cpu_millis=_read(cpu_millis, allocatable.get("cpu")),
        ready=ready,
        version=int(body["metadata"].get("resourceVersion") or 0),
        cordoned=bool(spec.get("unschedulable")),
        memory_bytes=_read(memory_bytes, allocatable.get("memory")),
        labels=body["metadata"].get("labels") or {},
        taints=[
            Taint(taint["key"], taint.get("value", ""), taint["effect"])
            for taint in spec.get("taints") or ()
        ],
    )


def _read(parse: Callable[[str], int], text: object) -> int:
    try:
        return parse(str(text or 0))
    except QuantityError:
        return 0

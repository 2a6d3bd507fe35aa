"""The nodes as the API server lists them: what is read of them, and what that costs."""

import json
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client

from distributedjob_operator.core.policy.nodes import Taint
from distributedjob_operator.kube.nodes import Nodes
from distributedjob_operator.ports import Denied

MANY = 300


def a_body(name: str) -> dict[str, object]:
    """A Node with as much beside what matters as a kubelet reports."""
    ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-01T00:00:00Z"}
    images = [
        {"names": [f"registry.example/image-{number}@sha256:{'a' * 64}"], "sizeBytes": 12_345}
        for number in range(50)
    ]
    return {
        "metadata": {"name": name, "resourceVersion": "17", "labels": {"disk": "ssd"}},
        "spec": {"taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}]},
        "status": {
            "allocatable": {"cpu": "3500m", "memory": "2Gi"},
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            "conditions": [ready],
            "images": images,
        },
    }


class Listed:
    """An API server with one answer, and a client of it."""

    def __init__(self, api: client.ApiClient) -> None:
        self.nodes = Nodes(api)
        self.status, self.text = 200, ""

    def holds(self, count: int) -> None:
        bodies = [a_body(f"n{number}") for number in range(count)]
        self.text = json.dumps({"kind": "NodeList", "metadata": {}, "items": bodies})

    async def answer(self, _: web.Request) -> web.Response:
        return web.Response(status=self.status, text=self.text, content_type="application/json")


@pytest.fixture
async def listed() -> AsyncIterator[Listed]:
    application = web.Application()
    server = TestServer(application)
    configuration = client.Configuration()
    async with client.ApiClient(configuration) as api:
        made = Listed(api)
        application.router.add_get("/api/v1/nodes", made.answer)
        await server.start_server()
        configuration.host = str(server.make_url("")).rstrip("/")
        yield made
        await server.close()


async def test_a_node_is_read_as_far_as_the_planner_needs_it(listed: Listed) -> None:
    listed.holds(2)
    first, second = await listed.nodes.list_nodes()
    assert (first.name, second.name) == ("n0", "n1")
    assert (first.cpu_millis, first.memory_bytes, first.version) == (3500, 2**31, 17)
    assert (first.address, first.ready, first.cordoned) == ("10.0.0.1", True, False)
    assert (first.labels, first.taints) == ({"disk": "ssd"}, [Taint("a", "b", "NoSchedule")])


async def test_a_refusal_says_what_the_api_server_said(listed: Listed) -> None:
    listed.status, listed.text = 403, json.dumps({"kind": "Status", "message": "no right"})
    with pytest.raises(Denied, match=r"^HTTP 403 .*: no right$"):
        await listed.nodes.list_nodes()


async def test_a_thousand_nodes_cost_about_as_much_as_their_text(listed: Listed) -> None:
    listed.holds(MANY)
    reading, listing = [], []
    for _ in range(3):
        began = time.thread_time()
        json.loads(listed.text)
        reading.append(time.thread_time() - began)
        began = time.thread_time()
        assert len(await listed.nodes.list_nodes()) == MANY
        listing.append(time.thread_time() - began)
    # As the client's own models they cost thirty times as much.
    assert min(listing) < 10 * min(reading)

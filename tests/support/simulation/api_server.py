"""The API server: objects under versions, watches, one Lease, and answers that go missing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from distributedjob_operator.core.election import LeaseRecord
from distributedjob_operator.core.fleet import Node
from distributedjob_operator.ports import Conflict, NotFound
from tests.support.simulation.history import History
from tests.support.simulation.loop import VirtualLoop
from tests.support.simulation.nats import Link

Body = dict[str, Any]
"""An object; never changed in place, so that everyone may hold it."""

Watcher = Callable[[str | None, Body | Node], None]
"""Gets the kind of a watch event, None for the initial list, and the object."""


@dataclass(frozen=True, slots=True)
class ApiFaults:
    """How likely each request meets what; all zero is a perfect server."""

    refused: float = 0.0
    answer_lost: float = 0.0
    slow: float = 0.0
    conflict: float = 0.0
    event_missed: float = 0.0


class ApiServer:
    """The objects in etcd, and all that the server does with them by itself."""

    def __init__(self, loop: VirtualLoop, random: Random, history: History) -> None:
        self.loop = loop
        self.random = random
        self.history = history
        self.up = True
        self.faults = ApiFaults()
        self.links: dict[str, Link] = {}
        self.jobs: dict[str, Body] = {}
        self.gone: dict[str, float] = {}
        self.nodes: dict[str, Node] = {}
        self.lease: LeaseRecord | None = None
        self.lease_waiters: list[Callable[[], None]] = []
        self.watchers: list[Watcher] = []
        self.written: Callable[[Body, Body], None] = lambda before, after: None
        self._version = 100

    def link(self, place: str) -> Link:
        """The way between a machine and this server."""
        return self.links.setdefault(place, Link())

    def next_version(self) -> str:
        """etcd's revision after one more write."""
        self._version += 1
        return str(self._version)

    # -- jobs ----------------------------------------------------------------------

    def create(self, body: Body) -> None:
        """A user creates a job."""
        version = self.next_version()
        body = {**body, "metadata": {**body["metadata"], "resourceVersion": version}}
        self.jobs[body["metadata"]["name"]] = body
        self._tell("ADDED", body)

    def edit(self, name: str, **spec: Any) -> bool:
        """A user changes a spec; False where there is no such job."""
        body = self.jobs.get(name)
        if body is None:
            return False
        metadata = body["metadata"]
        self._replace(
            {
                **body,
                "metadata": {**metadata, "generation": metadata["generation"] + 1},
                "spec": {**body["spec"], **spec},
            }
        )
        return True

    def touch(self, name: str) -> None:
        """Somebody writes an annotation: another version, nothing else."""
        if name in self.jobs:
            self._replace(self.jobs[name])

    def delete(self, name: str) -> bool:
        """A user deletes a job; False where there is no such job."""
        body = self.jobs.pop(name, None)
        if body is None:
            return False
        self.gone[body["metadata"]["uid"]] = self.loop.time()
        self.next_version()
        self._tell("DELETED", body)
        return True

    def write_status(self, name: str, uid: str, version: str, status: Body) -> str:
        """PUT of the status subresource, with uid and version as preconditions."""
        body = self.jobs.get(name)
        if body is None:
            raise NotFound(name)
        if self.faults.conflict and self.random.random() < self.faults.conflict:
            self.touch(name)
            body = self.jobs[name]
        metadata = body["metadata"]
        if metadata["uid"] != uid:
            raise Conflict("another object has the name")
        if metadata["resourceVersion"] != version:
            raise Conflict("the object has been modified")
        after = self._replace({**body, "status": status})
        self.written(body, after)
        return str(after["metadata"]["resourceVersion"])

    def _replace(self, body: Body) -> Body:
        metadata = {**body["metadata"], "resourceVersion": self.next_version()}
        body = {**body, "metadata": metadata}
        self.jobs[metadata["name"]] = body
        self._tell("MODIFIED", body)
        return body

    def _tell(self, kind: str, what: Body | Node) -> None:
        for watcher in list(self.watchers):
            watcher(kind, what)

    # -- nodes and the Lease -------------------------------------------------------

    def set_node(self, node: Node) -> None:
        """A Node is registered, or changed."""
        kind = "MODIFIED" if node.name in self.nodes else "ADDED"
        self.nodes[node.name] = node
        self._tell(kind, node)

    def delete_node(self, name: str) -> None:
        """A Node is taken out of the cluster."""
        self._tell("DELETED", self.nodes.pop(name))

    def write_lease(self, record: LeaseRecord, *, create: bool) -> LeaseRecord:
        """Create the Lease, or replace the version that the record names."""
        now = self.lease
        if create is (now is not None) or (now is not None and now.version != record.version):
            raise Conflict("the Lease is at another version")
        self.lease = replace(record, version=self.next_version())
        if now is None or now.holder != record.holder:
            self.history.note(self.loop.time(), f"Lease held by {record.holder or 'nobody'}")
        self.lease_changed()
        return self.lease

    def lease_changed(self) -> None:
        """Wake whoever watches the Lease."""
        waiters, self.lease_waiters = self.lease_waiters, []
        for waiter in waiters:
            waiter()

"""The operator's ports to the simulated API server, one client a process."""

from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar

from distributedjob_operator.core.election import LeaseRecord
from distributedjob_operator.core.fleet import Node
from distributedjob_operator.ports import NotFound, Unavailable
from tests.support.simulation.api_server import ApiServer, Body
from tests.support.simulation.nats import Link
from tests.support.simulation.process import Process

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
_NOBODY = Context()

TIMEOUT_SECONDS = 1.5
"""No request may outlast the renew deadline of the Lease."""


class ApiClient:
    """Stores of jobs, nodes, ConfigMaps, Events and the Lease, as ``ports`` has them.

    A request that has left the process is carried out whatever becomes of the
    process: stopped, killed, or tired of waiting for the answer.
    """

    def __init__(self, server: ApiServer, process: Process, link: Link) -> None:
        self._server = server
        self._process = process
        self._link = link

    # -- jobs, nodes, ConfigMaps, Events -------------------------------------------

    async def list_jobs(self) -> list[Body]:
        """Every job, as it is when the request arrives."""
        return await self._ask(lambda: list(self._server.jobs.values()))

    async def read_job(self, namespace: str, name: str) -> Body:
        """One job, as it is when the request arrives."""

        def read() -> Body:
            if name not in self._server.jobs:
                raise NotFound(name)
            return self._server.jobs[name]

        return await self._ask(read)

    async def write_status(
        self, namespace: str, name: str, uid: str, version: str, status: dict[str, Any]
    ) -> str:
        """Replace the status."""
        return await self._ask(lambda: self._server.write_status(name, uid, version, status))

    async def delete_job(self, namespace: str, name: str, uid: str) -> None:
        """Delete a job after its time to live."""

        def delete() -> None:
            if self._server.jobs.get(name, {}).get("metadata", {}).get("uid") != uid:
                raise NotFound(name)
            self._server.delete(name)

        await self._ask(delete)

    async def list_nodes(self) -> list[Node]:
        """Every node, as it is when the request arrives."""
        return await self._ask(lambda: list(self._server.nodes.values()))

    async def read_key(self, namespace: str, name: str, key: str) -> str | None:
        """No ConfigMap is simulated."""
        return await self._ask(lambda: None)

    async def emit(
        self, namespace: str, name: str, uid: str, reason: str, note: str, *, warning: bool
    ) -> None:
        """Events are told and forgotten."""
        self._process.effect()

    # -- the Lease -----------------------------------------------------------------

    async def read_lease(self) -> LeaseRecord | None:
        """The record, as it is when the request arrives."""
        return await self._ask(lambda: self._server.lease)

    async def create_lease(self, record: LeaseRecord) -> LeaseRecord:
        """Create it."""
        return await self._ask(lambda: self._server.write_lease(record, create=True))

    async def replace_lease(self, record: LeaseRecord, *, acquired: bool) -> LeaseRecord:
        """Replace the version that the record names."""
        return await self._ask(lambda: self._server.write_lease(record, create=False))

    async def lease_changed(self, version: str) -> None:
        """Wait for another version; whoever asks has a time limit of its own."""
        self._process.effect()
        server = self._server
        if not server.up or not self._link.whole:
            raise Unavailable("the watch ended")
        if server.lease is not None and server.lease.version != version:
            return
        changed = server.loop.create_future()
        server.lease_waiters.append(lambda: changed.done() or changed.set_result(None))
        await changed

    # -- the way there and back ----------------------------------------------------

    async def _ask(self, act: Callable[[], T]) -> T:
        self._process.effect()
        server = self._server
        answer: asyncio.Future[T] = server.loop.create_future()
        delay = 0.001 + 0.002 * server.random.random()
        # In nobody's context: it goes on whatever becomes of who asked.
        server.loop.call_later(delay, self._carry_out, act, answer, context=_NOBODY)
        return await answer

    def _carry_out(self, act: Callable[[], T], answer: "asyncio.Future[T]") -> None:
        server, faults, dice = self._server, self._server.faults, self._server.random.random
        if not server.up:
            self._fail(answer, 0.0, "connection refused")
            return
        if self._link.outward_cut:
            self._fail(answer, TIMEOUT_SECONDS, "no way to the server")
            return
        if faults.refused and dice() < faults.refused:
            self._fail(answer, 0.0, "HTTP 429 Too Many Requests")
            return
        try:
            result, error = act(), None
        except Exception as raised:
            result, error = None, raised
        if self._link.inward_cut or (faults.answer_lost and dice() < faults.answer_lost):
            self._fail(answer, TIMEOUT_SECONDS * dice(), "the answer was lost")
            return
        slow = TIMEOUT_SECONDS * dice() if faults.slow and dice() < faults.slow else 0.0
        if slow:
            server.loop.call_later(slow, _settle, answer, result, error, context=_NOBODY)
        else:
            _settle(answer, result, error)

    def _fail(self, answer: "asyncio.Future[T]", after: float, why: str) -> None:
        self._server.loop.call_later(
            after, _settle, answer, None, Unavailable(why), context=_NOBODY
        )


def _settle(answer: "asyncio.Future[Any]", result: Any, error: Exception | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)

"""``GET /metrics`` of a worker: what it counts and holds, for whoever reaches the address.

A thread waits for requests, one after the other; what it answers is read by the agent's
own loop, between two messages. Without metrics an agent works on.
"""

import asyncio
import importlib.metadata
import logging
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final

from distributedjob_api import metric_families as families
from distributedjob_api.exposition import CONTENT_TYPE, Sample, exposition, nats
from distributedjob_worker.agent import Agent
from distributedjob_worker.bus import Bus
from distributedjob_worker.core.worker import Worker
from distributedjob_worker.spool import Spool

_log = logging.getLogger(__name__)

REQUEST_SECONDS: Final = 5.0
"""Whoever asks and then says no more holds up the others no longer than that."""


@dataclass(frozen=True, slots=True)
class WorkerMetrics:
    """Reads one agent."""

    pool: str
    core: Worker
    agent: Agent
    spool: Spool
    bus: Bus

    def samples(self) -> Iterator[Sample]:
        """The families, anew each time."""
        core, queues = self.core, self.core.queues
        version = importlib.metadata.version("distributedjobs")
        slots = core.identity.cpu_millis
        yield families.BUILD_INFO, {("worker", version): 1}
        yield families.WORKER_READY, self.agent.ready
        yield families.WORKER_EPOCH, core.session.epoch
        yield families.ATTEMPTS, self.agent.tally.attempts
        yield families.RUN_SECONDS, {self.pool: core.run_seconds}
        jobs = [*queues.jobs.values()]
        yield families.WORKER_QUEUED, sum(len(job.waiting) + len(job.ahead) for job in jobs)
        yield families.WORKER_RUNNING, queues.running_count
        yield families.WORKER_SLOTS, slots / 1000
        yield families.WORKER_SLOTS_BUSY, (slots - queues.free_millis) / 1000
        yield families.WORKER_HELD, core.held
        yield families.SPOOL_BYTES, self.spool.size
        yield families.WORKER_REFUSED, self.agent.refused.count
        yield families.WORKER_JOURNAL_DROPPED, self.bus.dropped_records
        yield from nats(self.bus.health)


def serve(host: str, port: int, metrics: WorkerMetrics) -> None:
    """Answer at this address, from a thread of its own, as long as the process lives.

    Where it cannot be had, the log says so and that is all: tasks matter more.
    """
    render = exposition(metrics.samples)
    loop = asyncio.get_running_loop()

    async def read() -> bytes:
        return render()

    def answer() -> bytes:
        return asyncio.run_coroutine_threadsafe(read(), loop).result(REQUEST_SECONDS)

    try:
        server = (_Server6 if ":" in host else _Server)((host, port), _handler(answer))
    except OSError as error:
        _log.error("DJOB_METRICS_LISTEN: cannot listen on %s:%d: %s", host, port, error)
        return
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    _log.info("metrics at %s:%d/metrics", *server.server_address[:2])


class _Server(HTTPServer):
    def server_bind(self) -> None:
        """As any server does: HTTPServer would look up its own name, which may take long."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever hung up is no news."""
        _log.debug("a request for metrics was not answered", exc_info=True)


class _Server6(_Server):
    address_family = socket.AF_INET6


def _handler(answer: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_SECONDS

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            try:
                body = answer()
            except TimeoutError:
                self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: scrapes are no news."""

    return Handler

"""One replica of the operator after another: the real life of one, upon simulated ports."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from distributedjob_api.subjects import Subjects, sender
from distributedjob_operator.controller import Controller
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.fleet import Node
from distributedjob_operator.core.leader import Tuning
from distributedjob_operator.errors import OperatorError
from distributedjob_operator.leadership import Leadership, Timing
from distributedjob_operator.ports import Kubernetes
from distributedjob_operator.replica import Replica, run
from tests.support.simulation.api_client import ApiClient
from tests.support.simulation.host import Host
from tests.support.simulation.ledger import SILENCE_SECONDS
from tests.support.simulation.nats import Connection, OperatorBus
from tests.support.simulation.process import Process
from tests.support.simulation.world import INSTALLATION, World

START = datetime(2026, 1, 1, tzinfo=UTC)
TIMING = Timing(lease_duration=3.0, renew_deadline=2.0, retry_period=0.5)
PROBE_SECONDS = 0.75
"""As the lease and the silence: several times shorter than in earnest, in the same proportion."""

TUNING = Tuning(
    report_seconds=0.1, silence_seconds=SILENCE_SECONDS, relist_seconds=6.0, first_write_seconds=0.1
)


class Clock:
    """Virtual time; the wall clock may be wrong, and may jump."""

    def __init__(self, host: "OperatorHost") -> None:
        self._host = host

    def now(self) -> Instant:
        """This moment."""
        mono = self._host.world.loop.time()
        return Instant(mono, START + timedelta(seconds=mono + self._host.wall_ahead))


class Watch:
    """kopf's part: events in order, but late, and now and then missing."""

    def __init__(self, host: "OperatorHost", process: Process, controller: Controller) -> None:
        self._host = host
        self._process = process
        self._controller = controller
        self._due = 0.0
        controller.on_missed = self.restart
        host.world.api.watchers.append(self._event)
        self.restart()

    def restart(self) -> None:
        """List anew: nothing tells of what was deleted meanwhile."""
        api = self._host.world.api
        if not self._process.alive:
            return
        if not api.up or not self._host.api_link.whole:
            self._host.world.loop.call_later(0.5, self.restart, context=self._process.context)
            return
        for what in (*api.nodes.values(), *api.jobs.values()):
            self._deliver(None, what)

    def close(self) -> None:
        """The process is dead."""
        self._host.world.api.watchers.remove(self._event)

    def _event(self, kind: str | None, what: dict[str, Any] | Node) -> None:
        api = self._host.world.api
        missed = api.faults.event_missed
        if api.up and self._host.api_link.whole and not (missed and api.random.random() < missed):
            self._deliver(kind, what)

    def _deliver(self, kind: str | None, what: dict[str, Any] | Node) -> None:
        world = self._host.world
        delay = 0.001 + 0.5 * world.random.random() ** 8
        self._due = max(self._due, world.loop.time() + delay)
        controller = self._controller
        call = controller.node_event if isinstance(what, Node) else controller.job_event
        world.loop.call_at(self._due, call, kind, what, context=self._process.context)


class OperatorHost(Host):
    """One pod of the Deployment."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.wall_ahead = 0.0
        self.api_link = world.api.link(name)
        self._stop: asyncio.Event | None = None
        self._watch: Watch | None = None

    async def _main(self, process: Process) -> None:
        world, loop = self.world, self.world.loop
        clock = Clock(self)
        subjects = Subjects(INSTALLATION)
        api = ApiClient(world.api, process, self.api_link)
        leadership = Leadership(api, clock, process.name, TIMING, world.random.random)
        failed: asyncio.Future[None] = loop.create_future()
        stop = self._stop = asyncio.Event()

        def fail(reason: str) -> None:
            if not failed.done():
                failed.set_exception(OperatorError(reason))

        def message(subject: str, data: bytes) -> None:
            world.ledger.hears(self.name, sender(subject)[1], loop.time())
            controller.message(subject, data)

        up = asyncio.Event()

        def came_up() -> None:
            world.ledger.operator_began(self.name, list(world.workers), loop.time())
            if up.is_set():
                controller.reconnected()
            up.set()

        connection = Connection(
            world.nats,
            process,
            world.nats.link(self.name),
            lambda subject: ".leader." in subject,
            message,
            came_up,
        )
        bus = OperatorBus(connection)
        world.nats.open(connection)
        await up.wait()
        controller = Controller(
            Kubernetes(api, api, api, api), bus, bus, leadership, clock, subjects, TUNING
        )
        self._watch = Watch(self, process, controller)
        try:
            await run(Replica(bus, bus, leadership, controller, failed, fail, PROBE_SECONDS), stop)
        except OperatorError as error:
            world.note(f"{process.name} ends: {error}")
        process.kill()

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()

    def stop(self) -> None:
        """SIGTERM."""
        if self.up and self._stop is not None:
            self._stop.set()

    def watch_again(self) -> None:
        """The API server is in reach again: kopf lists, and goes on from there."""
        if self._watch is not None:
            self._watch.restart()

    def away(self) -> None:
        """It does not listen for a while: nobody's silence is known from it."""
        now = self.world.loop.time()
        self.world.ledger.operator_left(self.name, list(self.world.workers), now)

    def back(self) -> None:
        """It listens again."""
        if self.up:
            self.world.ledger.operator_began(
                self.name, list(self.world.workers), self.world.loop.time()
            )

    def _end(self) -> None:
        self.away()
        if self._watch is not None:
            self._watch.close()
            self._watch = None

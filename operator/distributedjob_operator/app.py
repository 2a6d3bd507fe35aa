"""The composition root: settings, clients, leadership, watch; the only real clock."""

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from distributedjob_api.exposition import exposition
from distributedjob_api.logs import start_logging
from distributedjob_api.subjects import Subjects
from distributedjob_operator.bus.connection import connect as connect_bus
from distributedjob_operator.bus.journal import Journal
from distributedjob_operator.controller import Controller
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.leader import Tuning
from distributedjob_operator.endpoint import Endpoint
from distributedjob_operator.errors import LeaseLost, OperatorError, SettingsError
from distributedjob_operator.health import Readiness, Signs, why_dead
from distributedjob_operator.kube.access import Access
from distributedjob_operator.kube.client import connect as connect_api
from distributedjob_operator.kube.configmaps import ConfigMaps
from distributedjob_operator.kube.distributedjobs import DistributedJobs
from distributedjob_operator.kube.events import Events
from distributedjob_operator.kube.leases import Leases
from distributedjob_operator.kube.nodes import Nodes, node_of
from distributedjob_operator.kube.traffic import ApiTraffic
from distributedjob_operator.leadership import Leadership, Timing
from distributedjob_operator.lease_thread import LeadershipOnThread, LeaseThread
from distributedjob_operator.metrics import ReplicaMetrics
from distributedjob_operator.ports import BusEvents, Kubernetes
from distributedjob_operator.replica import Replica, first_end, run
from distributedjob_operator.settings import Settings, read_settings
from distributedjob_operator.shared_journal import SharedJournal
from distributedjob_operator.sources import Sources
from distributedjob_operator.watch import Watch

_log = logging.getLogger(__name__)

FIRST_WRITE_SECONDS = 0.1
"""Nobody sees a job as Running that much later than it began."""

YOUNG_OBJECTS = 10_000
"""Python's 700 are fewer than a report may hold: it would be taken for long-lived, and the
garbage collector would go through ten thousand jobs, for half a second, every few seconds."""

CLOCK_SKEW = timedelta(seconds=2)
"""A Date has whole seconds, and an answer its way to go: less than this is no skew."""


class SystemClock:
    """CLOCK_BOOTTIME for intervals: it goes on while a paused machine sleeps.

    The wall clock is the API server's, as its answers tell it: what stands in objects
    was stamped by it, and by other replicas, and a machine's own may be wrong.
    """

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> Instant:
        """This moment."""
        return Instant(time.clock_gettime(time.CLOCK_BOOTTIME), _wall() + self._ahead)

    def dated(self, server: datetime) -> None:
        """An answer of the API server is of this second."""
        ahead = server - _wall()
        self._ahead = ahead if abs(ahead) > CLOCK_SKEW else timedelta()


def _wall() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


async def serve(settings: Settings, elections: list[Leadership]) -> None:
    """Run one replica until a signal, or until it must not go on.

    Args:
        settings: what it is told.
        elections: gets its part in the election, for whoever asks for the epoch.

    Raises:
        OperatorError: a client cannot be used.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with AsyncExitStack() as opened:
        starting = asyncio.create_task(_start(settings, stop, opened, elections))
        await first_end(starting, stop.wait())
        if not starting.cancelled():
            try:
                await run(starting.result(), stop)
            except LeaseLost as error:
                # Out at once, as with client-go: another replica may lead already, and
                # readers of the endpoint and connections that hang take long to close.
                _log.error("%s", error)
                os._exit(1)


async def _start(
    settings: Settings,
    stop: asyncio.Event,
    opened: AsyncExitStack,
    elections: list[Leadership],
) -> Replica:
    """Open everything, in an order whose reverse closes it; may wait for NATS for ever."""
    loop = asyncio.get_running_loop()
    clock = SystemClock()
    subjects = Subjects(settings.installation)
    failed: asyncio.Future[None] = loop.create_future()

    def fail(reason: str) -> None:
        if not failed.done() and not stop.is_set():
            failed.set_exception(OperatorError(reason))
            # Whoever waits for it raises it; during start-up nobody does.
            failed.exception()

    controllers: list[Controller] = []
    events = BusEvents(
        message=lambda subject, data: controllers[0].message(subject, data),
        reconnected=lambda: controllers[0].reconnected() if controllers else None,
        closed=lambda: fail("the NATS client closed for good"),
    )
    # The probes are answered while NATS is waited for.
    endpoint = Endpoint()
    opened.push_async_callback(endpoint.stop)
    await endpoint.start(*settings.listen)
    traffic = ApiTraffic()
    api = await connect_api(clock.dated, traffic)
    opened.push_async_callback(api.close)
    thread = LeaseThread()
    opened.push_async_callback(thread.stop)
    lease_api = await thread.run(connect_api(clock.dated, traffic))
    opened.push_async_callback(lambda: thread.run(lease_api.close()))
    bus = await connect_bus(
        settings.nats_url, settings.nats_user, settings.password, settings.holder, events
    )
    opened.push_async_callback(bus.close)
    # What closes from here on is no failure.
    opened.callback(stop.set)
    journal = Journal(
        bus.jetstream,
        subjects,
        replicas=settings.journal_replicas,
        max_bytes=settings.journal_max_bytes,
        max_age_seconds=settings.journal_max_age_seconds,
    )
    jobs = DistributedJobs(api, settings.watched_namespaces)
    kubernetes = Kubernetes(jobs, Nodes(api), ConfigMaps(api), Events(api, settings.holder, clock))
    leases = Leases(
        lease_api,
        settings.lease_namespace,
        settings.lease_name,
        clock,
        settings.endpoint_url,
    )
    timing = Timing(
        settings.lease_duration_seconds,
        settings.renew_deadline_seconds,
        settings.retry_period_seconds,
    )
    leadership = LeadershipOnThread(thread, leases, clock, settings.holder, timing)
    elections.append(leadership)
    tuning = Tuning(
        settings.report_seconds,
        settings.silence_seconds,
        first_write_seconds=FIRST_WRITE_SECONDS,
        pools=settings.served,
    )
    controller = Controller(kubernetes, bus, journal, leadership, clock, subjects, tuning)
    controllers.append(controller)
    leadership.still_seconds = lambda: controller.still_seconds
    await bus.listen(subjects.every_leader(), events)

    def on_job(kind: str | None, body: Mapping[str, Any]) -> None:
        loop.call_soon_threadsafe(controller.job_event, kind, body)

    def on_node(kind: str | None, body: Mapping[str, Any]) -> None:
        loop.call_soon_threadsafe(controller.node_event, kind, node_of(body))

    def on_watch_died(reason: str) -> None:
        loop.call_soon_threadsafe(fail, f"the watch of the API server ended: {reason}")

    watch = Watch(settings.watched_namespaces, on_job, on_node)

    def dead() -> str:
        return why_dead(Signs(watch.alive, leadership.expired_seconds, controller.still_seconds))

    ready = Readiness(bus, lambda: thread.run(leases.probe()), clock, controller.troubles)
    opened.push_async_callback(asyncio.to_thread, watch.stop)
    # What it is in the middle of sending needs all of the above.
    opened.push_async_callback(endpoint.stop)
    watch.start(on_watch_died)
    metrics = ReplicaMetrics(
        leadership, controller, traffic, lambda: bus.health, per_job=settings.metrics_per_job
    )
    endpoint.open(
        Sources(
            ready.missing,
            dead,
            exposition(metrics.samples),
            jobs.read_job,
            jobs.list_page,
            settings.watched_namespaces,
            SharedJournal(journal),
            Access(api),
            lambda: controller.lead_now,
            controller.live.ask,
        )
    )
    controller.on_missed = watch.restart
    return Replica(bus, journal, leadership, controller, failed, fail)


def _epoch(elections: list[Leadership]) -> dict[str, object]:
    """What every line of the log is about: the lead, where there is one."""
    return {"epoch": elections[0].epoch or None} if elections else {}


def main() -> int:
    """Run the operator; returns the exit code."""
    try:
        settings = read_settings()
    except OperatorError as error:
        print(f"distributedjob-operator: {error}", file=sys.stderr)
        return 2
    gc.set_threshold(YOUNG_OBJECTS)
    elections: list[Leadership] = []
    start_logging(settings.log_level, settings.log_format, lambda: _epoch(elections))
    for noisy in ("aiohttp", "nats"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        asyncio.run(serve(settings, elections))
    except OperatorError as error:
        _log.error("%s", error)
        return 2 if isinstance(error, SettingsError) else 1
    return 0

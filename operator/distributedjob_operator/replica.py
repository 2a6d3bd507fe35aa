"""One replica from its start to its end: it stands by, leads, and leaves.

Written against the ports alone, so that a simulation runs the very same life.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from distributedjob_operator.controller import Controller
from distributedjob_operator.leadership import Leadership
from distributedjob_operator.ports import Bus, Journal, Unavailable

_log = logging.getLogger(__name__)

PROBE_SECONDS = 3.0
JOURNAL_SECONDS = 10.0
END_SECONDS = 1.0
PROBES_FAILED = 4
"""So many probes in a row without answer from a client that says it is connected."""


@dataclass(frozen=True, slots=True)
class Replica:
    """What one started replica runs on."""

    bus: Bus
    journal: Journal
    leadership: Leadership
    controller: Controller
    failed: asyncio.Future[None]
    fail: Callable[[str], None]
    probe_seconds: float = PROBE_SECONDS


async def run(replica: Replica, stop: asyncio.Event) -> None:
    """Stand by and lead until told to stop, or until it must not go on.

    Raises:
        OperatorError: a Lease that was held is lost, or a client cannot be used.
    """
    leadership, controller = replica.leadership, replica.controller
    leading = asyncio.create_task(_lead(leadership, controller, replica.journal))
    try:
        await first_end(
            asyncio.shield(leading),
            _probe(replica),
            stop.wait(),
            replica.failed,
        )
        # A planned stop: the last writes, then the Lease.
        controller.retire()
        if leadership.epoch:
            await leading
    finally:
        await _end([leading])
        await leadership.release()


async def first_end(*work: Awaitable[Any]) -> None:
    """Wait until the first of several ends, end the others, and raise what it raised."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        await _end(tasks)


async def _end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """End what is under way; what swallows its cancellation, as nats-py may, is left behind."""
    for task in tasks:
        task.cancel()
    ended, _ = await asyncio.wait(tasks, timeout=END_SECONDS)
    for task in ended:
        if not task.cancelled():
            task.exception()  # What it raised is no news any more.


async def _lead(leadership: Leadership, controller: Controller, journal: Journal) -> None:
    epoch = await leadership.acquire()
    await first_end(leadership.hold(), controller.lead(epoch), _keep(journal))


async def _keep(journal: Journal) -> None:
    """Have the journal's stream at all times: NATS may lose it, or somebody delete it."""
    current, told = False, ""
    while True:
        try:
            if not (current and await journal.exists()):
                await journal.ensure()
            current, told = True, ""
        except Unavailable as error:
            # Detail only: no outcome depends on it.
            if told != str(error):
                told = str(error)
                _log.warning("%s", error)
        await asyncio.sleep(JOURNAL_SECONDS)


async def _probe(replica: Replica) -> None:
    """A client that believes to be connected, gets no answer and hears no worker is deaf.

    One that hears them is no more than slow: another replica would hear as much, and to
    ask everybody anew would make it slower still.
    """
    bus, controller = replica.bus, replica.controller
    unanswered, heard_at = 0, controller.heard_at
    while True:
        await asyncio.sleep(replica.probe_seconds)
        try:
            await bus.probe()
        except Unavailable:
            unanswered = unanswered + 1 if controller.heard_at == heard_at else 0
            heard_at = controller.heard_at
            if bus.connected and unanswered >= PROBES_FAILED:
                replica.fail("the NATS client went deaf")
            continue
        if unanswered:
            controller.reconnected()
        else:
            controller.proved()
        unanswered, heard_at = 0, controller.heard_at

"""The operator's NATS connection: reconnects for ever, and cannot go deaf unnoticed."""

import asyncio
import logging
import time
from collections.abc import Callable

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from distributedjob_api.nats_client import Password, Pulse, ReconnectingClient, in_words, refuses
from distributedjob_api.nats_health import NatsHealth, health
from distributedjob_operator.errors import OperatorError
from distributedjob_operator.ports import BusEvents, Unavailable

_log = logging.getLogger(__name__)

PING_SECONDS = 3
RECONNECT_SECONDS = 0.2
PENDING_BYTES = 32 * 1024 * 1024
PENDING_MESSAGES = 1_000_000
PROBE_SECONDS = 2

# A server about to listen, or whose refusal a reset overtook, says more when asked again.
TELLING_SECONDS = 1

REFUSED_SECONDS = 1
"""Between two attempts with a key that the server refuses: it may be mended in the meantime."""


class NatsBus:
    """:class:`~distributedjob_operator.ports.Bus` on a NATS server."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.errors = 0
        self._pulse = Pulse()

    @property
    def jetstream(self) -> JetStreamContext:
        """The JetStream side of the same connection."""
        return self._client.jetstream()

    @property
    def connected(self) -> bool:
        """What the client believes; :meth:`probe` knows."""
        return self._client.is_connected

    @property
    def health(self) -> NatsHealth:
        """In numbers."""
        return health(
            self._client.stats,
            connected=self._client.is_connected,
            errors=self.errors,
            round_trip_seconds=self._pulse.seconds,
        )

    async def listen(self, subject: str, events: BusEvents) -> None:
        """Deliver every message of a subject to ``events``."""

        async def deliver(message: Msg) -> None:
            events.message(message.subject, message.data)

        await self._client.subscribe(
            subject, cb=deliver, pending_msgs_limit=PENDING_MESSAGES, pending_bytes_limit=-1
        )

    async def publish(self, subject: str, payload: bytes) -> None:
        """Hand a message to the client; what it cannot send now may be lost."""
        try:
            await self._client.publish(subject, payload)
        except NatsError as error:
            _log.warning("a message on %s was not sent: %s", subject, error)

    async def probe(self) -> float:
        """Round trip to the server, in seconds; raises :class:`Unavailable`."""
        try:
            return await self._pulse.feel(self._client, PROBE_SECONDS)
        except (NatsError, TimeoutError, OSError) as error:
            raise Unavailable(f"NATS does not answer: {error or 'no answer in time'}") from error

    async def close(self) -> None:
        """Send what is pending and leave."""
        try:
            await self._client.flush(timeout=1)
        except (NatsError, TimeoutError, OSError):
            _log.debug("not everything pending was sent")
        await self._client.close()


async def connect(
    url: str, user: str, password: Callable[[], str], name: str, events: BusEvents
) -> NatsBus:
    """Connect, trying for ever a server that does not answer, or refuses the key.

    The password is read anew for each attempt, so that it may change while we run.
    Callbacks never raise: one that did would deafen the client.

    Raises:
        OperatorError: the URL makes no sense.
        SettingsError: the password cannot be read.
    """
    client = ReconnectingClient()
    bus = NatsBus(client)
    told: set[str] = set()
    connected = False
    started = time.monotonic()

    async def on_error(error: Exception) -> None:
        bus.errors += 1
        reason, refused = in_words(error), refuses(f"{error}")
        new = not connected and time.monotonic() - started < TELLING_SECONDS
        if (refused or not new) and reason.lower() not in told:
            told.add(reason.lower())
            _log.warning("NATS%s: %s", "" if connected else ", trying on", reason)
        if refused and not client.is_connected:
            # The client waits for this before it tries again.
            await asyncio.sleep(REFUSED_SECONDS)

    async def on_reconnected() -> None:
        told.clear()
        _log.info("NATS answers again")
        events.reconnected()

    async def on_closed() -> None:
        if connected:
            events.closed()

    try:
        await client.connect(
            url,
            name=name,
            user=user or None,
            password=Password(password) if user else None,
            error_cb=on_error,
            reconnected_cb=on_reconnected,
            closed_cb=on_closed,
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            # It is slept, so a fraction will do, whatever the annotation says.
            reconnect_time_wait=RECONNECT_SECONDS,  # type: ignore[arg-type]
            connect_timeout=2,
            ping_interval=PING_SECONDS,
            max_outstanding_pings=2,
            pending_size=PENDING_BYTES,
            inbox_prefix="_INBOX_operator",
        )
    except (NatsError, OSError, ValueError) as error:
        raise OperatorError(f"DJOB_NATS_URL: no way to NATS: {error}") from error
    finally:
        if not client.is_connected:
            await client.close()
    if told:
        told.clear()
        _log.info("NATS answers")
    connected = True
    return bus

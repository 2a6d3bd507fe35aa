"""NATS: the connection that never gives up, and the only importer of its client."""

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from nats.aio.msg import Msg
from nats.errors import Error, MaxPayloadError

from distributedjob_api.journal import headers_of
from distributedjob_api.messages import JournalBatch, encode_message
from distributedjob_api.nats_client import Password, Pulse, ReconnectingClient, in_words, refuses
from distributedjob_api.nats_health import NOBODY, NatsHealth, health
from distributedjob_api.subjects import Subjects
from distributedjob_worker.errors import TransportError
from distributedjob_worker.journal import Condition, Journal
from distributedjob_worker.settings import Settings, read_password

_log = logging.getLogger(__name__)

_PING_SECONDS: Final = 3
_PROBE_FAILURES: Final = 4
_REFUSED_SECONDS: Final = 5.0
_PENDING_BYTES: Final = 64 * 1024 * 1024


class Bus:
    """Messages of one worker: in by callback, out by a queue that never blocks the caller."""

    def __init__(
        self,
        settings: Settings,
        received: Callable[[bytes], None],
        connected: Callable[[], None],
        disconnected: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._received = received
        self._connected = connected
        self._disconnected = disconnected
        self._subjects = Subjects(settings.installation)
        self._outbox: deque[tuple[str, bytes, str, Mapping[str, str] | None]] = deque()
        self._filled = asyncio.Event()
        self._client: ReconnectingClient | None = None
        self._inbox = ""
        self._told = Condition.STORING
        self._mark = secrets.token_hex(8)
        self._recorded = 0
        self._pulse = Pulse()
        self._complaints: set[str] = set()
        self.journal = Journal()
        self._errors = 0
        self._reconnects = 0
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Connect, and keep sending and probing until cancelled or closed for good.

        Raises:
            TransportError: the client gave up.
        """
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._connect()
            tasks += asyncio.create_task(self._send()), asyncio.create_task(self._probe())
            await asyncio.wait([self.closed, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            raise TransportError("the NATS client was closed: see the error before")
        except Error as error:
            raise TransportError(f"NATS: {error}") from error
        finally:
            for task in tasks:
                task.cancel()
            await self._disconnect()

    def publish(self, data: bytes) -> None:
        """Send to the leader; lost where there is no connection, as all is said again."""
        subject = self._subjects.leader(self._settings.pool, self._settings.node)
        self._put(subject, data)

    def record(self, batch: JournalBatch) -> None:
        """Hand a batch to the journal."""
        subject = self._subjects.journal(self._settings.pool, batch.uid)
        data = encode_message(batch)
        self._recorded += 1
        # What is sent again, for want of an answer, is stored once.
        headers = headers_of(batch) | {"Nats-Msg-Id": f"{self._mark}-{self._recorded}"}
        self.journal.add(subject, data, headers, len(batch.records))
        self._pump()

    @property
    def dropped_records(self) -> int:
        """How many records the journal never got, and never will."""
        return self.journal.dropped

    @property
    def health(self) -> NatsHealth:
        """In numbers; a client that was replaced is one more connection."""
        if self._client is None:
            return NOBODY
        found = health(
            self._client.stats,
            connected=self._client.is_connected,
            errors=self._errors,
            round_trip_seconds=self._pulse.seconds,
        )
        return replace(found, reconnects=found.reconnects + self._reconnects)

    async def flush(self) -> None:
        """Wait until everything published has left the process, if there is a connection."""
        while self._outbox and self._is_connected:
            await asyncio.sleep(0.001)
        if self._client is not None and self._is_connected:
            with contextlib.suppress(Exception):
                await self._client.flush(timeout=1)

    # -- connection ----------------------------------------------------------------

    async def _connect(self) -> None:
        settings = self._settings
        client = self._client = ReconnectingClient()

        async def on_error(error: Exception) -> None:
            self._errors += 1
            # An exception from here would end the client's reader without a word.
            refused = self._client is client and self._complain(error)
            if refused and not client.is_connected:
                # The client waits for this before it tries again.
                await asyncio.sleep(_REFUSED_SECONDS)

        async def on_reconnect() -> None:
            self._complaints.clear()
            _log.info("NATS is back")
            self._guarded(self._connected)

        async def on_disconnect() -> None:
            if self._client is client:
                _log.warning("NATS is gone; tasks go on")
                self._guarded(self._disconnected)

        async def on_closed() -> None:
            if self._client is client and not self.closed.done():
                self.closed.set_result(None)

        await client.connect(
            servers=[settings.nats_url],
            user=settings.nats_user or None,
            password=Password(lambda: read_password(settings)) if settings.nats_user else None,
            name=f"djob-worker {settings.node}",
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,  # type: ignore[arg-type]  # it is slept, so a fraction will do
            connect_timeout=2,
            ping_interval=_PING_SECONDS,
            max_outstanding_pings=2,
            pending_size=_PENDING_BYTES,
            # A pool of its own: none may hear what another one is answered.
            inbox_prefix=f"_INBOX_worker.{settings.pool}".encode(),
            error_cb=on_error,
            reconnected_cb=on_reconnect,
            disconnected_cb=on_disconnect,
            closed_cb=on_closed,
        )
        self._complaints.clear()
        _log.info("connected to NATS")
        own = self._subjects.worker(settings.pool, settings.node)
        self._inbox = client.new_inbox()
        await client.subscribe(own, cb=self._on_message)
        await client.subscribe(self._subjects.announce(), cb=self._on_message)
        await client.subscribe(f"{self._inbox}.*", cb=self._on_stored)
        # The leader may answer the first hello before the server knows whom to tell.
        await client.flush()
        self._guarded(self._connected)

    @property
    def _is_connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    def _complain(self, error: Exception) -> bool:
        """Log an error once until the connection is there; whether the server refuses us."""
        text = in_words(error)
        if text.lower() not in self._complaints:
            self._complaints.add(text.lower())
            _log.warning("NATS: %s", text)
        return refuses(f"{error}")

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        self._guarded(self._disconnected)
        if client is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(client.close(), 2)

    async def _probe(self) -> None:
        """Replace a client that believes it is connected but hears nothing."""
        failures = 0
        while True:
            await asyncio.sleep(_PING_SECONDS)
            # What the stream refused or never answered is due again.
            self._pump()
            client = self._client
            if client is None or not client.is_connected:
                failures = 0
                continue
            try:
                await self._pulse.feel(client, _PING_SECONDS)
                failures = 0
            except Exception as error:
                failures += 1
                _log.warning("NATS does not answer: %s", error)
            if failures >= _PROBE_FAILURES:
                failures = 0
                _log.error("NATS: the client is dead, connecting anew")
                self._reconnects += client.stats["reconnects"] + 1
                await self._disconnect()
                await self._connect()

    # -- messages ------------------------------------------------------------------

    async def _on_message(self, message: Msg) -> None:
        self._guarded(lambda: self._received(message.data))

    async def _on_stored(self, message: Msg) -> None:
        """The stream's answer to a journal message, or the server's that there is none."""
        number = _number(message.subject)
        try:
            answer = json.loads(message.data) if message.data else {}
        except ValueError:
            answer = {}
        # A refusal has a number as well: none, and why.
        if "seq" in answer and "error" not in answer:
            self.journal.stored(number)
        else:
            self.journal.refused(number, time.monotonic())
            self._tell(str(answer or "no stream"))
        self._pump()

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            _log.exception("a message could not be handled")

    def _pump(self) -> None:
        if self._is_connected:
            for message in self.journal.due(time.monotonic()):
                reply = f"{self._inbox}.{message.number}"
                self._put(message.subject, message.data, reply, message.headers)
        self._tell("no answer")

    def _tell(self, why: str) -> None:
        """Log that the journal fares otherwise than before."""
        condition, before = self.journal.condition, self._told
        if condition is before:
            return
        self._told = condition
        dropped = self.journal.dropped
        if condition is Condition.STORING:
            _log.info("%s again; %d were dropped so far", condition.value, dropped)
        else:
            _log.warning("%s (%s); %d were dropped so far", condition.value, why, dropped)

    def _put(
        self, subject: str, data: bytes, reply: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        if self._is_connected:
            self._outbox.append((subject, data, reply, headers))
            self._filled.set()

    async def _send(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._outbox:
                subject, data, reply, headers = self._outbox.popleft()
                client = self._client
                if client is None or not client.is_connected:
                    continue
                try:
                    await client.publish(subject, data, reply, dict(headers) if headers else None)
                except MaxPayloadError:
                    self._too_large(subject, data, reply)
                except Exception as error:
                    _log.warning("could not publish on %s: %s", subject, error)

    def _too_large(self, subject: str, data: bytes, reply: str) -> None:
        """The server would never take it: what is sent again and again holds up the rest."""
        _log.warning("%d bytes on %s: larger than NATS carries (max_payload)", len(data), subject)
        if reply:
            self.journal.drop(_number(reply))


def _number(reply: str) -> int:
    """The batch that an answer on this subject is about."""
    return int(reply.rpartition(".")[2])

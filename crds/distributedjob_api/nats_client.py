"""What operator and worker add to the NATS client; the one module here that imports a client.

A key that is replaced and a server that reads its configuration anew must end neither of
them: a worker that ends takes its tasks along.
"""

import asyncio
import logging
from collections.abc import Callable
from ssl import SSLCertVerificationError
from typing import Final

from nats.aio.client import Client
from nats.errors import Error

_log = logging.getLogger(__name__)

PONG_SECONDS: Final = 60
"""The pings that the client sends by itself end a dead connection long before."""

_REFUSALS: Final = ("authorization", "authentication", "user credentials")


def refuses(reason: str) -> bool:
    """Whether a server says by this that it does not take the user or the password."""
    said = reason.lower()
    # What is not permitted is named there, and may be called anything.
    return "permissions violation" not in said and any(word in said for word in _REFUSALS)


def in_words(error: Exception) -> str:
    """What the client met, in one line, and what to look at where that is known."""
    reason = f"{error}".removeprefix("nats: ") or type(error).__name__
    if refuses(reason):
        return f"{reason}: check DJOB_NATS_USER and DJOB_NATS_PASSWORD_FILE"
    if isinstance(error, SSLCertVerificationError):
        return (
            f"{reason}: SSL_CERT_FILE must hold the authority of the server's certificate,"
            " and that be for the host of DJOB_NATS_URL"
        )
    return reason


class Password:
    """The password as it is by now, asked for at each attempt to connect."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read
        self._last = read()

    def __call__(self) -> str:
        """The password; the last one known where it cannot be read, as while it is replaced."""
        try:
            self._last = self._read()
        except Exception as error:
            # Raised from here, it would end the client's attempts without a word.
            _log.warning("%s", error)
        return self._last


class ReconnectingClient(Client):
    """A client that no refusal ends for good, and that sends no key in the clear.

    A server that reads its configuration anew says to everyone whose password has changed
    that he is not authorized. The client for Go tries again then; this one's base closes.
    """

    async def _process_err(self, err_msg: str) -> None:
        if self.is_connected and refuses(err_msg):
            await self._error_cb(Error(f"nats: {err_msg}"))
            await self.force_reconnect()
        else:
            await super()._process_err(err_msg)

    async def _process_connect_init(self) -> None:
        try:
            await super()._process_connect_init()
        except BaseException:
            # The base would wait for its end, which after a failed handshake never comes, or
            # open the next one beside it.
            if self._transport is not None:
                self._transport.close()
                self._transport = None
            raise

    def _connect_command(self) -> bytes:
        # The server says by itself whether it encrypts, and so could somebody in between.
        server = self._current_server
        wanted = server is not None and server.uri.scheme == "tls"
        if wanted and not self._server_info.get("tls_required"):
            raise Error("nats: tls:// was asked for, and the server does not encrypt")
        return super()._connect_command()

    async def rtt(self, timeout: int = PONG_SECONDS) -> float:
        """As the base, and ``Error`` without a connection."""
        # Between two connections there is nothing to ask on, and the base may fail an assertion.
        if not self.is_connected:
            raise Error("nats: no connection")
        return await super().rtt(timeout)


class Pulse:
    """Round trips to the server: the one sign of life of a connection that cannot lie.

    A question that was not answered in time is asked no second time on the same
    connection but waited for on: an answer that finds nobody waiting would end the
    client's reader without a word.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        """What the last answer took; 0 before there was one."""
        self._pong: asyncio.Task[float] | None = None
        self._asked_in: tuple[Client, int] | None = None

    async def feel(self, client: Client, seconds: float) -> float:
        """How long the answer took.

        Raises:
            TimeoutError: there was none in so many seconds.
            Error: the connection was lost, or there is none.
        """
        connection = (client, client.stats["reconnects"])
        if self._pong is None or self._pong.done() or self._asked_in != connection:
            self._asked_in = connection
            self._pong = asyncio.create_task(client.rtt(timeout=PONG_SECONDS))
            self._pong.add_done_callback(_retrieve)
        await asyncio.wait([self._pong], timeout=seconds)
        if not self._pong.done():
            raise TimeoutError("no answer in time")
        self.seconds = self._pong.result()
        return self.seconds


def _retrieve(pong: asyncio.Task[float]) -> None:
    """Nobody may wait for it any more; its failure is no news then."""
    if not pong.cancelled():
        pong.exception()

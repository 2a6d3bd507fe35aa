"""What operator and worker add to the NATS client; the one module here that imports a client.

A key that is replaced and a server that reads its configuration anew must end neither of
them: a worker that ends takes its tasks along.
"""

import logging
from collections.abc import Callable
from ssl import SSLCertVerificationError
from typing import Final

from nats.aio.client import Client
from nats.errors import Error

_log = logging.getLogger(__name__)

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

"""NATS with the rights of the operator, who alone may manage streams."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.aio.client import Client

from distributedjob_local.nats_server import NatsServer

USER = "operator"


@asynccontextmanager
async def operator_client(server: NatsServer) -> AsyncIterator[Client]:
    """A connection of the operator's user."""
    client = Client()
    await client.connect(
        server.url,
        user=USER,
        password=server.password_file(USER).read_text(),
        inbox_prefix="_INBOX_operator",
    )
    try:
        yield client
    finally:
        await client.close()

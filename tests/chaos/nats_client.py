"""A NATS client of ours, as operator or as worker, for one thing at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import nats
from nats.aio.client import Client
from nats.js.errors import Error as JetStreamError

from distributedjob_api.subjects import Subjects
from distributedjob_local.installation import INSTALLATION
from distributedjob_local.nats_server import WORKER_INBOX, NatsServer

T = TypeVar("T")
SUBJECTS = Subjects(INSTALLATION)


def with_client(
    server: NatsServer, work: Callable[[Client], Awaitable[T]], *, user: str = "operator"
) -> T:
    """Do something with a connection, and close it."""

    async def do() -> T:
        password = server.password_file(user).read_text(encoding="utf-8")
        inbox = WORKER_INBOX.encode() if user == "worker" else b"_INBOX"

        async def ignore(error: Exception) -> None:
            """What the server refuses is seen by its effect."""

        client = await nats.connect(
            server.url,
            user=user,
            password=password,
            inbox_prefix=inbox,
            error_cb=ignore,
            max_reconnect_attempts=2,
            connect_timeout=3,
        )
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(do())


def journal_messages(server: NatsServer) -> int | None:
    """How many messages the journal's stream holds; None where there is no stream."""

    async def ask(client: Client) -> int | None:
        try:
            info = await client.jetstream().stream_info(SUBJECTS.journal_stream())
        except JetStreamError:
            return None
        return info.state.messages

    return with_client(server, ask)


def delete_journal(server: NatsServer) -> None:
    """Delete the journal's stream."""

    async def delete(client: Client) -> None:
        await client.jetstream().delete_stream(SUBJECTS.journal_stream())

    with_client(server, delete)

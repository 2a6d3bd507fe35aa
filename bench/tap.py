"""Listening in on NATS: when which command, report and acknowledgement of a job passed."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from nats.aio.client import Client
from nats.aio.msg import Msg

from distributedjob_api.messages import (
    Acks,
    Assign,
    Commands,
    JournalBatch,
    Report,
    decode_journal,
    decode_leader,
    decode_worker,
)
from distributedjob_local.cluster import Cluster

Passed = Callable[[float, "Message"], None]
Message = Commands | Acks | Report | JournalBatch


@asynccontextmanager
async def tapped(cluster: Cluster, passed: Passed) -> AsyncIterator[None]:
    """Hand over what passes, with the Unix time at which it came by."""

    async def on_message(message: Msg) -> None:
        moment = time.time()
        kind = message.subject.split(".")[-2]
        decoded = {
            "worker": decode_leader,
            "leader": decode_worker,
            "journal": decode_journal,
        }.get(kind)
        if decoded is not None:
            what = decoded(message.data)
            if isinstance(what, Message):
                passed(moment, what)

    user = cluster.nats.environment("operator")
    password = Path(user["DJOB_NATS_PASSWORD_FILE"]).read_text(encoding="utf-8")
    client = Client()
    await client.connect(user["DJOB_NATS_URL"], user=user["DJOB_NATS_USER"], password=password)
    try:
        await client.subscribe("djob.v1.>", cb=on_message)
        await client.flush()
        yield
    finally:
        await client.close()


def assigned(commands: Commands) -> set[str]:
    """The jobs of which something is handed out."""
    return {command.uid for command in commands.commands if isinstance(command, Assign)}

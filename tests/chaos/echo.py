"""A NATS client that says again what others said: doubled, late and out of order."""

import asyncio
import random
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import nats
from nats.aio.msg import Msg

from distributedjob_local.nats_server import NatsServer
from tests.chaos.nats_client import SUBJECTS

if TYPE_CHECKING:
    from nats.aio.client import Client

LATE_SECONDS: Final = 2.0
KEPT: Final = 4000


class Echo:
    """Repeats every message twice, at moments of its own choosing, and remembers commands."""

    def __init__(self, server: NatsServer, seed: int) -> None:
        self._server = server
        self._random = random.Random(seed)
        self._said: dict[tuple[str, bytes], int] = {}
        self._commands: list[tuple[str, bytes]] = []
        self._loop = asyncio.new_event_loop()
        self._client: Client | None = None
        self._listening = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="echo")
        self.repeated = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(10), "the echo cannot connect to NATS"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def commands_again(self) -> int:
        """Say every command again that was ever heard, in order; how many."""
        commands = list(self._commands)
        for subject, data in commands:
            asyncio.run_coroutine_threadsafe(self._publish(subject, data), self._loop)
        return len(commands)

    def _run(self) -> None:
        self._loop.run_until_complete(self._listen())
        self._loop.close()

    async def _listen(self) -> None:
        password = self._server.password_file("operator").read_text(encoding="utf-8")
        self._client = await nats.connect(
            self._server.url, user="operator", password=password, max_reconnect_attempts=-1
        )
        try:
            await self._client.subscribe(SUBJECTS.every_leader(), cb=self._hear)
            everything = SUBJECTS.every_leader().replace(".leader.", ".worker.")
            await self._client.subscribe(everything, cb=self._hear_command)
            await self._client.flush()
            self._listening.set()
            await self._stop.wait()
        finally:
            await self._client.close()

    async def _hear_command(self, message: Msg) -> None:
        key = (message.subject, message.data)
        if key not in self._said and len(self._commands) < KEPT:
            self._commands.append(key)
        await self._hear(message)

    async def _hear(self, message: Msg) -> None:
        key = (message.subject, message.data)
        if key in self._said:
            return
        self._said[key] = 1
        for _ in range(2):
            pause = self._random.uniform(0, LATE_SECONDS)
            self._loop.call_later(pause, self._say, *key)

    def _say(self, subject: str, data: bytes) -> None:
        self._loop.create_task(self._publish(subject, data))

    async def _publish(self, subject: str, data: bytes) -> None:
        if self._client is not None and self._client.is_connected:
            self.repeated += 1
            await self._client.publish(subject, data)

"""A server that answers a probe late: the connection goes on hearing what comes after."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from distributedjob_operator.bus import connection
from distributedjob_operator.ports import BusEvents, Unavailable
from distributedjob_worker.bus import Bus
from distributedjob_worker.settings import read_settings

INFO = b'INFO {"server_id":"s","version":"2.15.1","max_payload":1048576,"headers":true}\r\n'


class SlowServer:
    """As much of a NATS server as a probe needs; it holds its answers back when told to."""

    def __init__(self) -> None:
        self.slow = False
        self.connections = 0
        self.held: list[Callable[[], None]] = []
        self._writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writer = writer
        writer.write(INFO)
        with suppress(ConnectionError):
            while line := await reader.readline():
                if line.startswith(b"PING"):
                    if self.slow:
                        self.held.append(lambda: writer.write(b"PONG\r\n"))
                    else:
                        writer.write(b"PONG\r\n")
        writer.close()

    def answer(self) -> None:
        """Say at last what was held back."""
        self.slow = False
        for say in self.held:
            say()

    def send(self, subject: str) -> None:
        """A message on the subscription made first."""
        assert self._writer is not None
        self._writer.write(b"MSG %s 1 2\r\nhi\r\n" % subject.encode())


@asynccontextmanager
async def slow_server() -> AsyncIterator[tuple[SlowServer, str]]:
    server = SlowServer()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    try:
        yield server, f"nats://{host}:{port}"
    finally:
        listening.close()


async def until(accept: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not accept():
            await asyncio.sleep(0.01)


async def test_the_operator_hears_on_after_a_late_answer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "PROBE_SECONDS", 0.2)
    heard: list[str] = []
    events = BusEvents(
        message=lambda subject, _: heard.append(subject),
        reconnected=lambda: None,
        closed=lambda: None,
    )
    async with slow_server() as (server, url):
        bus = await connection.connect(url, "", str, "test", events)
        try:
            await bus.listen("subject", events)
            server.slow = True
            for _ in range(2):
                with pytest.raises(Unavailable):
                    await bus.probe()
            server.answer()
            await bus.probe()
            server.send("subject")
            await until(lambda: heard == ["subject"])
            assert server.connections == 1
        finally:
            await bus.close()


async def test_the_worker_hears_on_after_a_late_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("distributedjob_worker.bus._PING_SECONDS", 0.4)
    heard: list[bytes] = []
    async with slow_server() as (server, url):
        settings = read_settings(
            {
                "DJOB_NATS_URL": url,
                "DJOB_INSTALLATION": "ns/name",
                "DJOB_NODE": "n",
                "DJOB_STATE_DIR": str(tmp_path),
            }
        )
        connected: list[bool] = []
        bus = Bus(settings, heard.append, lambda: connected.append(True), connected.clear)
        running = asyncio.create_task(bus.run())
        try:
            await until(lambda: bool(connected))
            server.slow = True
            # The client's own pings and the probe's: one of these is the probe's.
            await until(lambda: len(server.held) >= 2)
            await asyncio.sleep(0.45)
            server.answer()
            await asyncio.sleep(0.1)
            server.send("subject")
            await until(lambda: heard == [b"hi"])
            assert server.connections == 1
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

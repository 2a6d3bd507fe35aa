"""A server that no longer takes a key, or that does not encrypt: tried again, and told nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from pathlib import Path

import pytest

from distributedjob_operator.bus import connection
from distributedjob_operator.ports import BusEvents
from distributedjob_worker.bus import Bus
from distributedjob_worker.settings import read_settings

INFO = b'INFO {"server_id":"s","version":"2.15.1","max_payload":1048576,"headers":true}\r\n'
REFUSAL = b"-ERR 'Authorization Violation'\r\n"


class GuardedServer:
    """As much of a NATS server as knows one password, which may change."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.heard = b""
        self.let_in = 0
        self.attempts = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts += 1
        writer.write(INFO)
        with suppress(ConnectionError):
            while line := await reader.readline():
                self.heard += line
                if line.startswith(b"CONNECT"):
                    if json.loads(line.removeprefix(b"CONNECT")).get("pass") != self.password:
                        writer.write(REFUSAL)
                        break
                    self.let_in += 1
                    self._writers.append(writer)
                elif line.startswith(b"PING"):
                    writer.write(b"PONG\r\n")
        writer.close()

    def change(self, password: str) -> None:
        """Read the configuration anew: who came with the old password is told, and cut off."""
        self.password = password
        while self._writers:
            writer = self._writers.pop()
            writer.write(REFUSAL)
            writer.close()


@asynccontextmanager
async def guarded_server(password: str) -> AsyncIterator[tuple[GuardedServer, str]]:
    server = GuardedServer(password)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    try:
        yield server, f"{host}:{port}"
    finally:
        listening.close()


async def until(accept: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not accept():
            await asyncio.sleep(0.01)


@pytest.fixture
def ended() -> list[str]:
    """Why a connection ended for good, if it did."""
    return []


@asynccontextmanager
async def operator(url: str, key: Path, ended: list[str]) -> AsyncIterator[None]:
    """The operator's side; it may have to try."""
    events = BusEvents(
        message=lambda *_: None, reconnected=lambda: None, closed=lambda: ended.append("closed")
    )
    trying = asyncio.create_task(connection.connect(url, "u", key.read_text, "test", events))
    try:
        yield
    finally:
        if trying.done():
            await trying.result().close()
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)


@asynccontextmanager
async def worker(url: str, key: Path, ended: list[str]) -> AsyncIterator[None]:
    """The worker's side; it may have to try."""
    settings = read_settings(
        {
            "DJOB_NATS_URL": url,
            "DJOB_NATS_USER": "u",
            "DJOB_NATS_PASSWORD_FILE": str(key),
            "DJOB_INSTALLATION": "ns/name",
            "DJOB_NODE": "n",
            "DJOB_STATE_DIR": str(key.parent),
        }
    )
    bus = Bus(settings, lambda _: None, lambda: None, lambda: None)
    running = asyncio.create_task(bus.run())
    running.add_done_callback(lambda _: ended.append("ended"))
    try:
        yield
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@contextmanager
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No long pause between two refusals."""
    with monkeypatch.context() as patched:
        patched.setattr(connection, "REFUSED_SECONDS", 0.1)
        patched.setattr("distributedjob_worker.bus._REFUSED_SECONDS", 0.1)
        yield


Side = Callable[[str, Path, list[str]], AbstractAsyncContextManager[None]]
SIDES = pytest.mark.parametrize("side", [operator, worker], ids=["operator", "worker"])


@SIDES
async def test_a_key_that_changes_is_read_anew(
    side: Side, ended: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key"
    key.write_text("old")
    with hasty(monkeypatch):
        async with (
            guarded_server("old") as (server, address),
            side(f"nats://{address}", key, ended),
        ):
            await until(lambda: server.let_in == 1)
            server.change("new")
            await until(lambda: server.attempts > 3)
            assert not ended
            key.write_text("new")
            await until(lambda: server.let_in == 2)
            assert not ended


@SIDES
async def test_a_wrong_key_is_tried_until_it_is_mended(
    side: Side, ended: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key"
    key.write_text("wrong")
    with hasty(monkeypatch):
        async with (
            guarded_server("right") as (server, address),
            side(f"nats://{address}", key, ended),
        ):
            await until(lambda: server.attempts > 2)
            key.write_text("right")
            await until(lambda: server.let_in == 1)


# An attempt that is called off in its very beginning may leave its socket to the collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@SIDES
async def test_no_key_goes_to_a_server_that_does_not_encrypt(
    side: Side, ended: list[str], tmp_path: Path
) -> None:
    """Somebody in between could claim so."""
    key = tmp_path / "key"
    key.write_text("a secret")
    async with (
        guarded_server("a secret") as (server, address),
        side(f"tls://{address}", key, ended),
    ):
        await until(lambda: server.attempts > 2)
    assert b"a secret" not in server.heard
    assert server.let_in == 0

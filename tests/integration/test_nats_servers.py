"""Three NATS servers with the chart's configuration: each keeps the journal, all know new keys."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.errors import Error

from distributedjob_api.subjects import Subjects
from distributedjob_local.component import free_port
from distributedjob_operator.bus.journal import Journal
from distributedjob_operator.ports import Unavailable
from tests.support.charts import CHART, NAMESPACE, RELEASE, Document, render

SUBJECTS = Subjects(f"{NAMESPACE}/{RELEASE}")
USERS = ("operator", "route", "pool-default")
SECONDS = 60


@dataclass
class Servers:
    """Three servers on loopback, each with its reloader; the keys are a folder of them all."""

    folder: Path
    template: Document
    clients: list[int] = field(default_factory=lambda: [free_port() for _ in range(3)])
    routes: list[int] = field(default_factory=lambda: [free_port() for _ in range(3)])
    running: list[list[subprocess.Popen[bytes]]] = field(default_factory=list)

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    def set_keys(self, text: str) -> None:
        """Give everyone a password that begins so."""
        self.keys.mkdir(exist_ok=True)
        for user in USERS:
            (self.keys / user).write_text(f"{text}-of-{user}")

    def start(self, number: int) -> None:
        """Start one of them as the chart does, on addresses of this machine."""
        own = self.folder / f"nats-{number}"
        own.mkdir(exist_ok=True)
        settings = json.loads(json.dumps(self.template))
        del settings["http"]
        settings["listen"] = f"127.0.0.1:{self.clients[number]}"
        settings["jetstream"] |= {"store_dir": str(own / "data"), "max_file_store": 1 << 28}
        settings["cluster"]["listen"] = f"127.0.0.1:{self.routes[number]}"
        settings["cluster"]["routes"] = [f"nats://127.0.0.1:{port}" for port in self.routes]
        (own / "nats.json").write_text(json.dumps(settings))
        script = (sys.executable, "-I", CHART / "files" / "nats_config.py")
        name = f"--name=nats-{number}"
        files = (own / "nats.json", self.keys, own / "complete.json", name)
        subprocess.run([*script, *files], check=True)
        nats = (Path(sys.executable).parent / "nats-server", "-c", own / "complete.json")
        with (own / "log").open("ab") as log:
            server = subprocess.Popen([*nats, "-P", own / "pid"], stderr=log)
            watching = ("--watch", "--pid", own / "pid")
            reloader = subprocess.Popen([*script, *files, *watching], stdout=log)
        self.running.append([server, reloader])

    def stop(self, number: int) -> None:
        """End one that was started."""
        for process in self.running.pop(number):
            process.kill()
            process.wait()

    @asynccontextmanager
    async def connected(self, number: int, user: str) -> AsyncIterator[Client]:
        """A client of one of them, once it takes the key as it is in the file."""
        client = Client()
        inbox = "_INBOX_operator" if user == "operator" else "_INBOX_worker.default"
        url = f"nats://127.0.0.1:{self.clients[number]}"
        password = (self.keys / user).read_text()
        async with asyncio.timeout(SECONDS):
            while not client.is_connected:
                client = Client()
                try:
                    await client.connect(
                        url,
                        user=user,
                        password=password,
                        inbox_prefix=inbox.encode(),
                        allow_reconnect=False,
                        error_cb=_silent,
                    )
                except (Error, OSError):
                    await client.close()
                    await asyncio.sleep(0.1)
        try:
            yield client
        finally:
            await client.close()


async def _silent(_: Exception) -> None:
    """It is tried again."""


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    documents = render("--set", "nats.replicas=3")
    files = next(each["data"] for each in documents if "nats.json" in each.get("data", {}))
    started = Servers(tmp_path, json.loads(files["nats.json"]))
    started.set_keys("first")
    with ExitStack() as stopping:
        for number in range(3):
            stopping.callback(started.stop, 0)
            started.start(number)
        yield started


async def heard(servers: Servers, speaker: int, listener: int) -> None:
    """Wait until a worker at one server hears what the operator says at another."""
    message = asyncio.Event()

    async def on_message(_: object) -> None:
        message.set()

    async with (
        servers.connected(listener, "pool-default") as worker,
        servers.connected(speaker, "operator") as operator,
        asyncio.timeout(SECONDS),
    ):
        await worker.subscribe(SUBJECTS.announce(), cb=on_message)
        await worker.flush()
        while not message.is_set():
            await operator.publish(SUBJECTS.announce(), b"")
            await operator.flush()
            await asyncio.sleep(0.1)


async def test_every_server_keeps_the_journal(servers: Servers) -> None:
    async with servers.connected(0, "operator") as operator, asyncio.timeout(SECONDS):
        journal = Journal(operator.jetstream(), SUBJECTS, replicas=3)
        while True:
            try:
                await journal.ensure()
                break
            except Unavailable:  # They have not found each other yet.
                await asyncio.sleep(0.2)
        info = await operator.jetstream().stream_info(SUBJECTS.journal_stream())
    assert info.cluster is not None
    members = {info.cluster.leader, *(each.name for each in info.cluster.replicas or ())}
    assert members == {"nats-0", "nats-1", "nats-2"}


async def test_new_keys_reach_servers_and_the_ways_between_them(servers: Servers) -> None:
    await heard(servers, 0, 2)

    servers.set_keys("second")

    await heard(servers, 0, 2)
    # One that comes with the new key alone is let in by the others.
    servers.stop(2)
    servers.start(2)
    await heard(servers, 0, 2)
    await heard(servers, 2, 1)

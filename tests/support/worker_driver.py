"""A NATS server, an agent as a process and a leader that a test speaks for."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from distributedjob_api.messages import (
    Acks,
    Announce,
    Assign,
    Command,
    Commands,
    Define,
    Entry,
    Failure,
    Hello,
    JobReport,
    LeaderMessage,
    OutputReply,
    OutputRequest,
    Range,
    Refusal,
    Report,
    TaskRecord,
    Welcome,
    WorkerMessage,
    decode_journal,
    decode_worker,
    encode_message,
)
from distributedjob_api.subjects import Subjects

INSTALLATION = "djob-system/djob"
NODE = "node-1.example"
UID = "11111111-2222-3333-4444-555555555555"


@contextmanager
def nats_process(folder: Path, port: int = -1) -> Iterator[str]:
    """A server with JetStream, on a free port unless one is given; yields its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    binary = Path(sys.executable).parent / "nats-server"
    arguments = ["-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder / "store")]
    process = subprocess.Popen(
        [binary, *arguments, "--ports_file_dir", str(folder), "-l", str(folder / "log")]
    )
    try:
        deadline = time.monotonic() + 10
        while not (found := list(folder.glob("*.ports"))) or not found[0].read_text():
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.01)
        yield json.loads(found[0].read_text())["nats"][0]
    finally:
        process.kill()
        process.wait()
        for ports in folder.glob("*.ports"):
            ports.unlink()


class AgentProcess:
    """One agent; a second one with the same folder is its next incarnation."""

    def __init__(self, url: str, folder: Path, *, cpu: str = "2", extra: dict[str, str]) -> None:
        self.ready_file = folder / "ready"
        environment = {
            "PATH": os.environ["PATH"],
            "DJOB_NATS_URL": url,
            "DJOB_INSTALLATION": INSTALLATION,
            "DJOB_NODE": NODE,
            "DJOB_CPU": cpu,
            "DJOB_STATE_DIR": str(folder / "state"),
            "DJOB_READY_FILE": str(self.ready_file),
            **extra,
        }
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "distributedjob_worker"],
                env=environment,
                stderr=log,
                stdout=log,
            )

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def agent_process(
    url: str, folder: Path, *, cpu: str = "2", **extra: str
) -> Iterator[AgentProcess]:
    agent = AgentProcess(url, folder, cpu=cpu, extra=extra)
    try:
        yield agent
    finally:
        agent.kill()


def define(*argv: str, number: int = 1, uid: str = UID, **changes: object) -> Define:
    """A job of this command, with the resource's defaults."""
    fields: dict[str, object] = {
        "namespace": "default",
        "name": "sample",
        "run": 0,
        "completions": 1000,
        "env": [],
        "working_dir": "",
        "scratch_dir": True,
        "cpu_millis": 1000,
        "timeout_seconds": 0.0,
        "grace_seconds": 30.0,
        "output_policy": "All",
        "output_limit_bytes": 65536,
    }
    return Define(number=number, uid=uid, argv=list(argv), **(fields | changes))  # type: ignore[arg-type]


def assign(
    *fresh: Range,
    number: int = 2,
    uid: str = UID,
    run: int = 0,
    items: tuple[str, ...] = (),
    parallelism: int = 0,
) -> Assign:
    return Assign(number, uid, run, list(fresh), [], list(items), parallelism)


class FakeLeader:
    """Grants sessions and remembers what it hears; acknowledges only if told so."""

    def __init__(
        self,
        client: Client,
        *,
        acknowledges: bool = True,
        epoch: int = 1,
        reads_journal: bool = True,
    ) -> None:
        self.reads_journal = reads_journal
        self.epoch = epoch
        self.acknowledges = acknowledges
        self.heard: list[WorkerMessage] = []
        self.hello: Hello | None = None
        self.last: Report | None = None
        self.session = 0
        self.entries: dict[tuple[str, str, int], Entry] = {}
        self.records: dict[tuple[str, int, int], TaskRecord] = {}
        self._client = client
        self._subjects = Subjects(INSTALLATION)
        self._changed = asyncio.Event()
        self._number = 0
        self._requests = 0
        self._replies: dict[int, OutputReply] = {}

    async def listen(self) -> None:
        await self._client.subscribe(self._subjects.every_leader(), cb=self._on_message)
        if self.reads_journal:
            await self._client.subscribe(self._subjects.every_journal(), cb=self._on_journal)
        await self._client.flush()
        await self.send(Announce(self.epoch, "fake"), self._subjects.announce())

    async def send(self, message: LeaderMessage, subject: str = "") -> None:
        subject = subject or self._subjects.worker("default", NODE)
        await self._client.publish(subject, encode_message(message))

    async def send_raw(self, data: bytes) -> None:
        await self._client.publish(self._subjects.worker("default", NODE), data)
        await self._client.flush()

    async def command(self, *commands: Command) -> None:
        """Send commands; their numbers are those that come next."""
        numbered = []
        for command in commands:
            self._number += 1
            numbered.append(_numbered(command, self._number))
        await self.send(Commands(self.epoch, self.session, numbered))
        # What follows may look at processes without giving the loop a turn.
        await self._client.flush()

    async def until(self, accept: Callable[[], bool], timeout: float = 10.0) -> None:
        """Wait until what was heard is enough."""
        try:
            async with asyncio.timeout(timeout):
                while not accept():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"not within {timeout} s; last heard {self.heard[-1:]}") from None

    async def granted(self) -> None:
        await self.until(lambda: self.last is not None and self.last.session == self.session > 0)

    @property
    def succeeded(self) -> list[int]:
        return _members(entry.succeeded for entry in self.entries.values())

    @property
    def stopped(self) -> list[int]:
        return _members(entry.stopped for entry in self.entries.values())

    @property
    def failures(self) -> list[Failure]:
        return [failure for entry in self.entries.values() for failure in entry.failed]

    @property
    def jobs(self) -> dict[str, JobReport]:
        return {} if self.last is None else {job.uid: job for job in self.last.jobs}

    async def record(self, index: int, *, uid: str = UID, attempt: int = 1) -> TaskRecord:
        """What the journal says of an attempt."""
        key = (uid, index, attempt)
        await self.until(lambda: key in self.records)
        return self.records[key]

    async def written(
        self, index: int, stdout_from: int, stderr_from: int, *, uid: str = UID
    ) -> OutputReply:
        """What a running task wrote behind these offsets, as the worker says."""
        self._requests += 1
        request = self._requests
        await self.send(
            OutputRequest(
                self.epoch, self.session, request, uid, index, stdout_from, stderr_from, 65_536
            )
        )
        await self.until(lambda: request in self._replies)
        return self._replies[request]

    async def _on_journal(self, message: Msg) -> None:
        batch = decode_journal(message.data)
        for record in batch.records:
            self.records[batch.uid, record.index, record.attempt] = record
        self._changed.set()

    async def _on_message(self, message: Msg) -> None:
        heard = decode_worker(message.data)
        self.heard.append(heard)
        match heard:
            case Hello():
                self.hello = heard
                self.session += 1
                self._number = 0
                await self.send(Welcome(self.epoch, self.session, heard.incarnation, 0.05))
            case Report():
                self.last = heard
                for job in heard.jobs:
                    for entry in job.entries:
                        self.entries[heard.incarnation, job.uid, entry.seq] = entry
                upto = [(job.uid, job.entries[-1].seq) for job in heard.jobs if job.entries]
                if upto and self.acknowledges:
                    await self.send(Acks(self.epoch, self.session, upto))
            case OutputReply():
                self._replies[heard.request] = heard
            case Refusal():
                pass
        self._changed.set()


@asynccontextmanager
async def fake_leader(
    url: str, *, acknowledges: bool = True, epoch: int = 1, reads_journal: bool = True
) -> AsyncIterator[FakeLeader]:
    client = Client()
    await client.connect(url)
    leader = FakeLeader(client, acknowledges=acknowledges, epoch=epoch, reads_journal=reads_journal)
    try:
        await leader.listen()
        yield leader
    finally:
        await client.close()


def processes_with(token: str) -> list[int]:
    """Every living process whose environment holds this text."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                environment = Path(f"/proc/{name}/environ").read_bytes()
            except OSError:
                continue
            if token.encode() in environment:
                found.append(int(name))
    return found


def _numbered(command: Command, number: int) -> Command:
    return msgspec.structs.replace(command, number=number)


def _members(pairs: Iterator[list[Range]]) -> list[int]:
    return sorted(
        index for ranges in pairs for first, last in ranges for index in range(first, last + 1)
    )


@contextmanager
def no_nats() -> Iterator[tuple[str, Callable[[int], None]]]:
    """An address where nobody speaks NATS, and a way to wait for so many attempts at it.

    Later attempts find nobody at all.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)

        def attempts(count: int) -> None:
            for _ in range(count):
                listener.accept()[0].close()
            listener.close()

        yield f"nats://127.0.0.1:{listener.getsockname()[1]}", attempts

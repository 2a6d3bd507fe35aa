"""NATS as the two sides see it: connections that break, and messages that may not arrive."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from distributedjob_api.messages import JournalBatch, encode_message
from distributedjob_api.subjects import Subjects
from distributedjob_operator.ports import Unavailable
from tests.support.simulation.history import History
from tests.support.simulation.loop import VirtualLoop
from tests.support.simulation.process import Process

PROBE_SECONDS = 0.5
NOTICE_SECONDS = 9.0
"""Until the client's pings have told it that a silent connection is none."""

RETRY_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Noise:
    """How bad the network is all the time; all zero is a perfect one."""

    loss: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    reorder: float = 0.0


@dataclass(slots=True)
class Link:
    """The way between one machine and a server; counts, since cuts may overlap."""

    outward_cut: int = 0
    inward_cut: int = 0

    @property
    def whole(self) -> bool:
        """Whether messages pass both ways."""
        return not (self.outward_cut or self.inward_cut)


@dataclass(slots=True, eq=False)
class Connection:
    """One client; ``connected`` is what it believes, ``live`` is how it is."""

    server: "Nats"
    process: Process
    link: Link
    hears: Callable[[str], bool]
    received: Callable[[str, bytes], None]
    came_up: Callable[[], None]
    connected: bool = False
    live: bool = False
    deaf: bool = False
    lag: float = 0.0
    generation: int = 0
    last_due: dict["Connection", float] = field(default_factory=dict)

    def connect(self) -> None:
        """Try until it works."""
        if not self.process.alive or self.live:
            return
        if self.server.up and self.link.whole:
            self.live = self.connected = True
            self.deaf = False
            self.generation += 1
            self.came_up()
        else:
            self.later(RETRY_SECONDS, self.connect)

    def lose(self, notice: float) -> None:
        """The connection is gone; the client notices a little later, and tries again."""
        if self.live:
            self.live = False
            self.generation += 1
            self.later(notice, self._noticed)

    def check(self) -> None:
        """No answer to the pings of some time: the client gives the connection up."""
        if self.live and not self.link.whole:
            self.lose(0.0)

    def publish(self, subject: str, data: bytes) -> None:
        """Hand a message to the client."""
        self.process.effect()
        if self.live and self.server.up and not self.link.outward_cut:
            self.server.carry(self, subject, data)

    def arrive(self, generation: int, subject: str, data: bytes) -> None:
        """A message reaches the process, if it is still the same connection."""
        reached = self.process.alive and not self.deaf and not self.link.inward_cut
        if reached and generation == self.generation:
            self.server.arrived(self, subject, data)
            self.received(subject, data)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Do something in this process."""
        self.server.loop.call_later(seconds, call, context=self.process.context)

    def _noticed(self) -> None:
        self.connected = False
        self.connect()


class Nats:
    """The server."""

    def __init__(self, loop: VirtualLoop, random: Random, history: History, noise: Noise) -> None:
        self.loop = loop
        self.up = True
        self.noise = noise
        self.journal: list[bytes] = []
        self.connections: list[Connection] = []
        self.links: dict[str, Link] = {}
        self.arrived: Callable[[Connection, str, bytes], None] = lambda *_: None
        self._random = random
        self._history = history

    def link(self, place: str) -> Link:
        """The way between a machine and this server."""
        return self.links.setdefault(place, Link())

    def open(self, connection: Connection) -> None:
        """Have one more client; those of dead processes are forgotten."""
        self.connections = [one for one in self.connections if one.process.alive]
        self.connections.append(connection)
        connection.later(0.0, connection.connect)

    def stop(self) -> None:
        """The server dies, and every connection with it."""
        self.up = False
        for connection in self.connections:
            connection.lose(0.3 * self._random.random())

    def start(self) -> None:
        """The server is back."""
        self.up = True

    def watch(self, link: Link) -> None:
        """A link was cut: who is at its end notices when pings go unanswered."""
        for connection in self.connections:
            if connection.link is link:
                connection.later(NOTICE_SECONDS, connection.check)

    def carry(self, sender: Connection, subject: str, data: bytes) -> None:
        """Bring a message to everyone who hears its subject; nobody promises when."""
        self._history.sent(
            self.loop.time(), f"{sender.process.name} {subject.split('.', 3)[-1]}", data
        )
        for receiver in self.connections:
            if receiver.live and receiver.hears(subject):
                self._send(sender, receiver, subject, data)

    def _send(self, sender: Connection, receiver: Connection, subject: str, data: bytes) -> None:
        noise, dice = self.noise, self._random.random
        if noise.loss and dice() < noise.loss:
            return
        copies = 2 if noise.duplicate and dice() < noise.duplicate else 1
        for _ in range(copies):
            due = self.loop.time() + sender.lag + 0.001 * dice() + noise.delay * dice() ** 4
            if not (noise.reorder and dice() < noise.reorder):
                due = sender.last_due[receiver] = max(due, sender.last_due.get(receiver, 0.0))
            self.loop.call_at(
                due,
                receiver.arrive,
                receiver.generation,
                subject,
                data,
                context=receiver.process.context,
            )


@dataclass(slots=True, eq=False)
class OperatorBus:
    """:class:`~distributedjob_operator.ports.Bus` upon a connection."""

    connection: Connection

    @property
    def connected(self) -> bool:
        """What the client believes."""
        return self.connection.connected

    async def publish(self, subject: str, payload: bytes) -> None:
        """Hand a message to the client."""
        if self.connection.process.paused:
            # Stopped between the decision to send and the call that does.
            await asyncio.sleep(0)
        self.connection.publish(subject, payload)

    async def probe(self) -> float:
        """Round trip to the server."""
        connection = self.connection
        connection.process.effect()
        if connection.live and connection.link.whole and not connection.deaf:
            await asyncio.sleep(0.001)
            return 0.001
        await asyncio.sleep(PROBE_SECONDS)
        raise Unavailable("NATS does not answer")

    async def ensure(self) -> None:
        """The journal's stream; as :class:`~distributedjob_operator.ports.Journal`."""
        await self.probe()

    async def exists(self) -> bool:
        """Nothing is kept in it here."""
        await self.probe()
        return True

    async def purge(self, uid: str) -> None:
        """Nothing is kept of any job."""
        await self.probe()


@dataclass(slots=True, eq=False)
class WorkerTransport:
    """What the agent needs of NATS, upon a connection."""

    connection: Connection
    subjects: Subjects
    pool: str
    node: str

    def publish(self, data: bytes) -> None:
        """Send to the leader, now or never."""
        self.connection.publish(self.subjects.leader(self.pool, self.node), data)

    @property
    def dropped_records(self) -> int:
        """What is lost here is lost by the server."""
        return 0

    def record(self, batch: JournalBatch) -> None:
        """Hand a batch to the journal, which may lose everything at any time."""
        connection = self.connection
        connection.process.effect()
        if connection.live and connection.server.up:
            connection.server.journal.append(encode_message(batch))

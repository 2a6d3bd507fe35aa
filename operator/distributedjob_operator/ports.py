"""What the shell is written against; ``kube`` and ``bus`` implement it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.election import LeaseRecord
from distributedjob_operator.core.fleet import Node


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> Instant:
        """This moment; ``mono`` runs on while the machine is suspended."""


class Conflict(Exception):
    """The object is no longer at the version that was to be replaced."""


class NotFound(Exception):
    """There is no such object."""


class Unavailable(Exception):
    """The API server did not answer, or refused for now; the message says why."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as ``kubectl get`` prints it."""

    namespace: str
    name: str
    cells: list[str]


@dataclass(frozen=True, slots=True)
class JobTable:
    """Some jobs; ``more`` is the mark to go on behind, empty at the end."""

    columns: list[str]
    rows: list[JobRow]
    more: str


class Denied(Unavailable):
    """It answers, and says no: a right or the resource's definition is missing."""


class Expired(Unavailable):
    """The mark behind which a list was to go on is too old: it has to begin anew."""


class Dropped(Unavailable):
    """What the journal had, it has no longer."""


class JobStore(Protocol):
    """The DistributedJob objects; all methods may raise :class:`Unavailable`."""

    async def list_jobs(self) -> list[dict[str, Any]]:
        """A consistent list of every job in reach."""

    async def read_job(self, namespace: str, name: str) -> dict[str, Any]:
        """The object as it stands now; raises :class:`NotFound`."""

    async def write_status(
        self, namespace: str, name: str, uid: str, version: str, status: dict[str, Any]
    ) -> str:
        """Replace the status; returns the new resourceVersion.

        Raises:
            Conflict: the object is at another version, or another object.
            NotFound: it is gone.
        """

    async def delete_job(self, namespace: str, name: str, uid: str) -> None:
        """Delete this very object; raises :class:`NotFound` or :class:`Conflict`."""


class ConfigMapStore(Protocol):
    """ConfigMaps that hold items."""

    async def read_key(self, namespace: str, name: str, key: str) -> str | None:
        """The text under a key, or None where it is not there; raises :class:`Unavailable`."""


class EventSink(Protocol):
    """Kubernetes Events."""

    async def emit(
        self, namespace: str, name: str, uid: str, reason: str, note: str, *, warning: bool
    ) -> None:
        """Emit one about a job; raises :class:`Unavailable`."""


class NodeStore(Protocol):
    """The Node objects."""

    async def list_nodes(self) -> list[Node]:
        """A consistent list; raises :class:`Unavailable`."""


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """Everything the leader asks of the API server, but for its Lease."""

    jobs: JobStore
    nodes: NodeStore
    config_maps: ConfigMapStore
    events: EventSink


class LeaseStore(Protocol):
    """The one Lease; all methods may raise :class:`Unavailable`."""

    async def read_lease(self) -> LeaseRecord | None:
        """The record, or None where there is no Lease."""

    async def lease_changed(self, version: str) -> None:
        """Return once the Lease may be at another version; whoever asks has a time limit."""

    async def create_lease(self, record: LeaseRecord) -> LeaseRecord:
        """Create it; raises :class:`Conflict` where somebody was faster."""

    async def replace_lease(self, record: LeaseRecord, *, acquired: bool) -> LeaseRecord:
        """Replace the version that ``record`` names; raises :class:`Conflict`."""


@dataclass(frozen=True, slots=True)
class BusEvents:
    """Where the bus delivers; none of these may raise."""

    message: Callable[[str, bytes], None]
    reconnected: Callable[[], None]
    closed: Callable[[], None]


class Bus(Protocol):
    """NATS, as far as the leader needs it."""

    @property
    def connected(self) -> bool:
        """What the client believes; :meth:`probe` knows."""

    async def publish(self, subject: str, payload: bytes) -> None:
        """Hand a message to the client; delivery is not promised."""

    async def probe(self) -> float:
        """Round trip to the server in seconds; raises :class:`Unavailable`."""


class Journal(Protocol):
    """The stream that keeps the detail of every task; losing it loses no outcome."""

    async def ensure(self) -> None:
        """Have the stream there; raises :class:`Unavailable`."""

    async def exists(self) -> bool:
        """Whether it is; raises :class:`Unavailable`."""

    async def purge(self, uid: str) -> None:
        """Drop all of one job; raises :class:`Unavailable`."""

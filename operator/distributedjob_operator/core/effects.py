"""What the core wants done; the controller does it."""

from dataclasses import dataclass
from typing import Any

from distributedjob_api.messages import LeaderMessage

WorkerKey = tuple[str, str]
"""A worker as ``(pool, name)``."""

Marks = dict[tuple[WorkerKey, str], int]
"""Per (worker, incarnation), the newest entry of one job that a status holds."""


@dataclass(frozen=True, slots=True)
class Send:
    """Publish a message to one worker."""

    worker: WorkerKey
    message: LeaderMessage


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Publish a message to every worker."""

    message: LeaderMessage


@dataclass(frozen=True, slots=True)
class WriteStatus:
    """Write a checkpoint; ``marks`` come back with its outcome."""

    uid: str
    namespace: str
    name: str
    resource_version: str
    status: dict[str, Any]
    marks: Marks


@dataclass(frozen=True, slots=True)
class ReadJob:
    """Ask the API server itself whether this job still exists."""

    uid: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class ReadItems:
    """Read the key of a ConfigMap that holds a job's items."""

    uid: str
    namespace: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class DeleteJob:
    """Delete a job whose time to live after its end is over."""

    uid: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Emit a Kubernetes Event about a job: on transitions only, never about a task."""

    uid: str
    namespace: str
    name: str
    reason: str
    note: str
    warning: bool


@dataclass(frozen=True, slots=True)
class TellPhase:
    """Log that a checkpoint holds a new phase of a job."""

    namespace: str
    name: str
    phase: str
    reason: str


@dataclass(frozen=True, slots=True)
class TellLoss:
    """Log that a worker was given up."""

    worker: WorkerKey
    node: str
    why: str


@dataclass(frozen=True, slots=True)
class PurgeJournal:
    """Drop what the journal keeps of a job that is gone."""

    uid: str


@dataclass(frozen=True, slots=True)
class RaiseEpoch:
    """A worker or an object has seen a higher epoch: ask the Lease who leads."""

    seen: int


Effect = (
    Send
    | Broadcast
    | WriteStatus
    | ReadJob
    | ReadItems
    | DeleteJob
    | Tell
    | TellPhase
    | TellLoss
    | PurgeJournal
    | RaiseEpoch
)

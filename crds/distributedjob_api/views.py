"""What the operator's endpoint answers, as JSON: for the command line and for programs.

Fields are camelCase on the wire, absent ones have their default, and readers ignore
unknown ones. Times are Unix seconds, durations seconds, CPU amounts millicores, and
output is base64.
"""

from typing import Final

from msgspec import Struct


class _View(Struct, rename="camel", frozen=True, omit_defaults=True, gc=False):
    """One JSON object."""


class State:
    """Where a task stands, in one word."""

    PENDING: Final = "Pending"
    QUEUED: Final = "Queued"
    RUNNING: Final = "Running"
    SUCCEEDED: Final = "Succeeded"
    FAILED: Final = "Failed"
    CANCELLED: Final = "Cancelled"


STATES: Final = (
    State.PENDING, State.QUEUED, State.RUNNING, State.SUCCEEDED, State.FAILED, State.CANCELLED,
)  # fmt: skip


class TaskView(_View, frozen=True):
    """One task and its attempt that counts, or one attempt where all are listed.

    ``attempt`` counts from 1 and is 0 where the journal has none. ``reason`` is empty
    unless the attempt failed, ``exit_code`` -1 where there was none. The last four
    stand there only where they were asked for; ``place`` is where the journal has it.
    """

    index: int
    state: str
    run: int = 0
    attempt: int = 0
    node: str = ""
    started: float = 0.0
    duration: float = 0.0
    reason: str = ""
    exit_code: int = -1
    signal: int = 0
    stdout_bytes: int = 0
    stderr_bytes: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    place: int = 0


class LiveView(_View, frozen=True):
    """What a running task has written behind the offsets asked for, or that it does not run.

    ``attempt`` is 0 where it does not. Each text stands at ``..._at`` of the ``..._bytes``
    that there are: behind the offset where that part of a long output is kept no longer.
    """

    index: int
    run: int = 0
    attempt: int = 0
    node: str = ""
    stdout_at: int = 0
    stdout: bytes = b""
    stdout_bytes: int = 0
    stderr_at: int = 0
    stderr: bytes = b""
    stderr_bytes: int = 0


class FailureExample(_View, frozen=True):
    """One attempt that failed as its group did; ``tail`` is the end of what it wrote."""

    index: int
    attempt: int
    node: str
    tail: str


class FailureGroup(_View, frozen=True):
    """Attempts that failed for one reason, with one exit code and signal.

    ``tasks`` of them failed for good: ``indexes``, cut where the text is long.
    """

    reason: str
    exit_code: int
    signal: int
    attempts: int
    tasks: int
    indexes: str
    examples: list[FailureExample]


class Failures(_View, frozen=True):
    """Every group, most tasks first, and failed tasks that the journal knows nothing of."""

    groups: list[FailureGroup]
    unrecorded: int = 0
    unrecorded_indexes: str = ""


class Why(_View, frozen=True):
    """Why a job or a task stands where it stands."""

    reason: str
    message: str


class MachineView(_View, frozen=True):
    """One node, with the worker that it has, or a worker whose node is not there.

    ``slots_millis`` is what its tasks may occupy and ``busy_millis`` what they do;
    ``rate`` is tasks ended a second, of late; ``heard`` how long ago its worker was.
    ``dropped_records`` is of how many attempts the journal knows nothing, as it took nothing.
    """

    node: str
    health: str
    pool: str = ""
    address: str = ""
    allocatable_millis: int = 0
    slots_millis: int = 0
    memory_bytes: int = 0
    busy_millis: int = 0
    running: int = 0
    queued: int = 0
    rate: float = 0.0
    heard: float = 0.0
    dropped_records: int = 0

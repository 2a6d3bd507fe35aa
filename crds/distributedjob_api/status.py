"""``status``: what the operator writes, and reads again after a take-over."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from distributedjob_api.model import ReadModel
from distributedjob_api.rules import notes


class Phase(StrEnum):
    """Where a job stands, in one word."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    CANCELLING = "Cancelling"
    COMPLETE = "Complete"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class Condition(ReadModel):
    """One observation about the job, as in ``metav1.Condition``."""

    type: str = Field(description="Name of the condition, such as Complete.")
    status: str = Field(
        description="Whether it holds: True, False or Unknown.",
        json_schema_extra={"enum": ["True", "False", "Unknown"]},
    )
    reason: str = Field(description="Why, as one CamelCase word for programs.")
    message: str = Field(default="", description="Why, as a sentence for people.")
    last_transition_time: datetime = Field(description="When status changed last.")
    observed_generation: int = Field(
        default=0, description="The generation of the spec that this was decided on."
    )


class FailureSummary(ReadModel):
    """One attempt that failed."""

    index: int = Field(description="Index of the task.")
    attempt: int = Field(description="Number of the attempt, from 1.")
    node: str = Field(description="Node that it ran on.")
    reason: str = Field(description="Why it failed, as one CamelCase word.")
    exit_code: int = Field(default=-1, description="Exit code, or -1 where there was none.")
    signal: int = Field(default=0, description="Signal that ended it, or 0.")
    tail: str = Field(default="", description="The end of what it wrote.")

    @property
    def text(self) -> str:
        """What happened, in one line."""
        code = f", exit code {self.exit_code}" if self.exit_code > 0 else ""
        signal = f", signal {self.signal}" if self.signal else ""
        said = f": {self.tail.strip().splitlines()[-1]}" if self.tail.strip() else ""
        return f"task {self.index} on {self.node}, {self.reason}{code}{signal}{said}"


class Counters(ReadModel):
    """Counters of indexes without outcome, as bit-sliced bitmaps; see ``counters``."""

    uncharged: list[str] = Field(
        default=[],
        description="Attempts that ended and are none of the others.",
    )
    failures: list[str] = Field(default=[], description="Attempts charged to the back-off limit.")
    ignored: list[str] = Field(
        default=[],
        description="Failed attempts that a rule charged to no limit; they lengthen the back-off.",
    )
    interruptions: list[str] = Field(
        default=[], description="Attempts that were lost with their worker."
    )


class ExactSets(ReadModel):
    """The exact sets where the readable texts were cut, encoded."""

    completed: str = Field(default="", description="Indexes that succeeded.")
    failed: str = Field(default="", description="Indexes that failed for good.")


class Status(ReadModel):
    """What became of the tasks so far."""

    observed_generation: int = Field(
        default=0, description="The generation of the spec that this status answers to."
    )
    phase: Phase = Field(default=Phase.PENDING, description="Where the job stands, in one word.")
    conditions: list[Condition] = Field(
        default=[],
        description="Observations about the job, one of each type.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        }
        | notes(job="status.conditions"),
    )
    start_time: datetime | None = Field(
        default=None,
        description="When the first task of the run was handed out.",
        json_schema_extra=notes(job="status.startTime"),
    )
    completion_time: datetime | None = Field(
        default=None,
        description="When the last task had ended and the job was over.",
        json_schema_extra=notes(job="status.completionTime"),
    )
    progress: str = Field(default="", description="Tasks that have an outcome, of all: 7/100.")
    duration: str = Field(default="", description="Time from start to end, or until now.")
    pending: int = Field(default=0, description="Tasks that wait.")
    running: int = Field(
        default=0, description="Tasks that run.", json_schema_extra=notes(job="status.active")
    )
    succeeded: int = Field(
        default=0,
        description="Tasks that succeeded.",
        json_schema_extra=notes(job="status.succeeded"),
    )
    failed: int = Field(default=0, description="Tasks that failed for good.")
    cancelled: int = Field(default=0, description="Tasks that were cancelled.")
    failures: int = Field(
        default=0, description="Attempts that failed and were charged to a limit."
    )
    retries: int = Field(
        default=0, description="Failed attempts that another one follows, or is to follow."
    )
    interruptions: int = Field(default=0, description="Attempts that were lost with their worker.")
    completed_indexes: str = Field(
        default="",
        description="Indexes that succeeded, as ranges; cut where the text is long.",
        json_schema_extra=notes(job="status.completedIndexes"),
    )
    failed_indexes: str = Field(
        default="",
        description="Indexes that failed, as ranges; cut where the text is long.",
        json_schema_extra=notes(job="status.failedIndexes"),
    )
    exact: ExactSets | None = Field(
        default=None, description="The sets behind texts that were cut, for programs."
    )
    counters: Counters | None = Field(
        default=None, description="Attempts of indexes without outcome, for programs."
    )
    recent_failures: list[FailureSummary] = Field(
        default=[],
        description="The last few failed attempts.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    nodes: list[str] = Field(
        default=[],
        description="Nodes that hold tasks of the job.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    installation: str = Field(
        default="", description="The operator that owns the job, by its Lease's namespace/name."
    )
    leader: str = Field(default="", description="The replica that wrote this status.")
    epoch: int = Field(default=0, description="The fencing number of that replica's lead.")
    run: int = Field(default=0, description="How often the job was run again, from 0.")
    rerun_token: str = Field(
        default="", description="The spec.rerun.token that was honoured, or recorded, last."
    )
    rerun_indexes: str = Field(
        default="",
        description=(
            "The indexes that the last rerun chose, encoded, for programs; empty where it was"
            " all that had not succeeded."
        ),
    )
    items_hash: str = Field(
        default="",
        description="SHA-256 of what spec.itemsFrom held when it was read first.",
    )
    active_seconds: float = Field(
        default=0, description="Seconds that count towards spec.activeDeadlineSeconds."
    )
    dispatched_below: int = Field(
        default=0, description="No index from here on was ever given to a worker."
    )

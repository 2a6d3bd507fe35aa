"""``spec.failurePolicy``: what an exit code or a reason means, as ``podFailurePolicy``."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from distributedjob_api import task_reasons
from distributedjob_api.model import Model
from distributedjob_api.rules import notes, rule, rules


class FailureAction(StrEnum):
    """What a failure that a rule matches leads to."""

    FAIL_JOB = "FailJob"
    FAIL_INDEX = "FailIndex"
    IGNORE = "Ignore"
    COUNT = "Count"


class ExitCodeOperator(StrEnum):
    """How an exit code stands to the values of a rule."""

    IN = "In"
    NOT_IN = "NotIn"


class FailureReason(StrEnum):
    """Why an attempt did not succeed, as far as a rule may ask for it.

    An attempt that was ended by command is no failure, and an index that ran into
    ``interruptionLimit`` has failed already: no rule sees either.
    """

    ERROR = task_reasons.ERROR
    SIGNALED = task_reasons.SIGNALED
    INTERRUPTED = task_reasons.INTERRUPTED
    DEADLINE_EXCEEDED = task_reasons.DEADLINE_EXCEEDED
    OUTPUT_TOO_LARGE = task_reasons.OUTPUT_TOO_LARGE
    NOT_FOUND = task_reasons.NOT_FOUND
    NOT_EXECUTABLE = task_reasons.NOT_EXECUTABLE
    BAD_FORMAT = task_reasons.BAD_FORMAT
    BUSY = task_reasons.BUSY
    ARGUMENT_LIST_TOO_LONG = task_reasons.ARGUMENT_LIST_TOO_LONG
    INVALID_ARGUMENT = task_reasons.INVALID_ARGUMENT
    WORKING_DIR_MISSING = task_reasons.WORKING_DIR_MISSING
    WORKING_DIR_DENIED = task_reasons.WORKING_DIR_DENIED
    DISK_FULL = task_reasons.DISK_FULL
    TOO_MANY_PROCESSES = task_reasons.TOO_MANY_PROCESSES
    TOO_MANY_FILES = task_reasons.TOO_MANY_FILES
    OUT_OF_MEMORY = task_reasons.OUT_OF_MEMORY
    START_FAILED = task_reasons.START_FAILED


_JOB = "podFailurePolicy.rules[]"


class OnExitCodes(Model):
    """Exit codes that a rule matches."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.operator != 'In' || !(0 in self.values)",
                "values of the operator In must not hold 0, which is no failure;"
                " write codes from 1 to 255",
                field="values",
            )
        )
    )

    operator: ExitCodeOperator = Field(
        description="In: the exit code is one of values. NotIn: it is none of them.",
        json_schema_extra=notes(job=f"{_JOB}.onExitCodes.operator"),
    )
    values: list[Annotated[int, Field(ge=0, le=255)]] = Field(
        min_length=1,
        max_length=255,
        description="Exit codes, ascending and without repetition.",
        json_schema_extra={"x-kubernetes-list-type": "set"}
        | rules(
            rule("self.isSorted()", "values must ascend; write something like [1, 42]"),
        )
        | notes(job=f"{_JOB}.onExitCodes.values"),
    )


class FailureRule(Model):
    """An action, and the failures that lead to it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.onExitCodes) != has(self.onReasons)",
                "exactly one of onExitCodes and onReasons must be set in a rule;"
                " write a rule for each of them",
            )
        )
    )

    action: FailureAction = Field(
        description=(
            "FailJob ends the whole job as Failed, FailIndex tries the index no more, Ignore tries"
            " again without charge, Count charges the back-off limits as without a rule."
        ),
        json_schema_extra=notes(job=f"{_JOB}.action"),
    )
    on_exit_codes: OnExitCodes | None = Field(
        default=None,
        description="Matches attempts that ran to their end, by their exit code.",
        json_schema_extra=notes(job=f"{_JOB}.onExitCodes"),
    )
    on_reasons: list[FailureReason] | None = Field(
        default=None,
        min_length=1,
        max_length=len(FailureReason),
        description=(
            "Matches attempts by why they failed: their reason in status.recentFailures,"
            " or Interrupted for one that was lost with its worker."
        ),
        json_schema_extra={"x-kubernetes-list-type": "set"} | notes(job=f"{_JOB}.onPodConditions"),
    )


class FailurePolicy(Model):
    """What an exit code or a reason means for the index and the job."""

    rules: list[FailureRule] = Field(
        min_length=1,
        max_length=20,
        description="Tried in order; the first that matches decides. Without a match: Count.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"} | notes(job=_JOB),
    )

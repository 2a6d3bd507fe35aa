"""``spec.successPolicy``: when a job has succeeded before every index has."""

from typing import Final

from pydantic import ConfigDict, Field

from distributedjob_api import constants, index_text
from distributedjob_api.model import Model
from distributedjob_api.rules import notes, rule, rules

INDEXES_LENGTH: Final = 4096
"""Shorter than elsewhere: the cost of a rule is that of all twenty texts together."""

_JOB: Final = "successPolicy.rules[]"
_RANGES: Final = "self.succeededIndexes.findAll('[0-9]+(-[0-9]+)?')"
_SIZE: Final = "(range.contains('-') ? int(range.split('-')[1]) - int(range.split('-')[0]) + 1 : 1)"


class SuccessRule(Model):
    """Indexes, a number of them, or both."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.succeededIndexes) || has(self.succeededCount)",
                "a rule of successPolicy must have succeededIndexes, succeededCount or both;"
                " write succeededCount: 1 where any index will do",
            ),
            rule(
                "!has(self.succeededIndexes) || !has(self.succeededCount)"
                f" || self.succeededCount <= {_RANGES}.map(range, {_SIZE}).sum()",
                "succeededCount must not exceed the number of indexes in succeededIndexes;"
                " lower it, or write more indexes",
                field="succeededCount",
            ),
        )
    )

    succeeded_indexes: str | None = Field(
        default=None,
        max_length=INDEXES_LENGTH,
        description=(
            'Indexes that must have succeeded, such as "0-99,200": all of them,'
            " or succeededCount of them."
        ),
        json_schema_extra=rules(*index_text.well_formed("succeededIndexes"))
        | notes(job=f"{_JOB}.succeededIndexes"),
    )
    succeeded_count: int | None = Field(
        default=None,
        ge=1,
        le=constants.MAX_COMPLETIONS,
        description="How many must have succeeded: of succeededIndexes, or of all.",
        json_schema_extra=notes(job=f"{_JOB}.succeededCount"),
    )


class SuccessPolicy(Model):
    """When the job is Complete although not every index has succeeded."""

    rules: list[SuccessRule] = Field(
        min_length=1,
        max_length=20,
        description="The first rule that holds ends the job as Complete; the other tasks end.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"} | notes(job=_JOB),
    )

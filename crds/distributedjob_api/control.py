"""What a user tells a job that exists: to stand still, or to run again."""

from enum import StrEnum
from typing import Final

from pydantic import Field

from distributedjob_api import index_text
from distributedjob_api.model import Model
from distributedjob_api.rules import rule, rules

FAILED: Final = "failed"
"""Stands in ``rerun.indexes`` for the indexes that have not succeeded."""


class SuspendMode(StrEnum):
    """What becomes of running tasks when the job is suspended."""

    DRAIN = "Drain"
    NOW = "Now"


class Rerun(Model):
    """Run tasks of a finished job again, with fresh budgets."""

    token: str = Field(
        max_length=64,
        description="Any text; one that the job has not seen last starts the tasks again.",
        json_schema_extra=rules(
            rule(
                "self.matches('^[A-Za-z0-9]([A-Za-z0-9._:+-]*[A-Za-z0-9])?$')",
                "token must be letters, digits and . _ : + - between them;"
                " write something like 2026-01-31",
            )
        ),
    )
    indexes: str = Field(
        default=FAILED,
        max_length=index_text.MAX_LENGTH,
        description=(
            'Which tasks: "failed", which is all that have not succeeded, or indexes such as'
            ' "0-99,200". These run before successPolicy is looked at; others keep what they have.'
        ),
        json_schema_extra=rules(*index_text.well_formed("indexes", or_word=FAILED)),
    )

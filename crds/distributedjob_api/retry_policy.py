"""``spec.retryPolicy``: when and where a failed task is tried again."""

from enum import StrEnum
from typing import Final

from pydantic import ConfigDict, Field

from distributedjob_api.model import Model
from distributedjob_api.rules import rule, rules

_DAY: Final = 24 * 60 * 60


class Placement(StrEnum):
    """Where a failed task is tried again."""

    ANYWHERE = "Anywhere"
    OTHER_NODE = "OtherNode"
    SAME_NODE = "SameNode"


class RetryPolicy(Model):
    """When and where a failed task is tried again."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.initialSeconds <= self.maxSeconds",
                "maxSeconds must not be below initialSeconds;"
                " raise maxSeconds or lower initialSeconds",
                field="maxSeconds",
            )
        )
    )

    initial_seconds: int = Field(
        default=1, ge=0, le=_DAY, description="Seconds to wait after the first failure of an index."
    )
    factor: int = Field(
        default=2, ge=1, le=10, description="What the wait is multiplied by after each failure."
    )
    max_seconds: int = Field(
        default=60, ge=0, le=_DAY, description="Longest wait between two attempts, in seconds."
    )
    placement: Placement = Field(
        default=Placement.ANYWHERE,
        description=(
            "Where the next attempt runs: Anywhere; OtherNode, which prefers a node other than the"
            " one it failed on; or SameNode, which prefers that one."
        ),
    )

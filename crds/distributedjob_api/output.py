"""``spec.output``: what the journal keeps of stdout and stderr."""

from enum import StrEnum

from pydantic import Field

from distributedjob_api.model import Model


class OutputPolicy(StrEnum):
    """Of which attempts the journal keeps stdout and stderr."""

    ALL = "All"
    FAILED = "Failed"
    NONE = "None"


class Output(Model):
    """What the journal keeps of stdout and stderr."""

    policy: OutputPolicy = Field(
        default=OutputPolicy.ALL,
        description="Keep the output of All attempts, of those that Failed, or None.",
    )
    limit_bytes: int = Field(
        default=65_536,
        ge=0,
        le=1_048_576,
        description=(
            "Most bytes kept of each of stdout and stderr of an attempt."
            " Of longer output the head and the tail are kept."
        ),
    )

"""``spec.template``: the command that every task runs, and what it occupies."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from distributedjob_api.environment import EnvVar
from distributedjob_api.model import Model
from distributedjob_api.resources import Resources
from distributedjob_api.rules import PLAIN_TEXT, notes, rule, rules

TEMPLATE_CHARACTERS: Final = 64 * 1024
"""Leaves room for the largest items in the annotation of a client-side apply."""

_YEAR: Final = 365 * 24 * 60 * 60
_JOB: Final = "template.spec"
_CONTAINER: Final = f"{_JOB}.containers[0]"


Argument = Annotated[str, Field(max_length=32_768, pattern=PLAIN_TEXT)]


class Template(Model):
    """The command that every task runs."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "(self.command + self.args).map(a, size(a)).sum()"
                " + self.env.map(e, size(e.name) + size(e.value)).sum()"
                f" <= {TEMPLATE_CHARACTERS}",
                f"command, args and env must not exceed {TEMPLATE_CHARACTERS} characters in all;"
                " put a long script into a file that every node has",
            )
        )
    )

    command: list[Argument] = Field(
        min_length=1,
        max_length=1024,
        description=(
            "The program and its first arguments, started without a shell. $(DJOB_INDEX),"
            " $(DJOB_ITEM) and $(NAME) of env are expanded as in a pod's container."
        ),
        json_schema_extra=rules(
            rule(
                "size(self) > 0 && self[0] != ''",
                'command must begin with the program to run; write something like ["/bin/true"]',
            )
        )
        | notes(job=f"{_CONTAINER}.command"),
    )
    args: list[Argument] = Field(
        default=[],
        max_length=1024,
        description="More arguments, put behind command and expanded in the same way.",
        json_schema_extra=notes(job=f"{_CONTAINER}.args"),
    )
    env: list[EnvVar] = Field(
        default=[],
        max_length=256,
        description="Environment variables, beside the DJOB_ ones that each task gets.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        }
        | notes(job=f"{_CONTAINER}.env"),
    )
    working_dir: str = Field(
        default="",
        max_length=4096,
        description=(
            "Absolute path of an existing directory to start in."
            " Unset means the scratch directory, or the worker's own without one."
        ),
        json_schema_extra=rules(
            rule(
                r"self.matches('^(/[^\\x00-\\x1f\\x7f]*)?$')",
                "workingDir must be an absolute path without control characters;"
                " write something like /srv/data",
            )
        )
        | notes(job=f"{_CONTAINER}.workingDir"),
    )
    scratch_dir: bool = Field(
        default=True,
        description="Give each attempt an empty directory of its own, removed when it ends.",
    )
    resources: Resources = Field(
        default=Resources(),
        description="What one task occupies while it runs.",
        json_schema_extra=notes(job=f"{_CONTAINER}.resources"),
    )
    timeout_seconds: int | None = Field(
        default=None,
        ge=1,
        le=_YEAR,
        description="Longest run time of one attempt, in seconds. Unset means no limit.",
        json_schema_extra=notes(job=f"{_JOB}.activeDeadlineSeconds"),
    )
    termination_grace_period_seconds: int = Field(
        default=30,
        ge=0,
        le=3600,
        description=(
            "Seconds between SIGTERM and SIGKILL to all of a task's processes"
            " when it is ended from outside."
        ),
        json_schema_extra=notes(job=f"{_JOB}.terminationGracePeriodSeconds"),
    )

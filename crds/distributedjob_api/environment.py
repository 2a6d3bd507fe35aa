"""``spec.template.env``: the environment variables of a task."""

from enum import StrEnum
from typing import Final

from pydantic import ConfigDict, Field

from distributedjob_api.model import Model
from distributedjob_api.rules import PLAIN_TEXT, notes, rule, rules

_JOB: Final = "template.spec.containers[0].env[]"


class FieldPath(StrEnum):
    """What a variable can be taken from."""

    NAME = "metadata.name"
    NAMESPACE = "metadata.namespace"
    UID = "metadata.uid"
    NODE = "spec.nodeName"


class FieldRef(Model):
    """A field of the job, or the node that a task runs on."""

    field_path: FieldPath = Field(
        description=(
            "metadata.name, metadata.namespace or metadata.uid of the job; spec.nodeName is the"
            " node that the attempt runs on."
        ),
        json_schema_extra=notes(job=f"{_JOB}.valueFrom.fieldRef.fieldPath"),
    )


class ValueFrom(Model):
    """Where a variable's value comes from."""

    field_ref: FieldRef = Field(
        description="A field of the job, or the node's name.",
        json_schema_extra=notes(job=f"{_JOB}.valueFrom.fieldRef"),
    )


class EnvVar(Model):
    """One environment variable of a task."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.valueFrom) || self.value == ''",
                "value must not be set beside valueFrom; keep one of them",
                field="value",
            )
        )
    )

    name: str = Field(
        min_length=1,
        max_length=256,
        description="Name of the variable, such as MODE.",
        json_schema_extra=rules(
            rule(
                r"!self.matches('[=\\x00-\\x1f\\x7f]')",
                "an environment variable's name must not contain '=' or control characters;"
                " write letters, digits and '_'",
            ),
            rule(
                "!self.startsWith('DJOB_') && self != 'JOB_COMPLETION_INDEX'",
                "an environment variable's name must not start with DJOB_ or be"
                " JOB_COMPLETION_INDEX: the worker sets these; choose another name",
            ),
        )
        | notes(job=f"{_JOB}.name"),
    )
    value: str = Field(
        default="",
        max_length=32_768,
        pattern=PLAIN_TEXT,
        description="Value of the variable. $(NAME) is expanded as in a pod's container.",
        json_schema_extra=notes(job=f"{_JOB}.value"),
    )
    value_from: ValueFrom | None = Field(
        default=None,
        description="Take the value from elsewhere.",
        json_schema_extra=notes(job=f"{_JOB}.valueFrom"),
    )

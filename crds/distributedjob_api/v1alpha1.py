"""The resource: ``DistributedJob`` of ``distributedjob.dev/v1alpha1``.

Bounds and rules stand at the fields of ``spec`` and ``status``, once; ``schema`` turns
them into the CRD, so that bad input is refused at ``kubectl apply``, and the operator
reads objects through the same models.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, ValidationError

from distributedjob_api import constants
from distributedjob_api.control import Rerun, SuspendMode
from distributedjob_api.environment import EnvVar, FieldPath, FieldRef, ValueFrom
from distributedjob_api.failure_policy import (
    ExitCodeOperator,
    FailureAction,
    FailurePolicy,
    FailureReason,
    FailureRule,
    OnExitCodes,
)
from distributedjob_api.items import ConfigMapKeyRef, ItemsFrom
from distributedjob_api.model import ReadModel
from distributedjob_api.output import Output, OutputPolicy
from distributedjob_api.resources import Requests, Resources
from distributedjob_api.retry_policy import Placement, RetryPolicy
from distributedjob_api.scheduling import TaintEffect, Toleration, TolerationOperator
from distributedjob_api.spec import Spec
from distributedjob_api.status import (
    Condition,
    Counters,
    ExactSets,
    FailureSummary,
    Phase,
    Status,
)
from distributedjob_api.success_policy import SuccessPolicy, SuccessRule
from distributedjob_api.template import Template

__all__ = [
    "Condition",
    "ConfigMapKeyRef",
    "Counters",
    "DistributedJob",
    "EnvVar",
    "ExactSets",
    "ExitCodeOperator",
    "FailureAction",
    "FailurePolicy",
    "FailureReason",
    "FailureRule",
    "FailureSummary",
    "FieldPath",
    "FieldRef",
    "ItemsFrom",
    "Metadata",
    "OnExitCodes",
    "Output",
    "OutputPolicy",
    "Phase",
    "Placement",
    "Requests",
    "Rerun",
    "ResourceError",
    "Resources",
    "RetryPolicy",
    "Spec",
    "Status",
    "SuccessPolicy",
    "SuccessRule",
    "SuspendMode",
    "TaintEffect",
    "Template",
    "Toleration",
    "TolerationOperator",
    "ValueFrom",
    "parse",
]

_SHOWN = 3
"""Faults that one message lists; whoever has more has written something else."""


class Metadata(ReadModel):
    """What is read of an object's metadata."""

    name: str
    namespace: str = "default"
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None


class DistributedJob(ReadModel):
    """Many short tasks and what became of them."""

    api_version: Annotated[str, Field(alias="apiVersion")] = constants.API_VERSION
    kind: str = constants.KIND
    metadata: Metadata
    spec: Spec
    status: Status | None = None


class ResourceError(ValueError):
    """An object that is no job this version can run; the message names the fields."""


def parse(body: Mapping[str, Any]) -> DistributedJob:
    """Read an object as the API server returns it.

    Raises:
        ResourceError: the object was stored under another version's rules, or never
            passed an API server.
    """
    try:
        return DistributedJob.model_validate(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        shown = [f"{_path(fault['loc'])}: {fault['msg']}" for fault in faults[:_SHOWN]]
        if len(faults) > _SHOWN:
            shown.append(f"and {len(faults) - _SHOWN} more")
        raise ResourceError("; ".join(shown)) from error


def _path(location: tuple[int | str, ...]) -> str:
    """``spec.template.command[0]``, as the API server writes it."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return text.removeprefix(".") or "object"

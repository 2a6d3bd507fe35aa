"""The job around the template: counts, limits, time and suspension."""

from collections.abc import Mapping
from typing import Any, Final

from distributedjob_api import constants, spec_rules
from distributedjob_api.convert.part import ConvertError, Part
from distributedjob_api.convert.policies import failure_policy, success_policy
from distributedjob_api.convert.template import pod_template
from distributedjob_api.spec import LIMIT
from distributedjob_api.v1alpha1 import ResourceError, parse

_JOB_CONTROLLER: Final = "kubernetes.io/job-controller"
_JOB_BACKOFF_LIMIT: Final = 6
"""``backoffLimit`` of a Job that says nothing, and has no limit per index."""

_JOB_BACKOFF: Final = {"initialSeconds": 10, "factor": 2, "maxSeconds": 600}
"""How long a Job waits before it tries an index again."""

_GENERATED_ANNOTATIONS: Final = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "batch.kubernetes.io/job-tracking",
    }
)
_GENERATED_LABELS: Final = frozenset(
    {
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-name",
        "controller-uid",
        "job-name",
    }
)
_HINTS: Final = {"selector": "there are no pods to select"}


def from_job(manifest: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Turn an Indexed Job of ``batch/v1`` into a DistributedJob.

    Args:
        manifest: the Job as YAML or the API server holds it.

    Returns:
        The new manifest, and a sentence for each thing that it does not carry or that
        means something else now; each begins with the path of the field in the Job.

    Raises:
        ConvertError: it is no Job, it has no number of tasks or no command, or what it
            asks for is out of a DistributedJob's bounds.
    """
    notes: list[str] = []
    whole = Part(manifest, "", notes)
    kind, version = whole.take("kind", str), whole.take("apiVersion", str)
    if (kind, version) != ("Job", "batch/v1"):
        raise ConvertError(f"{version or 'no apiVersion'} {kind or 'no kind'} is no batch/v1 Job")
    whole.ignore("status")
    made = {
        "apiVersion": constants.API_VERSION,
        "kind": constants.KIND,
        "metadata": _metadata(whole.part("metadata")),
        "spec": _spec(whole.part("spec")),
    }
    whole.name_the_rest()
    try:
        parse(made | {"metadata": {"name": "any"}})
    except ResourceError as error:
        raise ConvertError(f"as a {constants.KIND} it is out of bounds: {error}") from error
    return made, notes


def _metadata(metadata: Part) -> dict[str, Any]:
    names = ("name", "generateName", "namespace")
    made: dict[str, Any] = {
        name: value for name in names if (value := metadata.take(name, str)) is not None
    }
    for name, generated in (("labels", _GENERATED_LABELS), ("annotations", _GENERATED_ANNOTATIONS)):
        kept = {key: value for key, value in metadata.texts(name).items() if key not in generated}
        if kept:
            made[name] = kept
    metadata.ignore(
        "creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"
    )
    metadata.name_the_rest()
    return made


def _spec(spec: Part) -> dict[str, Any]:
    completions = spec.take("completions", int)
    if completions is None:
        raise ConvertError("spec.completions must be set: only a fixed number of tasks has indexes")
    if spec.take("completionMode", str) != "Indexed":
        spec.note("completionMode", "every task has an index of its own here, as if Indexed")
    made: dict[str, Any] = {"completions": completions}
    made |= _parallelism(spec) | _limits(spec, completions) | {"retryPolicy": {**_JOB_BACKOFF}}
    for name in ("activeDeadlineSeconds", "ttlSecondsAfterFinished"):
        if (seconds := spec.take(name, int)) is not None:
            made[name] = seconds
    if made.get("activeDeadlineSeconds") == 0:
        made["activeDeadlineSeconds"] = 1
        spec.note("activeDeadlineSeconds", "0 became 1, the shortest deadline")
    if spec.take("suspend", bool):
        made["suspend"] = True
    manager = spec.take("managedBy", str)
    if manager == _JOB_CONTROLLER:
        spec.note("managedBy", "not carried over; it names the controller of Jobs")
    elif manager:
        made["managedBy"] = manager
    task = pod_template(spec.part("template"))
    for name, policy in (
        ("failurePolicy", failure_policy(spec.part("podFailurePolicy"), task.container)),
        ("successPolicy", success_policy(spec.part("successPolicy"))),
    ):
        made |= {name: policy} if policy else {}
    made |= task.placing | {"template": task.template}
    spec.ignore("podReplacementPolicy")
    if not spec.take("manualSelector", bool):
        spec.ignore("selector")
    spec.name_the_rest(_HINTS)
    return made


def _parallelism(spec: Part) -> dict[str, int]:
    parallelism = spec.take("parallelism", int)
    if parallelism is None:
        spec.note("parallelism", "1, as in a Job without it; remove it to use all free CPU")
    return {"parallelism": 1 if parallelism is None else parallelism}


def _limits(spec: Part, completions: int) -> dict[str, int]:
    """The back-off limits, so that the job ends at the failure at which the Job would."""
    made = {
        name: value
        for name in ("backoffLimit", "maxFailedIndexes")
        if (value := spec.take(name, int)) is not None
    }
    per_index = spec.take("backoffLimitPerIndex", int)
    field = "backoffLimitPerIndex"
    if per_index is None:
        # One index alone may use up what all of them have together.
        field = "backoffLimit"
        per_index = made.setdefault("backoffLimit", _JOB_BACKOFF_LIMIT)
    highest = spec_rules.LARGE_JOB_LIMIT if completions > spec_rules.LARGE_JOB else LIMIT
    if per_index > highest:
        spec.note(field, f"an index is tried again {highest} times at most")
    return made | {"backoffLimitPerIndex": min(per_index, highest)}

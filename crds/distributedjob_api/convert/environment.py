"""Variables: what a pod can say of itself, as far as a task can."""

from typing import Any, Final

from distributedjob_api.convert.part import Part
from distributedjob_api.v1alpha1 import FieldPath

_INDEX: Final = "batch.kubernetes.io/job-completion-index"
_LABELS: Final = {
    f"metadata.annotations['{_INDEX}']": "$(DJOB_INDEX)",
    f"metadata.labels['{_INDEX}']": "$(DJOB_INDEX)",
    "metadata.labels['batch.kubernetes.io/job-name']": "$(DJOB_NAME)",
    "metadata.labels['job-name']": "$(DJOB_NAME)",
}
"""Values that each task gets as variables, which may be referred to."""

_OF_THE_POD: Final = frozenset({FieldPath.NAME.value, FieldPath.UID.value})


def environment(variables: list[Part]) -> list[dict[str, Any]]:
    """The variables that a task can have; of a name that occurs twice, the last."""
    made: dict[str, dict[str, Any]] = {}
    for variable in variables:
        name = variable.take("name", str) or ""
        if name == "JOB_COMPLETION_INDEX":
            # Each task has it anyway, with the value that a Job would give it.
            continue
        if name.startswith("DJOB_"):
            variable.note("name", f"not carried over; {name} is set by the worker")
            continue
        value = _value(variable)
        if value is not None:
            made.pop(name, None)
            made[name] = {"name": name} | value
        variable.name_the_rest()
    return list(made.values())


def _value(variable: Part) -> dict[str, Any] | None:
    source = variable.part("valueFrom")
    field = source.part("fieldRef")
    path = field.take("fieldPath", str)
    field.ignore("apiVersion")
    source.name_the_rest()
    if path is None:
        named = variable.notes and variable.notes[-1].startswith(f"{source.path}.")
        return None if named else {"value": variable.take("value", str) or ""}
    if path in _LABELS:
        return {"value": _LABELS[path]}
    if path not in set(FieldPath):
        field.note("fieldPath", f"not carried over; {path} is nothing that a task has")
        return None
    if path in _OF_THE_POD:
        field.note("fieldPath", f"{path} is that of the job here, since a task is no pod")
    return {"valueFrom": {"fieldRef": {"fieldPath": path}}}

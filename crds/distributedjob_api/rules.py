"""How bounds that plain JSON Schema cannot say are written beside the fields they bind.

A rule is CEL, evaluated by the API server alone; its message is what a user reads at
``kubectl apply``, so it names the field and what to write instead. The server
estimates each rule's cost from ``maxItems`` and ``maxLength`` before it accepts the
CRD, taking four bytes a character; where that budget is too small the bound is a
pattern instead.
"""

from typing import Any, Final

VALIDATIONS: Final = "x-kubernetes-validations"

JOB_FIELD: Final = "x-job-field"
ON_CHANGE: Final = "x-on-change"
"""Notes for the reference, which the CRD leaves out."""

PLAIN_TEXT: Final = (
    r"^[^\x00-\x08\x0b-\x1f\x7f]*$|^no control characters but tab and newline; remove the others$"
)
"""Text that can be an argument of a program.

A rule over every argument and item would cost several times the budget, and the server
shows a pattern as its own explanation: so the second branch, which the first one covers,
stands there to be read.
"""


def rule(
    expression: str,
    message: str,
    *,
    field: str = "",
    reason: str = "",
    first: bool = False,
) -> dict[str, Any]:
    """One CEL rule.

    Args:
        expression: what must hold.
        message: what a user reads where it does not.
        field: the field below ``self`` that an error is shown at.
        reason: the machine's word for the error, where it is not an invalid value.
        first: a rule with ``oldSelf`` holds at creation too, and then has none.
    """
    made: dict[str, Any] = {"rule": expression, "message": message}
    if first:
        made["optionalOldSelf"] = True
    if field:
        made["fieldPath"] = f".{field}"
    if reason:
        made["reason"] = reason
    return made


def rules(*all_of: dict[str, Any]) -> dict[str, Any]:
    """The rules as extra keys of a model's or a field's JSON schema."""
    return {VALIDATIONS: list(all_of)}


def notes(*, job: str = "", change: str = "") -> dict[str, Any]:
    """What the reference says of a field, as extra keys of its JSON schema.

    Args:
        job: the field of ``batch/v1`` Job's spec that it mirrors.
        change: what a change after creation does, where one is allowed.
    """
    return {key: text for key, text in ((JOB_FIELD, job), (ON_CHANGE, change)) if text}


def immutable(name: str) -> dict[str, Any]:
    """The field, which always has a value, stays as it was created."""
    return rule("self == oldSelf", _unchangeable(name), reason="FieldValueForbidden")


def immutable_optional(name: str) -> dict[str, Any]:
    """The field of ``self`` is neither added, changed nor removed.

    It stands at the parent, since a rule of the field itself is not evaluated when the
    field comes or goes.
    """
    same = (
        f"has(self.{name}) == has(oldSelf.{name})"
        f" && (!has(self.{name}) || self.{name} == oldSelf.{name})"
    )
    return rule(same, _unchangeable(name), field=name, reason="FieldValueForbidden")


def changeable_while_suspended(name: str) -> dict[str, Any]:
    """The field, which always has a value, is changed by an object that is suspended only.

    That is how Kueue lets a job in: it says where the job may run and resumes it in one
    write, and takes both back in one.
    """
    return rule(
        f"oldSelf.suspend || self.suspend || self.{name} == oldSelf.{name}",
        f"{name} cannot be changed while the job runs; write suspend: true first",
        field=name,
        reason="FieldValueForbidden",
    )


def _unchangeable(name: str) -> str:
    return (
        f"{name} cannot be changed after creation;"
        " keep it as it was, or create the job anew under another name"
    )

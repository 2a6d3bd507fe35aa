"""``podFailurePolicy`` and ``successPolicy``."""

from typing import Any, Final

from distributedjob_api.convert.part import Part
from distributedjob_api.v1alpha1 import FailureReason

_SIGNALS: Final = range(129, 160)
_DISRUPTION: Final = "DisruptionTarget"


def failure_policy(policy: Part, container: str) -> dict[str, Any] | None:
    """The rules that say something here, in their order.

    Args:
        policy: what the Job says.
        container: the one that became the task.
    """
    found = [_failure_rule(rule, container) for rule in policy.parts("rules")]
    policy.name_the_rest()
    made = [rule for rule in found if rule is not None]
    return {"rules": made} if made else None


def _failure_rule(rule: Part, container: str) -> dict[str, Any] | None:
    action = rule.take("action", str)
    codes = rule.part("onExitCodes")
    values = codes.take("values", list)
    conditions = rule.parts("onPodConditions")
    made: dict[str, Any] | None = None
    if values is not None:
        made = _exit_codes(codes, values, container)
    elif conditions:
        made = _conditions(rule, conditions, action)
    codes.name_the_rest()
    rule.name_the_rest()
    return None if made is None else {"action": action} | made


def _exit_codes(codes: Part, values: list[Any], task: str) -> dict[str, Any] | None:
    operator = codes.take("operator", str)
    container = codes.take("containerName", str)
    if container not in (None, task):
        codes.note("", f"not carried over; it is about the container {container}")
        return None
    kept = sorted({value for value in values if isinstance(value, int) and 0 <= value <= 255})
    if len(kept) < len(values):
        codes.note("values", "only 0 to 255 carried over, which is what Linux has")
    if operator == "NotIn":
        codes.note(
            "operator",
            "a task that a signal ended matches no exit code here, not even NotIn;"
            f" add a rule with onReasons: [{FailureReason.SIGNALED}] for that",
        )
    elif any(value in _SIGNALS for value in kept):
        codes.note(
            "values",
            "a task that a signal ended has no exit code above 128 here;"
            f" write onReasons: [{FailureReason.SIGNALED}] for that",
        )
    if not kept and operator == "In":
        return None
    # No failure has exit code 0, so that this is every failure.
    return {"onExitCodes": {"operator": operator, "values": kept or [0]}}


def _conditions(rule: Part, conditions: list[Part], action: str | None) -> dict[str, Any] | None:
    types = [condition.take("type", str) for condition in conditions]
    if _DISRUPTION in types and action != "Ignore":
        rule.note(
            "onPodConditions",
            f"became onReasons: [{FailureReason.INTERRUPTED}], an attempt lost with its worker",
        )
        return {"onReasons": [FailureReason.INTERRUPTED.value]}
    why = (
        "an attempt that was lost with its worker is charged to interruptionLimit alone"
        if _DISRUPTION in types
        else "tasks are no pods; see failurePolicy.rules[].onReasons"
    )
    rule.note("onPodConditions", f"not carried over; {why}")
    return None


def success_policy(policy: Part) -> dict[str, Any] | None:
    """The rules that ask for something."""
    made = []
    for rule in policy.parts("rules"):
        count, indexes = rule.take("succeededCount", int), rule.take("succeededIndexes", str)
        one = {"succeededIndexes": indexes} if indexes else {}
        made.append(one | ({"succeededCount": count} if count else {}))
        if not made[-1] or count == 0:
            rule.note("", "a rule that asks for no task at all is not carried over")
            made.pop()
        rule.name_the_rest()
    policy.name_the_rest()
    return {"rules": made} if made else None

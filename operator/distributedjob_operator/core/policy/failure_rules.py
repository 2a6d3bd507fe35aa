"""``failurePolicy``: what an exit code or a reason means for the index and the job.

As ``podFailurePolicy`` of ``batch/v1`` Job (KEP-3329): rules are tried in order, the
first that matches decides, and without a match the failure counts as usual.
"""

from dataclasses import dataclass

from distributedjob_api import task_reasons
from distributedjob_api.v1alpha1 import (
    ExitCodeOperator,
    FailureAction,
    FailurePolicy,
    FailureRule,
    OnExitCodes,
)


@dataclass(frozen=True, slots=True)
class Ruling:
    """An action, and the position of the rule that asked for it (-1: none did)."""

    action: FailureAction
    rule: int = -1


def ruling(policy: FailurePolicy | None, reason: str, exit_code: int) -> Ruling:
    """Find the first rule that an ended attempt matches."""
    for position, rule in enumerate(policy.rules if policy else ()):
        if _matches(rule, reason, exit_code):
            return Ruling(rule.action, position)
    return Ruling(FailureAction.COUNT)


def _matches(rule: FailureRule, reason: str, exit_code: int) -> bool:
    if rule.on_reasons is not None:
        return reason in rule.on_reasons
    codes = rule.on_exit_codes
    # Only a task that ran to its end has an exit code of its own.
    return codes is not None and reason == task_reasons.ERROR and _holds(codes, exit_code)


def _holds(codes: OnExitCodes, exit_code: int) -> bool:
    return (exit_code in codes.values) is (codes.operator is ExitCodeOperator.IN)

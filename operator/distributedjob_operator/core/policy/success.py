"""``successPolicy``: when a job is a success before every index succeeded (KEP-3998)."""

from distributedjob_api import reasons
from distributedjob_api.indexes import BitMap, parse_indexes
from distributedjob_api.v1alpha1 import SuccessPolicy, SuccessRule


def met(policy: SuccessPolicy | None, succeeded: BitMap, tasks: int) -> reasons.Explained | None:
    """The first rule that holds, if any.

    Args:
        policy: the rules, or None.
        succeeded: the indexes that succeeded.
        tasks: the bound of the indexes.

    Raises:
        IndexTextError: a rule's indexes cannot be read.
    """
    for position, rule in enumerate(policy.rules if policy else ()):
        if _holds(rule, succeeded, tasks):
            return reasons.success_policy(position)
    return None


def _holds(rule: SuccessRule, succeeded: BitMap, tasks: int) -> bool:
    if rule.succeeded_indexes is None:
        return len(succeeded) >= (rule.succeeded_count or 0)
    chosen = parse_indexes(rule.succeeded_indexes, below=tasks)
    if rule.succeeded_count is None:
        return chosen.issubset(succeeded)
    return chosen.intersection_cardinality(succeeded) >= rule.succeeded_count

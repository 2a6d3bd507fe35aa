"""What passed the schema and still makes no sense together.

The API server cannot count the indexes of a text within the budget of its rules, nor
the lines of a ConfigMap. What it lets pass is found here, before anything is run.
"""

from typing import Final

from distributedjob_api.indexes import BitMap, IndexTextError, format_indexes, parse_indexes
from distributedjob_api.v1alpha1 import Spec, SuccessRule

SHOWN_CHARACTERS: Final = 100


def wanted_indexes(spec: Spec, tasks: int) -> tuple[BitMap, str]:
    """The indexes to run of so many tasks, and what is wrong with the spec, if anything."""
    if spec.indexes is None:
        wanted = BitMap(range(tasks))
    else:
        try:
            wanted = parse_indexes(spec.indexes, below=tasks)
        except IndexTextError as error:
            return BitMap(), f"spec.indexes: {error}"
        if not wanted:
            return wanted, "spec.indexes: names no index; write something like 0-99,200"
    return wanted, _problem(spec, wanted, tasks)


def _problem(spec: Spec, wanted: BitMap, tasks: int) -> str:
    limit = spec.max_failed_indexes
    # A list may be shorter today than the limit that suits it on most days.
    if limit is not None and limit > len(wanted) and spec.items_from is None:
        return (
            f"spec.maxFailedIndexes: {limit:,} of {len(wanted):,} tasks cannot fail; lower it,"
            " or keep it out to run every index"
        )
    for position, rule in enumerate(spec.success_policy.rules if spec.success_policy else ()):
        problem = _problem_of(rule, wanted, tasks)
        if problem:
            return f"spec.successPolicy.rules[{position}].{problem}"
    return ""


def _problem_of(rule: SuccessRule, wanted: BitMap, tasks: int) -> str:
    if (rule.succeeded_count or 0) > len(wanted):
        return (
            f"succeededCount: {rule.succeeded_count:,} of {len(wanted):,} tasks cannot succeed;"
            " lower it"
        )
    if rule.succeeded_indexes is None:
        return ""
    try:
        chosen = parse_indexes(rule.succeeded_indexes, below=max(tasks, 1))
    except IndexTextError as error:
        return f"succeededIndexes: {error}"
    outside, _ = format_indexes(chosen - wanted, SHOWN_CHARACTERS)
    if outside:
        return f"succeededIndexes: spec.indexes leaves out {outside}; name indexes that are run"
    return ""

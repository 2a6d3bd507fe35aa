"""Rules over several fields of ``spec``, and over what may change of those that may be unset."""

from typing import Any, Final

from distributedjob_api import index_text
from distributedjob_api.rules import changeable_while_suspended, immutable_optional, rule

# The status keeps a counter of at most 65,536 indexes without outcome, as one bitmap for each
# bit: 128 KiB at the most, an eighth of a byte for each index in a smaller job. Two counters
# up to 100 fill at most 12 such bitmaps, two up to 10 at most 6. Both, in base64 and beside
# the sets of finished indexes, stay below what etcd takes; 12 in the largest jobs would not.
LARGE_JOB: Final = 500_000
LARGE_JOB_LIMIT: Final = 10

_COUNTED: Final = "(has(self.items) || has(self.completions))"
_TASKS: Final = "(has(self.items) ? size(self.items) : self.completions)"


def _below_tasks(field: str, path: str, condition: str) -> dict[str, Any]:
    """The indexes of a field exist, as far as their number stands in the object."""
    return rule(
        f"!{_COUNTED} || {condition}",
        f"{field} must be below completions, or the number of items;"
        " write 99 at most where there are 100",
        field=path,
    )


CROSS_FIELD: Final = (
    rule(
        "(has(self.completions) ? 1 : 0) + (has(self.items) ? 1 : 0)"
        " + (has(self.itemsFrom) ? 1 : 0) == 1",
        "exactly one of completions, items and itemsFrom must be set;"
        " write completions: 100, or items: [a, b, c]",
    ),
    _below_tasks(
        "indexes",
        "indexes",
        f"!has(self.indexes) || {index_text.last('self.indexes')} < {_TASKS}",
    ),
    _below_tasks(
        "indexes of rerun",
        "rerun.indexes",
        f"!has(self.rerun) || {index_text.last('self.rerun.indexes')} < {_TASKS}",
    ),
    _below_tasks(
        "succeededIndexes",
        "successPolicy.rules",
        "!has(self.successPolicy) || self.successPolicy.rules.all(one,"
        " !has(one.succeededIndexes)"
        f" || {index_text.last('one.succeededIndexes')} < {_TASKS})",
    ),
    rule(
        f"!{_COUNTED} || !has(self.successPolicy) || self.successPolicy.rules.all(one,"
        f" !has(one.succeededCount) || one.succeededCount <= {_TASKS})",
        "succeededCount must not exceed completions, or the number of items; lower it",
        field="successPolicy.rules",
    ),
    rule(
        f"!{_COUNTED} || !has(self.maxFailedIndexes) || self.maxFailedIndexes <= {_TASKS}",
        "maxFailedIndexes must not exceed completions, or the number of items;"
        " lower it, or keep it out to run every index",
        field="maxFailedIndexes",
    ),
    rule(
        f"!has(self.completions) || self.completions <= {LARGE_JOB}"
        f" || (self.backoffLimitPerIndex <= {LARGE_JOB_LIMIT}"
        f" && self.interruptionLimit <= {LARGE_JOB_LIMIT})",
        f"above {LARGE_JOB} completions, backoffLimitPerIndex and interruptionLimit must"
        f" not exceed {LARGE_JOB_LIMIT}; lower them or split the job",
    ),
    # A token that was there before stays, so that a job that ran again can be cancelled.
    rule(
        "!self.cancel || !has(self.rerun) || (oldSelf.hasValue()"
        " && has(oldSelf.value().rerun) && oldSelf.value().rerun == self.rerun)",
        "rerun cannot be set or changed where cancel is true, which is for good;"
        " create the job anew to run it again, and keep rerun out",
        field="rerun",
        reason="FieldValueForbidden",
        first=True,
    ),
    *(
        immutable_optional(name)
        for name in (
            "completions",
            "items",
            "itemsFrom",
            "indexes",
            "backoffLimit",
            "maxFailedIndexes",
            "failurePolicy",
            "successPolicy",
            "managedBy",
        )
    ),
    *(changeable_while_suspended(name) for name in ("nodeSelector", "tolerations")),
)

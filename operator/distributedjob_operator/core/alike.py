"""The failures of a report, put together where the same follows from them.

To the books an exit code or a reason matters only as far as a rule or a limit asks for it. So
thousands of failures, each with a code of its own, are charged with a few operations on sets.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from distributedjob_api.indexes import BitMap
from distributedjob_api.messages import Failure
from distributedjob_api.v1alpha1 import FailureAction, Spec
from distributedjob_operator.core.policy.failure_rules import ruling
from distributedjob_operator.core.policy.retry import kind_of


class Alike(NamedTuple):
    """Failures that are judged as one of them is, where their indexes have the same counters."""

    one: Failure
    indexes: BitMap


def in_order(failed: Sequence[Failure], spec: Spec) -> Iterator[Sequence[Failure]]:
    """Cut failures into parts within which their order means nothing to any index or the job.

    That is nearly always all of them. But of two failures of one index the first decides
    about the second, and of those that end the job the first is why.
    """
    if len(failed) > 1 and (_repeats(failed) or _ends_job(failed, spec)):
        for failure in failed:
            yield (failure,)
    elif failed:
        yield failed


def _repeats(failed: Sequence[Failure]) -> bool:
    return len({failure.index for failure in failed}) < len(failed)


def _ends_job(failed: Sequence[Failure], spec: Spec) -> bool:
    policy = spec.failure_policy
    if policy is None or all(rule.action is not FailureAction.FAIL_JOB for rule in policy.rules):
        return False
    ends = {(failure.reason, failure.exit_code) for failure in failed}
    return any(ruling(policy, *how).action is FailureAction.FAIL_JOB for how in ends)


def put_together(failed: Sequence[Failure], spec: Spec) -> list[Alike]:
    """Failures of distinct indexes by what decides how they are judged."""
    # Without rules no exit code means anything.
    coded = spec.failure_policy is not None
    kinds: dict[tuple[str, int], tuple[int, bool]] = {}
    groups: dict[tuple[int, int, tuple[int, bool]], tuple[Failure, list[int]]] = {}
    for failure in failed:
        how = (failure.reason, failure.exit_code if coded else 0)
        kind = kinds.get(how)
        if kind is None:
            kind = kinds[how] = kind_of(spec, *how)
        key = (failure.ended, failure.failures, kind)
        group = groups.get(key)
        if group is None:
            groups[key] = (failure, [failure.index])
        else:
            group[1].append(failure.index)
    return [Alike(one, BitMap(indexes)) for one, indexes in groups.values()]

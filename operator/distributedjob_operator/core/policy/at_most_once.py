"""Jobs whose tasks never start twice: both of their limits are 0 (protocol item 8).

What may have started has to stand in the record before it is handed out, or else a
crash of the leader would forget it. So such a job waits for a write that raises
``status.dispatchedBelow``, in blocks that grow with what is out; an index below it
that nobody reports after a take-over is given up.
"""

from typing import Final

from distributedjob_api.indexes import BitMap
from distributedjob_api.v1alpha1 import Spec

SMALLEST_BLOCK: Final = 16


def applies(spec: Spec) -> bool:
    """Whether a started attempt must be the last one of its index."""
    return spec.backoff_limit_per_index == 0 and spec.interruption_limit == 0


def below(indexes: BitMap, bound: int) -> int:
    """How many of ``indexes`` are below ``bound``."""
    return indexes.rank(bound - 1) if bound else 0


def next_bound(fresh: BitMap, bound: int, out: int) -> int:
    """How far the bound must be raised so that dispatch does not run dry.

    Args:
        fresh: indexes never handed out.
        bound: what stands in the record.
        out: how many tasks are with workers.
    """
    block = max(SMALLEST_BLOCK, out)
    left = below(fresh, bound)
    if left == len(fresh) or 2 * left > block:
        return bound
    last = min(left + block, len(fresh)) - 1
    return fresh[last] + 1

"""``nodeSelector`` and ``tolerations``: which nodes a job may use, as for pods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from distributedjob_api.v1alpha1 import Toleration, TolerationOperator

KEEPS_AWAY = frozenset({"NoSchedule", "NoExecute"})
"""Effects of a taint that nothing new may ignore; PreferNoSchedule is a wish."""


@dataclass(frozen=True, slots=True)
class Taint:
    """A taint of a Node."""

    key: str
    value: str
    effect: str


def admits(
    labels: Mapping[str, str],
    taints: Sequence[Taint],
    selector: Mapping[str, str],
    tolerations: Sequence[Toleration],
) -> bool:
    """Whether a node has every wanted label and no taint that is not tolerated."""
    if any(labels.get(key) != value for key, value in selector.items()):
        return False
    return all(
        any(_tolerates(toleration, taint) for toleration in tolerations)
        for taint in taints
        if taint.effect in KEEPS_AWAY
    )


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    """After ``k8s.io/api/core/v1.Toleration.ToleratesTaint``."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator is TolerationOperator.EXISTS:
        return True
    return bool(toleration.key) and toleration.value == taint.value

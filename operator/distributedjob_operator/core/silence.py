"""Which silent workers are given up (protocol item 1).

Silence counts up to the leader's own last proved round trip, so that an outage of NATS
that the leader feels is nobody's. One that only the workers feel shows as many falling
silent together: they are most likely alive, and running everything a second time
elsewhere would be worse than waiting.
"""

from collections import defaultdict
from operator import attrgetter
from typing import Final

from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.fleet import Fleet, Worker

OUTAGE_SECONDS: Final = 300.0
"""The longest wait in an outage, Kubernetes' own patience with a node that is not ready
(``DefaultTolerationSeconds``)."""


_heard: Final = attrgetter("heard")


def given_up(fleet: Fleet, proved_at: float, silence_seconds: float) -> list[WorkerKey]:
    """The workers that are lost.

    Args:
        fleet: nodes and workers.
        proved_at: when the bus last answered the leader.
        silence_seconds: how long one worker may say nothing.
    """
    heard = map(_heard, fleet.workers.values())
    if min(heard, default=proved_at) >= proved_at - silence_seconds:
        return []
    members: defaultdict[str, list[Worker]] = defaultdict(list)
    for worker in fleet.workers.values():
        members[worker.key[0]].append(worker)
    lost = []
    for workers in members.values():
        silent = [worker for worker in workers if worker.heard < proved_at - silence_seconds]
        outage = 2 * len(silent) > len(workers)
        for worker in silent:
            node = fleet.nodes.get(worker.node)
            alive = node is not None and node.ready
            if not (outage and alive) or worker.heard < proved_at - OUTAGE_SECONDS:
                lost.append(worker.key)
    return lost

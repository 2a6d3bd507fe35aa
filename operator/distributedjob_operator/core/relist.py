"""What a list shows that the watch should have told: kopf's watchers may die unnoticed."""

from collections.abc import Iterable, Set

from distributedjob_api.v1alpha1 import DistributedJob
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.fleet import Node
from distributedjob_operator.core.leader import Leader


def make_up(
    leader: Leader,
    listed: Set[str],
    resources: Iterable[DistributedJob],
    nodes: Iterable[Node],
    began: float,
    now: Instant,
) -> bool:
    """Make up for what the watch missed before a list that began at ``began``.

    Events of what it shows must have had the time to arrive by now.

    Args:
        leader: who listed.
        listed: the uids of all jobs.
        resources: those jobs of which the leader does not have the version listed.
        nodes: all nodes.
        began: when the list was asked for, on the leader's clock.
        now: this moment.

    Returns:
        Whether the watch missed anything, so that it should be started anew.
    """
    missed = _jobs(leader, listed, resources, began, now)
    return _nodes(leader, nodes, began, now) or missed


def _jobs(
    leader: Leader,
    listed: Set[str],
    resources: Iterable[DistributedJob],
    began: float,
    now: Instant,
) -> bool:
    before = leader.departed.known() | set(leader.set_aside)
    missed = False
    for resource in resources:
        uid = resource.metadata.uid
        known = leader.jobs.get(uid)
        generation = known.generation if known is not None else 0
        leader.job_seen(resource, now)
        if known is not None:
            missed |= resource.metadata.generation > generation
        else:
            missed |= uid not in before and uid in leader.jobs
    gone = [uid for uid, job in leader.jobs.items() if job.seen_at < began and uid not in listed]
    for uid in gone:
        leader.job_gone(uid)
    # One that came after the list began is set aside anew by the next.
    for uid in leader.set_aside.keys() - listed:
        del leader.set_aside[uid]
    return missed or bool(gone)


def _nodes(leader: Leader, nodes: Iterable[Node], began: float, now: Instant) -> bool:
    fleet = leader.fleet
    listed: set[str] = set()
    missed = False
    for node in nodes:
        listed.add(node.name)
        known = fleet.nodes.get(node.name)
        if known is None or (node.version >= known.version and node != known):
            fleet.nodes[node.name] = node
            missed = True
    gone = [
        name for name in fleet.nodes if name not in listed and fleet.seen_at.get(name, 0.0) < began
    ]
    for name in gone:
        leader.node_gone(name, now)
    return missed or bool(gone)

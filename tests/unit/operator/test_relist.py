"""What the watch missed is found by a list; what is only late is not taken for missed."""

from dataclasses import replace

from distributedjob_api.v1alpha1 import DistributedJob, parse
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.fleet import Node
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.relist import make_up
from tests.support.builders import a_job, a_node, at, job_body
from tests.support.fleet import World
from tests.support.worlds import N2, UID, a_world


def compare(
    leader: Leader, resources: list[DistributedJob], nodes: list[Node], began: float, now: Instant
) -> bool:
    """Make up for what the watch missed, by a list of which every job is looked into."""
    return make_up(leader, {one.metadata.uid for one in resources}, resources, nodes, began, now)


def listed(world: World) -> tuple[DistributedJob, list[Node]]:
    """The job and the nodes as they are known."""
    return a_job(version=world.version, **world.spec), list(world.leader.fleet.nodes.values())


def test_a_relist_makes_up_for_what_the_watch_missed_and_says_so():
    world = a_world(1, 1)
    known, nodes = listed(world)
    assert not compare(world.leader, [known], nodes, began=5.0, now=at(6))
    assert compare(world.leader, [known, a_job("new")], nodes, began=5.0, now=at(6))
    assert "uid-new" in world.leader.jobs
    assert compare(world.leader, [known], nodes, began=7.0, now=at(8))
    assert "uid-new" not in world.leader.jobs
    assert compare(world.leader, [known], nodes[:1], began=7.0, now=at(8))
    assert N2 not in world.leader.fleet.workers


def test_a_job_that_was_set_aside_and_deleted_unnoticed_is_no_longer_counted():
    world = a_world(1)
    known, nodes = listed(world)
    body = job_body("damaged")
    body["status"] = {"completedIndexes": "x"}
    world.leader.job_seen(parse(body), at(1))
    compare(world.leader, [known, parse(body)], nodes, began=5.0, now=at(6))
    assert set(world.leader.set_aside) == {"uid-damaged"}
    compare(world.leader, [known], nodes, began=7.0, now=at(8))
    assert not world.leader.set_aside


def test_what_was_seen_after_the_list_began_is_not_missing_from_it():
    world = a_world(1)
    known, nodes = listed(world)
    world.leader.job_seen(a_job("late"), at(6))
    world.leader.node_seen(a_node("late"), at(6))
    assert not compare(world.leader, [known], nodes, began=5.0, now=at(7))
    assert "uid-late" in world.leader.jobs
    assert "late" in world.leader.fleet.nodes


def test_a_change_of_the_spec_that_nobody_told_of_was_missed():
    world = a_world(1)
    _, nodes = listed(world)
    body = job_body(version=world.version + 1, cancel=True, **world.spec)
    body["metadata"]["generation"] = 2
    assert compare(world.leader, [parse(body)], nodes, began=5.0, now=at(6))
    assert world.leader.jobs[UID].spec.cancel
    assert not compare(world.leader, [parse(body)], nodes, began=7.0, now=at(8))


def test_a_cordon_that_nobody_told_of_was_missed_and_an_older_list_undoes_nothing():
    world = a_world(1)
    known, (node,) = listed(world)
    cordoned = replace(node, cordoned=True, version=5)
    assert compare(world.leader, [known], [cordoned], began=5.0, now=at(6))
    assert not world.leader.fleet.nodes["n1"].schedulable
    freed = replace(node, version=6)
    world.leader.node_seen(freed, at(7))
    assert not compare(world.leader, [known], [cordoned], began=6.5, now=at(8))
    world.leader.node_seen(cordoned, at(9))
    assert world.leader.fleet.nodes["n1"].schedulable


def test_a_job_that_is_listed_as_it_is_known_stays_without_being_looked_into():
    world = a_world(1)
    nodes = list(world.leader.fleet.nodes.values())
    assert not make_up(world.leader, {UID}, [], nodes, began=5.0, now=at(6))
    assert UID in world.leader.jobs

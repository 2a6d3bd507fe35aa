"""Whatever passes for an object: the leader reads it, judges it, and goes on."""

import random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from distributedjob_api.v1alpha1 import ResourceError, parse
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.status import stalled
from tests.support.builders import a_job, a_node, at, job_body
from tests.support.fleet import FakeWorker, World
from tests.support.specs import hostile_specs, random_spec

SPECS_A_SEED = 200


def a_world() -> World:
    nodes = [a_node("n1", 2), a_node("n2", 2)]
    leader = Leader(5, "me", "djob-system/distributedjob")
    world = World(leader, *(FakeWorker(node.name, node.cpu_millis) for node in nodes))
    leader.take_over([], nodes, at(0))
    world.deliver()
    world.report_all()
    return world


def show(world: World, number: int, spec: dict) -> None:
    body = {**job_body(f"odd-{number}"), "spec": spec}
    try:
        resource = parse(body)
    except ResourceError as error:
        stalled(body, str(error), at(world.now))
    else:
        world.leader.job_seen(resource, at(world.now))


@pytest.mark.timeout(60)
@settings(max_examples=50, deadline=None, phases=[Phase.generate])
@given(st.integers(0, 2**32))
def test_ten_thousand_random_specs_stop_neither_the_leader_nor_another_job(seed: int):
    world = a_world()
    choose = random.Random(seed)
    for number in range(SPECS_A_SEED):
        show(world, number, random_spec(choose))
    world.leader.job_seen(a_job("plain", completions=20, priority=1000), at(world.now))
    world.deliver()
    world.run("uid-plain")
    assert world.statuses["uid-plain"][-1]["phase"] == "Complete"


def test_specs_made_to_hurt_stop_neither_the_leader_nor_another_job():
    world = a_world()
    for number, spec in enumerate(hostile_specs()):
        show(world, number, spec)
    world.leader.job_seen(a_job("plain", completions=20, priority=1000), at(world.now))
    world.deliver()
    world.run("uid-plain")
    assert world.statuses["uid-plain"][-1]["phase"] == "Complete"

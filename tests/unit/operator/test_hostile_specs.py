"""Whatever passes for an object: the leader reads it, judges it, and goes on."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distributedjob_api.v1alpha1 import ResourceError, parse
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.status import stalled
from tests.support.builders import a_job, a_node, at, job_body
from tests.support.fleet import FakeWorker, World
from tests.support.specs import hostile_specs, random_spec, specs

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


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(specs(), min_size=1, max_size=4))
def test_no_spec_that_the_schema_suggests_stops_the_leader_or_another_job(
    odd: list[dict[str, Any]],
):
    world = a_world()
    for number, spec in enumerate(odd):
        show(world, number, spec)
    world.leader.job_seen(a_job("plain", completions=20, priority=1000), at(world.now))
    world.deliver()
    world.run("uid-plain")
    assert world.statuses["uid-plain"][-1]["phase"] == "Complete"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("seed", range(50))
def test_ten_thousand_random_specs_stop_neither_the_leader_nor_another_job(seed: int):
    """Two hundred at a time, beside each other."""
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

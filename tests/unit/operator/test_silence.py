"""One silent worker is lost; many that fall silent together are an outage."""

from dataclasses import replace

import pytest

from tests.support.builders import a_node, at
from tests.support.fleet import FakeWorker, World
from tests.support.worlds import UID, a_world, last, ran


def silence(world: World, *names: str, seconds: float = 25.0) -> list[FakeWorker]:
    """These are heard no more, while the others go on."""
    gone = [world.workers.pop(("default", name)) for name in names]
    while seconds > 0:
        seconds -= 5
        world.now += 5
        world.report_all()
        world.deliver()
    return gone


def known(world: World) -> set[str]:
    return {name for _, name in world.leader.fleet.workers}


@pytest.mark.parametrize(
    ("silent", "left"),
    [
        pytest.param(["n1"], {"n2", "n3", "n4"}, id="one of four"),
        pytest.param(["n1", "n2"], {"n3", "n4"}, id="half of four"),
        pytest.param(["n1", "n2", "n3"], {"n1", "n2", "n3", "n4"}, id="three of four"),
        pytest.param(["n1", "n2", "n3", "n4"], {"n1", "n2", "n3", "n4"}, id="all of four"),
    ],
)
def test_over_half_of_a_pool_falling_silent_together_is_an_outage(
    silent: list[str], left: set[str]
):
    world = a_world(1, 1, 1, 1)
    silence(world, *silent)
    assert known(world) == left


def test_nothing_runs_twice_in_an_outage_and_all_goes_on_after_it():
    world = a_world(1, 1, 1)
    for worker in world.workers.values():
        worker.start()
    world.report_all()
    cut = silence(world, "n1", "n2", "n3", seconds=120)
    assert last(world)["phase"] == "Running"
    ready = {c["type"]: c["reason"] for c in last(world)["conditions"]}
    assert ready["Reconciling"] == "WorkersSilent"
    for worker in cut:
        world.workers[worker.key] = worker
    world.leader.reconnected(at(world.now))
    world.deliver()
    world.run(UID)
    assert set(ran(world).values()) == {1}
    assert last(world)["interruptions"] == 0


def test_in_an_outage_a_node_that_is_not_ready_loses_its_worker():
    world = a_world(1, 1, 1)
    node = replace(a_node("n1", 1), ready=False)
    world.leader.node_seen(node, at(world.now))
    silence(world, "n1", "n2")
    assert known(world) == {"n2", "n3"}


def test_an_outage_without_end_is_given_up_in_time():
    world = a_world(1, 1, 1)
    silence(world, "n1", "n2", seconds=310)
    assert known(world) == {"n3"}
    world.run(UID)
    assert last(world)["phase"] == "Complete"

"""The machine registry: each node, its worker, and what that does."""

from dataclasses import replace
from typing import Any

import pytest

from distributedjob_api.views import MachineView
from distributedjob_operator.core import reporting
from distributedjob_operator.core.machines import machines
from tests.support.builders import a_node, at
from tests.support.fleet import World
from tests.support.worlds import N1, a_world, heard, killed, started


def rows(world: World) -> list[MachineView]:
    return machines(world.leader, at(world.now))


def test_a_worker_shows_what_it_holds_and_how_much_of_its_cpu_that_takes():
    world = a_world(2, 1, cpu="500m")
    started(world)
    first, second = rows(world)
    assert (first.node, first.pool, first.address, first.health) == (
        "n1", "default", "127.0.1.1", "Ready",
    )  # fmt: skip
    assert (first.allocatable_millis, first.slots_millis) == (2000, 2000)
    assert (first.running, first.busy_millis) == (4, 2000)
    assert (second.running, second.busy_millis) == (2, 1000)


def test_what_waits_at_a_worker_is_queued_and_occupies_nothing():
    world = a_world(2)
    (row,) = rows(world)
    assert (row.running, row.queued, row.busy_millis) == (0, 2, 0)


def test_the_rate_is_of_tasks_that_ended_there():
    world = a_world(1, 1)
    assert [row.rate for row in rows(world)] == [0, 0]
    world.workers.pop(("default", "n2"))
    world.tick(lambda index, ended: "")
    assert [row.rate > 0 for row in rows(world)] == [True, False]


def test_the_rate_outlives_a_new_hello():
    world = a_world(1)
    world.tick(lambda index, ended: "")
    before = rows(world)[0].rate
    world.workers[N1].incarnation = "i2"
    reporting.hello(world.leader, N1, world.workers[N1].hello(), at(world.now))
    assert rows(world)[0].rate == before > 0


def test_records_that_the_journal_never_got_are_shown_where_they_were_made_and_counted_once():
    world = a_world(1, 1)
    worker = world.workers[N1]
    worker.dropped_records = 7
    heard(world)
    assert [row.dropped_records for row in rows(world)] == [7, 0]
    world.workers[N1] = killed(world, "n1")
    worker.dropped_records = 9
    reporting.hello(world.leader, N1, worker.hello(), at(world.now))
    world.deliver()
    heard(world)
    assert rows(world)[0].dropped_records == 9
    assert sum(world.leader.dropped_records.values()) == 9
    worker.incarnation, worker.dropped_records = "i2", 2
    reporting.hello(world.leader, N1, worker.hello(), at(world.now))
    world.deliver()
    heard(world)
    assert rows(world)[0].dropped_records == 2
    assert sum(world.leader.dropped_records.values()) == 11


@pytest.mark.parametrize(
    ("change", "health"),
    [
        ({}, "Ready"),
        ({"cordoned": True}, "Cordoned"),
        ({"ready": False}, "NotReady"),
        ({"ready": False, "cordoned": True}, "NotReady"),
    ],
)
def test_the_health_of_a_node_is_its_worker_s(change: dict[str, Any], health: str):
    world = a_world(1)
    world.leader.node_seen(replace(a_node("n1", 1), **change), at(0))
    assert rows(world)[0].health == health


def test_a_worker_that_leaves_says_so():
    world = a_world(1)
    world.leader.fleet.workers[N1].leaving = True
    assert rows(world)[0].health == "Leaving"


def test_a_worker_not_heard_while_the_bus_answers_is_silent():
    world = a_world(1, 1)
    world.workers.pop(("default", "n2"))
    heard(world, 3)
    world.leader.proved(at(world.now))
    assert [row.health for row in rows(world)] == ["Ready", "Silent"]


def test_a_node_without_a_worker_and_a_worker_without_a_node_stand_there_too():
    world = a_world(1)
    world.leader.node_seen(a_node("n0", 4), at(0))
    world.leader.fleet.nodes.pop("n1")
    empty, lost = rows(world)
    assert (empty.node, empty.health, empty.pool, empty.allocatable_millis) == (
        "n0", "NoWorker", "", 4000,
    )  # fmt: skip
    assert (lost.node, lost.health, lost.slots_millis) == ("n1", "NoNode", 0)

"""What a replica serves at ``/metrics``."""

import pytest

from distributedjob_api import metric_families as families
from distributedjob_api.exposition import exposition
from distributedjob_api.nats_health import NatsHealth
from distributedjob_api.v1alpha1 import parse
from distributedjob_operator.controller import Controller
from distributedjob_operator.core import reporting
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.tally import KEPT_SECONDS
from distributedjob_operator.kube.traffic import ApiTraffic
from distributedjob_operator.leadership import Leadership, Timing
from distributedjob_operator.metrics import ReplicaMetrics
from tests.support.builders import a_job, a_node, at, job_body
from tests.support.fleet import FakeWorker, World
from tests.support.scrapes import Samples, described, samples
from tests.support.worlds import N1, UID, a_world, edit, heard, killed
from tests.unit.operator.test_controller import Ports, a_controller

GROUP = ("default", "default")
HEALTH = NatsHealth(True, 2, 3, 0.004, 10, 20, 1000, 2000)


def replica(controller: Controller, ports: Ports, *, per_job: bool = False) -> ReplicaMetrics:
    leadership = Leadership(ports, ports, "me", Timing(6, 4, 1))
    return ReplicaMetrics(leadership, controller, ApiTraffic(), lambda: HEALTH, per_job)


def served(leader: Leader | None, seconds: float = 0.0, *, per_job: bool = False) -> str:
    """What a replica serves that leads with this leader, or stands by."""
    ports = Ports()
    ports.seconds = seconds
    controller = a_controller(ports)
    controller._leader, controller._leading = leader, leader is not None
    return exposition(replica(controller, ports, per_job=per_job).samples)().decode()


def of(world: World, *, per_job: bool = False) -> Samples:
    return samples(served(world.leader, world.now, per_job=per_job))


def tasks(world: World) -> dict[str, float]:
    """The counts of tasks by what became of them."""
    found = of(world)
    names = ("succeeded", "failed", "retried", "interrupted")
    return {name: found[f"distributedjob_tasks_{name}_total", *GROUP] for name in names}


@pytest.mark.parametrize("subject", ["djob.v1.nonsense", "a b c"])
def test_a_standby_tells_what_it_refused_and_how_nats_does(subject: str):
    ports = Ports()
    controller = a_controller(ports)
    expose = exposition(replica(controller, ports).samples)
    controller.message(subject, b"\xff")
    found = samples(expose().decode())
    assert found["distributedjob_leading",] == 0
    assert found["distributedjob_epoch",] == 0
    assert found["distributedjob_lease_age_seconds",] == 0
    assert found["distributedjob_refused_messages_total", "subject"] == 1
    assert found["distributedjob_refused_messages_total", "malformed"] == 0
    assert found["distributedjob_journal_dropped_records_total",] == 0
    assert found["distributedjob_nats_connected",] == 1
    assert found["distributedjob_nats_reconnects_total",] == 2
    assert found["distributedjob_nats_errors_total",] == 3
    assert found["distributedjob_nats_round_trip_seconds",] == 0.004
    assert found["distributedjob_nats_messages_total", "out"] == 20
    assert not any(name.startswith("distributedjob_tasks") for name, *_ in found)


def test_every_declared_family_is_served_by_who_leads():
    world = a_world(1)
    text = served(world.leader, per_job=True)
    assert described(text).keys() == {family.name for family in families.OPERATOR}


def test_outcomes_are_counted_once():
    world = a_world(2, backoffLimitPerIndex=1)
    world.run(
        UID, lambda index, ended: "Error" if index in (2, 7) or (index, ended) == (4, 0) else ""
    )
    assert tasks(world) == {"succeeded": 8, "failed": 2, "retried": 3, "interrupted": 0}
    assert of(world)["distributedjob_jobs_ended_total", *GROUP, "Failed"] == 1
    assert of(world)["distributedjob_jobs", *GROUP, "Failed"] == 1


def test_what_was_lost_with_a_worker_is_interrupted_and_its_loss_has_a_cause():
    world = a_world(1, 1)
    world.workers[N1].start()
    world.report_all()
    killed(world, "n1")
    world.run(UID)
    assert tasks(world) == {"succeeded": 10, "failed": 0, "retried": 0, "interrupted": 1}
    lost = of(world)
    assert lost["distributedjob_workers_lost_total", "default", "silence"] == 1
    assert lost["distributedjob_workers_lost_total", "default", "node"] == 0


@pytest.mark.parametrize("leaving", [True, False])
def test_a_worker_that_leaves_was_not_silent(leaving: bool):
    world = a_world(1, 1)
    if leaving:
        world.now += 1
        report = world.workers[N1].report(leaving=True)
        reporting.report(world.leader, N1, report, at(world.now))
    world.leader.node_gone("n1", at(world.now))
    found = of(world)
    assert found["distributedjob_workers_lost_total", "default", "left"] == leaving
    assert found["distributedjob_workers_lost_total", "default", "node"] == (not leaving)


def test_the_next_leader_counts_only_what_is_new():
    first = a_world(1)
    for _ in range(3):
        first.tick()
        first.now += 1
    half = first.statuses[UID][-1]
    assert 0 < half["succeeded"] < 10
    body = job_body(version=5000)
    body["status"] = half
    next_one = World(Leader(6, "other", "ns/name"), FakeWorker("n1"))
    next_one.leader.take_over([parse(body)], [a_node("n1")], at(0))
    next_one.deliver()
    next_one.report_all()
    next_one.deliver()
    next_one.run(UID)
    assert tasks(next_one)["succeeded"] == 10 - half["succeeded"]


def test_a_rerun_counts_its_outcomes_anew():
    world = a_world(2, backoffLimitPerIndex=0)
    world.run(UID, lambda index, ended: "Error" if index == 3 else "")
    heard(world)
    edit(world, rerun={"token": "again"})
    world.deliver()
    world.run(UID)
    heard(world)
    assert tasks(world) == {"succeeded": 10, "failed": 1, "retried": 0, "interrupted": 0}
    ended = of(world)
    assert ended["distributedjob_jobs_ended_total", *GROUP, "Failed"] == 1
    assert ended["distributedjob_jobs_ended_total", *GROUP, "Complete"] == 1


def test_what_waits_and_runs_is_told_by_namespace_and_pool():
    world = a_world(2, 1)
    for worker in world.workers.values():
        worker.start()
    world.report_all()
    world.deliver()
    found = of(world)
    assert found["distributedjob_tasks_running", *GROUP] == 3
    assert found["distributedjob_tasks_queued", *GROUP] == 7
    assert found["distributedjob_tasks_startable", *GROUP] == 0
    assert found["distributedjob_node_slots", "default", "n1"] == 2
    assert found["distributedjob_node_slots_busy", "default", "n1"] == 2
    assert found["distributedjob_workers", "default", "Ready"] == 2


def test_tasks_that_wait_beside_a_free_slot_are_told():
    world = a_world(1)
    world.leader.job_seen(a_job("other", completions=7), at(world.now))
    world.leader.fleet.nodes["n2"] = a_node("n2", 2)
    second = FakeWorker("n2", 2000)
    reporting.hello(world.leader, second.key, second.hello(), at(world.now))
    # No round was made since: what the new worker could take has not been handed out.
    waiting = 7 + len(world.leader.jobs[UID].ledger.fresh)
    assert of(world)["distributedjob_tasks_startable", *GROUP] == waiting
    world.leader.job_seen(a_job("large", completions=3, cpu="4"), at(world.now))
    assert of(world)["distributedjob_tasks_startable", *GROUP] == waiting


@pytest.mark.parametrize(
    ("wish", "startable"),
    [
        ({}, 10),
        ({"parallelism": 3}, 3),
        ({"suspend": True}, 0),
        ({"memory": "2Gi"}, 0),
        ({"nodeSelector": {"gpu": "yes"}}, 0),
    ],
)
def test_what_a_job_itself_keeps_back_does_not_wait_for_a_slot(wish: dict, startable: int):
    world = a_world(4, completions=1)
    world.run(UID)
    # Nothing was planned since: all of it is still to be handed out.
    world.leader.job_seen(a_job("other", completions=10, **wish), at(world.now))
    assert of(world)["distributedjob_tasks_startable", *GROUP] == startable


def test_why_a_job_waits_is_told():
    world = a_world(1, parallelism=0)
    world.tick()
    assert of(world)["distributedjob_jobs_waiting", *GROUP, "Paused"] == 1


def test_waiting_for_a_slot_is_measured():
    world = a_world(1, completions=1)
    assert of(world)["distributedjob_queue_seconds_bucket", "default", "0.001"] == 1
    world.leader.job_seen(a_job("other", completions=1), at(world.now))
    world.deliver()
    world.tick(seconds=45.0)
    found = of(world)
    assert found["distributedjob_queue_seconds_bucket", "default", "30.0"] == 1
    assert found["distributedjob_queue_seconds_bucket", "default", "60.0"] == 2


def test_a_dispatch_weighs_as_many_as_its_tasks():
    world = a_world(4)
    world.run(UID, lambda index, ended: "Error" if (index, ended) == (4, 0) else "")
    assert of(world)["distributedjob_dispatch_seconds_count", "default"] == 11


def test_what_another_leader_wrote_is_its_own_to_count():
    world = a_world(1)
    world.tick()
    seen = dict(world.statuses[UID][-1])
    body = job_body(version=9000, **world.spec)
    body["status"] = {**seen, "epoch": 4, "leader": "other", "succeeded": 4}
    body["status"] |= {"completedIndexes": "6-9", "failedIndexes": ""}
    before = tasks(world)["succeeded"]
    world.leader.job_seen(parse(body), at(world.now))
    world.run(UID)
    assert world.statuses[UID][-1]["succeeded"] == 10
    assert tasks(world)["succeeded"] == before + 6


def test_checkpoints_are_measured():
    world = a_world(1)
    world.run(UID)
    found = of(world)
    writes = len(world.statuses[UID])
    assert found["distributedjob_checkpoint_seconds_count",] == writes
    assert found["distributedjob_checkpoint_bytes_count",] == writes
    assert found["distributedjob_checkpoint_bytes_sum",] > 100 * writes
    assert found["distributedjob_checkpoint_failures_total", "conflict"] == 0


def test_a_job_has_series_of_its_own_on_request_alone():
    world = a_world(1)
    world.run(UID)
    assert not any(key[0] == "distributedjob_job_tasks" for key in of(world))
    found = of(world, per_job=True)
    assert found["distributedjob_job_tasks", *GROUP, "job", "succeeded"] == 10
    world.leader.job_gone(UID)
    assert not any(key[0] == "distributedjob_job_tasks" for key in of(world, per_job=True))


def test_counts_outlive_the_last_job_of_their_namespace_for_a_while():
    world = a_world(1)
    world.run(UID)
    world.leader.job_gone(UID)
    assert tasks(world)["succeeded"] == 10
    world.now += KEPT_SECONDS - 1
    assert tasks(world)["succeeded"] == 10
    world.now += 1
    found = of(world)
    assert not any(key[1:3] == GROUP for key in found)


def test_a_job_that_comes_in_time_goes_on_from_the_same_counts():
    world = a_world(1)
    world.run(UID)
    world.leader.job_gone(UID)
    assert tasks(world)["succeeded"] == 10
    world.now += KEPT_SECONDS / 2
    world.leader.job_seen(a_job("next", completions=4), at(world.now))
    assert tasks(world)["succeeded"] == 10
    world.now += KEPT_SECONDS
    world.report_all()
    world.run("uid-next")
    assert tasks(world)["succeeded"] == 14

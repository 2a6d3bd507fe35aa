"""When a status is written, what it promises the workers, and what a refusal means."""

from typing import Any

import pytest

from distributedjob_api.indexes import BitMap
from distributedjob_api.v1alpha1 import DistributedJob, parse
from distributedjob_operator.core import checkpoints
from distributedjob_operator.core.effects import WriteStatus
from distributedjob_operator.core.leader import Leader, Tuning
from distributedjob_operator.core.round import seconds_to_next
from tests.support.builders import a_job, a_node, at, job_body
from tests.support.fleet import FakeWorker, World
from tests.support.worlds import acks, settled, writes

UID = "uid-job"


def a_world(completions: int = 1000, *, tuning: Tuning | None = None, **spec: Any) -> World:
    """A job that runs on one worker, whose Running status is written."""
    world = World(Leader(5, "me", "ns/name", tuning or Tuning()), FakeWorker("n1"))
    world.leader.take_over([a_job(completions=completions, **spec)], [a_node("n1")], at(0))
    world.deliver()
    world.report_all()
    world.deliver()
    return world


def a_result(world: World) -> None:
    worker = world.workers["default", "n1"]
    worker.start()
    worker.finish()
    world.report_all()


def read_again(write: WriteStatus, version: int, **status: Any) -> DistributedJob:
    body = job_body(version=version, completions=1000)
    body["status"] = {**write.status, **status}
    return parse(body)


def test_results_are_written_at_most_once_a_second():
    world = a_world()
    world.statuses.clear()
    for tenth in range(1, 31):
        world.now = 1.0 + tenth / 10
        a_result(world)
        world.deliver()
    assert len(world.statuses[UID]) in (3, 4)


def test_the_first_running_and_the_final_status_are_written_at_once():
    world = a_world(completions=1)
    assert world.statuses[UID][-1]["phase"] == "Running"
    world.now = 0.01
    a_result(world)
    world.deliver()
    assert world.statuses[UID][-1]["phase"] == "Complete"


def test_a_job_that_ends_before_its_first_write_costs_one():
    world = a_world(completions=1, tuning=Tuning(first_write_seconds=0.1))
    world.now = 0.09
    a_result(world)
    world.deliver()
    assert [status["phase"] for status in world.statuses[UID]] == ["Complete"]


def test_a_job_that_goes_on_is_seen_to_run_in_time():
    world = a_world(completions=1, tuning=Tuning(first_write_seconds=0.1))
    assert seconds_to_next(world.leader, at(0.0)) == pytest.approx(0.1)
    world.now = 0.1
    world.deliver()
    assert [status["phase"] for status in world.statuses[UID]] == ["Running"]


def test_nothing_is_written_while_nothing_changes():
    world = a_world(completions=1)
    world.run(UID)
    world.deliver()
    count = len(world.statuses[UID])
    for seconds in range(10, 20):
        world.now = seconds
        world.report_all()
        world.deliver()
    assert len(world.statuses[UID]) == count


def test_a_result_is_acknowledged_only_once_it_is_written():
    world = a_world()
    a_result(world)
    effects = settled(world, 2.0)
    (write,) = writes(effects)
    assert not acks(effects)
    assert write.status["succeeded"] == 1
    a_result(world)
    checkpoints.written(world.leader, UID, "2000", write.marks, at(world.now))
    assert acks(world.leader.take_effects()) == [(UID, 1)]


def test_one_write_is_under_way_at_a_time():
    world = a_world()
    a_result(world)
    (write,) = writes(settled(world, 2.0))
    a_result(world)
    assert not writes(settled(world, 9.0))
    checkpoints.written(world.leader, UID, "2000", write.marks, at(world.now))
    assert writes(settled(world, 9.1))[0].resource_version == "2000"


def test_an_unanswered_write_is_tried_again_after_a_growing_while():
    world = a_world()
    a_result(world)
    now, waits = 2.0, []
    (write,) = writes(settled(world, now))
    for _ in range(3):
        checkpoints.not_written(world.leader, UID, None, at(now))
        began = now
        while not (again := writes(settled(world, now))):
            now += 0.1
        assert again[0].marks == write.marks
        waits.append(round(now - began, 1))
    assert waits == sorted(waits)
    assert waits[0] >= 0.2 < waits[-1]


def test_after_a_conflict_the_status_is_written_at_once_upon_what_was_read():
    world = a_world()
    a_result(world)
    (write,) = writes(settled(world, 2.0))
    stale = read_again(write, 3000, epoch=3, leader="stale", succeeded=0, completedIndexes="7")
    checkpoints.not_written(world.leader, UID, stale, at(2.1))
    (again,) = writes(settled(world, 2.1))
    assert again.resource_version == "3000"
    assert again.status["completedIndexes"] == "0,7"
    assert again.marks == write.marks


def test_after_etcd_was_restored_the_status_is_written_upon_the_older_object():
    world = a_world()
    a_result(world)
    (write,) = writes(settled(world, 2.0))
    checkpoints.not_written(world.leader, UID, read_again(write, version=7, succeeded=0), at(2.0))
    (again,) = writes(settled(world, 2.1))
    assert (again.resource_version, again.status["succeeded"]) == ("7", 1)


def test_after_a_conflict_the_first_recorded_outcome_stands():
    world = a_world(completions=1)
    a_result(world)
    (write,) = writes(settled(world, 0.1))
    assert write.status["phase"] == "Complete"
    body = job_body(version=3000, completions=1)
    body["status"] = {"epoch": 3, "leader": "stale", "phase": "Running", "failedIndexes": "0"}
    checkpoints.not_written(world.leader, UID, parse(body), at(0.2))
    (again,) = writes(settled(world, 0.2))
    assert (again.status["phase"], again.status["succeeded"]) == ("Failed", 0)


def test_a_job_claimed_by_another_installation_is_left_alone():
    world = a_world()
    a_result(world)
    (write,) = writes(settled(world, 2.0))
    checkpoints.not_written(
        world.leader, UID, read_again(write, 9, installation="other/one"), at(2)
    )
    for seconds in range(3, 9):
        world.now = seconds
        world.report_all()
        assert not writes(settled(world, seconds))


def test_a_change_seen_during_a_write_is_not_missed():
    world = a_world()
    a_result(world)
    (write,) = writes(settled(world, 2.0))
    body = job_body(version=2001, completions=1000, cancel=True)
    body["metadata"]["generation"] = 2
    world.leader.job_seen(parse(body), at(2.1))
    checkpoints.written(world.leader, UID, "2000", write.marks, at(world.now))
    (again,) = writes(settled(world, 2.2))
    assert (again.status["phase"], again.status["observedGeneration"]) == ("Cancelling", 2)


def test_a_lost_acknowledgement_is_given_again():
    world = a_world()
    a_result(world)
    (write,) = writes(settled(world, 2.0))
    checkpoints.written(world.leader, UID, "2000", write.marks, at(world.now))
    world.leader.take_effects()
    world.report_all()
    assert acks(world.leader.take_effects()) == [(UID, 1)]


def test_a_late_result_of_a_finished_job_waits_for_what_came_before_it():
    world = a_world(completions=1)
    a_result(world)
    (write,) = writes(settled(world, 0.1))
    worker = world.workers["default", "n1"]
    worker.jobs[UID].record(BitMap(), [], BitMap([0]))
    world.report_all()
    assert not acks(world.leader.take_effects())
    checkpoints.written(world.leader, UID, "2000", write.marks, at(world.now))
    assert acks(world.leader.take_effects()) == [(UID, 1)]


def test_a_large_object_is_written_less_often():
    world = a_world()
    job = world.leader.jobs[UID]
    job.dirty, job.urgent, job.written_at = True, False, 10.0
    assert checkpoints.wanted_at(world.leader, job) == 11.0
    job.large = True
    assert checkpoints.wanted_at(world.leader, job) == 15.0

"""Results that wait for their record are stated again and again, at no cost."""

from distributedjob_api.indexes import BitMap
from distributedjob_operator.core import checkpoints
from distributedjob_operator.core.effects import WriteStatus
from tests.support.builders import at
from tests.support.fleet import FakeJob, World
from tests.support.worlds import N1, UID, a_world, acks, settled, started, writes


def unrecorded(completions: int = 1) -> tuple[World, FakeJob, WriteStatus]:
    """A worker with a result that the leader knows and is about to write, and that write."""
    world = a_world(1, completions=completions)
    started(world)
    world.workers[N1].finish()
    world.report_all()
    (write,) = writes(settled(world, 2.0))
    return world, world.workers[N1].jobs[UID], write


def test_a_finished_job_whose_results_are_stated_again_costs_no_round():
    world, _, _ = unrecorded()
    for _ in range(3):
        world.report_all()
        assert not world.leader.awake


def test_a_lost_acknowledgement_of_a_finished_job_is_given_again():
    world, _, write = unrecorded()
    checkpoints.written(world.leader, UID, "2000", write.marks, at(2.0))
    world.leader.take_effects()
    settled(world, 2.0)
    world.report_all()
    assert acks(world.leader.take_effects()) == [(UID, 1)]


def test_what_runs_of_a_finished_job_is_ended():
    world, job, _ = unrecorded()
    job.running.add(0)
    world.report_all()
    settled(world, 2.0)
    assert not job.running


def test_what_waited_against_the_record_and_was_dropped_is_held_no_more():
    world, job, _ = unrecorded()
    job.queued.add(0)
    world.report_all()
    settled(world, 2.0)
    assert not job.queued
    world.report_all()
    assert world.leader.jobs[UID].ledger.quiet
    assert not world.leader.fleet.workers[N1].ending[UID]


def test_tasks_that_a_worker_lists_no_longer_are_handed_out_again():
    world, job, _ = unrecorded(completions=10)
    job.queued = job.running = BitMap()
    world.report_all()
    settled(world, 2.0)
    assert job.queued


def test_a_worker_that_is_waited_for_has_spoken():
    world, _, _ = unrecorded()
    world.leader.jobs[UID].awaited = {"n1"}
    world.report_all()
    assert not world.leader.jobs[UID].awaited

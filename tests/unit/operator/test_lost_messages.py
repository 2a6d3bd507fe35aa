"""Messages that get lost, come twice or come late change nothing in the end."""

import pytest

from distributedjob_api.indexes import BitMap
from distributedjob_api.messages import Acks, Commands, Resend, Welcome
from distributedjob_operator.core import reporting
from distributedjob_operator.core.effects import ReadJob
from distributedjob_operator.core.reporting import PATIENCE_SECONDS
from distributedjob_operator.core.round import settle
from tests.support.builders import a_job, at
from tests.support.worlds import N1, UID, a_report, a_world, last, sent


def test_results_count_though_their_numbers_begin_behind_an_acknowledgement():
    world = a_world(1)
    worker = world.workers[N1]
    a_report(world, worker)
    job = worker.jobs[UID]
    job.acked = job.sent = job.last_seq = 4
    worker.start()
    worker.finish()
    a_report(world, worker)
    assert 0 in world.leader.jobs[UID].ledger.recorded.succeeded


def test_commands_that_went_missing_are_repeated():
    world = a_world(2, completions=1)
    world.leader.job_seen(a_job("late", completions=1), at(0.1))
    settle(world.leader, at(0.1))
    assert sent(world.leader.take_effects(), Commands)
    world.report_all()
    world.now = 0.3
    world.deliver()
    assert "uid-late" not in world.workers[N1].jobs
    world.now = 0.7
    world.deliver()
    assert list(world.workers[N1].jobs["uid-late"].queued) == [0]
    world.run("uid-late")


@pytest.mark.parametrize("lost", [1, 2])
def test_a_report_that_went_missing_is_asked_for(lost: int):
    world = a_world(1, completions=lost + 1)
    worker = world.workers[N1]
    for _ in range(lost):
        worker.start()
        worker.finish()
        worker.report()
        worker.jobs[UID].queued |= BitMap([len(worker.ran)])
    # It may still be on its way: nobody asks at once.
    assert not sent(a_report(world, worker), Resend)
    world.now += PATIENCE_SECONDS
    (resend,) = sent(a_report(world, worker), Resend)
    assert not world.leader.jobs[UID].ledger.recorded.succeeded
    worker.hear(resend)
    a_report(world, worker)
    assert list(world.leader.jobs[UID].ledger.recorded.succeeded) == list(range(lost))


def test_a_report_heard_twice_counts_once():
    world = a_world(1, completions=3)
    worker = world.workers[N1]
    worker.start()
    worker.finish(lambda index, ended: "ExitCode")
    report = worker.report()
    for _ in range(2):
        reporting.report(world.leader, N1, report, at(0))
    assert world.leader.jobs[UID].ledger.recorded.retries == 1


def test_an_overtaken_report_takes_no_task_from_its_worker():
    world = a_world(2)
    worker = world.workers[N1]
    old = worker.report()
    worker.start()
    world.tick()
    world.report_all()
    before = dict(world.leader.jobs[UID].ledger.assigned)
    reporting.report(world.leader, N1, old, at(1))
    assert world.leader.jobs[UID].ledger.assigned == before


def test_messages_of_another_session_change_nothing():
    world = a_world(1)
    worker = world.workers[N1]
    worker.start()
    worker.finish()
    worker.session += 7
    a_report(world, worker)
    assert not world.leader.jobs[UID].ledger.recorded.succeeded


def test_a_worker_that_missed_its_welcome_is_welcomed_again():
    world = a_world(1)
    worker = world.workers[N1]
    reporting.hello(world.leader, N1, worker.hello(), at(0))
    world.leader.take_effects()
    (welcome,) = sent(a_report(world, worker), Welcome)
    worker.hear(welcome)
    worker.start()
    worker.finish()
    a_report(world, worker)
    assert 0 in world.leader.jobs[UID].ledger.recorded.succeeded


def test_a_job_that_only_a_worker_knows_is_looked_up_and_its_results_kept():
    world = a_world(1, completions=1)
    world.workers[N1].start()
    world.workers[N1].finish()
    world.leader.drop(UID)
    effects = a_report(world, world.workers[N1])
    assert effects == [ReadJob(UID, "default", "job")]
    assert not a_report(world, world.workers[N1])
    world.leader.job_seen(a_job(completions=1), at(0))
    world.now = 2.0
    for _ in range(4):
        world.report_all()
        world.deliver()
    assert (last(world)["phase"], last(world)["succeeded"]) == ("Complete", 1)


def test_results_of_a_job_that_is_gone_are_acknowledged_as_dropped():
    world = a_world(1, completions=1)
    world.workers[N1].start()
    world.workers[N1].finish()
    world.leader.job_gone(UID)
    (acks,) = sent(a_report(world, world.workers[N1]), Acks)
    assert acks.upto == [(UID, 1)]

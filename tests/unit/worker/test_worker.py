"""A worker that leaves, that has no room for results, and that counts run times."""

from distributedjob_api import task_reasons
from distributedjob_api.messages import Acks
from distributedjob_worker.core.effects import Stop, Wake
from distributedjob_worker.core.results import Outcome
from tests.support.worker_core import a_worker, command, reported, stated, taken
from tests.support.worker_driver import UID, assign, define


def test_leaving_gives_back_what_waits_and_takes_nothing_more() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 9)))
    running = [taken(worker), taken(worker)]
    assert worker.leave() == [Stop(running)]
    command(worker, assign((20, 29), number=3))
    report = reported(worker)
    assert (report.leaving, stated(report).queued, stated(report).running) == (True, [], [(0, 1)])
    for task in running:
        worker.finish(task, Outcome(0.0, 0.1, task_reasons.STOPPED))
    assert not worker.idle
    assert stated(reported(worker)).entries[0].stopped == [(0, 1)]
    assert worker.idle
    assert not worker.settled
    worker.handle(Acks(5, 7, [(UID, 1)]), 3.0)
    assert worker.settled


def test_nothing_starts_while_the_spool_has_no_room() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 9)))
    worker.hold(True)
    assert worker.take(1.0) is None
    assert worker.hold(False) == [Wake()]
    assert worker.take(1.0) is not None


def test_run_times_of_all_attempts_are_kept_whatever_became_of_them() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 9)))
    for duration, reason in ((0.0005, ""), (0.02, task_reasons.ERROR), (400.0, "")):
        worker.finish(taken(worker), Outcome(0.0, duration, reason))
    worker.report(2.0)
    counts = dict(worker.run_seconds.cumulative())
    assert [counts[bound] for bound in ("0.001", "0.025", "300.0", "900.0")] == [1, 2, 2, 3]

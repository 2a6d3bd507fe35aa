"""Commands: applied in order and once, or answered by what is no longer listed."""

from distributedjob_api import task_reasons
from distributedjob_api.messages import Assign, Attempt, Cancel, Return
from distributedjob_worker.core.effects import Stop, Wake
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.core.timing import REPORT_GAP_SECONDS
from tests.support.worker_core import a_worker, command, reported, stated, taken
from tests.support.worker_driver import UID, assign, define


def test_commands_apply_in_order_and_once() -> None:
    worker = a_worker()
    assert command(worker, define("/bin/true"), assign((0, 3))) == [Wake()]
    assert command(worker, define("/bin/true"), assign((0, 3)), assign((4, 4), number=3)) == [
        Wake()
    ]
    report = reported(worker)
    assert (report.applied, stated(report).queued) == (3, [(0, 4)])


def test_a_gap_is_not_applied_and_is_reported_at_once() -> None:
    worker = a_worker()
    assert command(worker, assign((0, 3))) == []
    assert worker.due() <= REPORT_GAP_SECONDS
    assert reported(worker).applied == 0


def test_an_index_that_waits_or_runs_is_not_queued_twice() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 3)))
    taken(worker)
    command(worker, assign((0, 5), number=3))
    job = stated(reported(worker))
    assert (job.queued, job.running) == ([(1, 5)], [(0, 0)])


def test_items_and_counters_reach_their_tasks() -> None:
    worker = a_worker()
    command(
        worker,
        define("/bin/true"),
        Assign(2, UID, 0, [(3, 4)], [Attempt(1, ended=2, failures=1)], ["c", "d", "b"], 0),
    )
    first, second = taken(worker), taken(worker)
    assert [(first.index, first.item), (second.index, second.item)] == [(3, "c"), (4, "d")]
    worker.finish(first, Outcome(0.0, 0.1))
    retried = taken(worker)
    assert (retried.index, retried.ended, retried.item) == (1, 2, "b")
    worker.finish(retried, Outcome(0.0, 0.1, task_reasons.ERROR, 3))
    (entry,) = stated(reported(worker)).entries
    assert [(f.index, f.ended, f.failures, f.exit_code) for f in entry.failed] == [(1, 2, 1, 3)]


def test_an_assignment_is_refused_where_it_cannot_be_meant() -> None:
    worker = a_worker()
    command(
        worker,
        assign((0, 0), number=1),
        define("/bin/true", number=2, run=1),
        assign((0, 0), number=3, run=0),
        define("/bin/true", number=4, uid="huge", cpu_millis=2001),
        assign((0, 0), number=5, uid="huge"),
        assign((0, 1), number=6, run=1, items=("only one",)),
        define("/bin/true", number=7, uid="vast", memory_bytes=(1 << 30) + 1),
        assign((0, 0), number=8, uid="vast"),
    )
    report = reported(worker)
    assert (report.applied, report.jobs) == (8, [])


def test_a_cancelled_job_refuses_a_late_assignment_but_not_a_new_run() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 3)))
    running = taken(worker)
    effects = command(worker, Cancel(3, UID, []))
    assert effects == [Stop([running])]
    job = stated(reported(worker))
    assert (job.queued, job.running, job.entries) == ([], [(0, 0)], [])
    worker.finish(running, Outcome(0.0, 0.1, task_reasons.STOPPED))
    assert stated(reported(worker)).entries[0].stopped == [(0, 0)]
    command(worker, assign((0, 3), number=4))
    assert worker.take(1.0) is None
    command(worker, define("/bin/true", number=5, run=1), assign((0, 3), number=6, run=1))
    assert taken(worker).define.run == 1


def test_a_cancelled_job_that_is_defined_again_is_taken_up_again() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), Cancel(2, UID, []))
    command(worker, define("/bin/true", number=3), assign((0, 1), number=4))
    assert stated(reported(worker)).queued == [(0, 1)]


def test_cancel_of_some_indexes_leaves_the_others() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 9)))
    running = [taken(worker), taken(worker)]
    assert command(worker, Cancel(3, UID, [(1, 3), (8, 20)])) == [Stop(running[1:])]
    job = stated(reported(worker))
    assert (job.queued, job.running, job.entries) == ([(4, 7)], [(0, 1)], [])
    command(worker, assign((2, 2), number=4))
    assert stated(reported(worker)).queued == [(2, 2), (4, 7)]


def test_what_is_returned_is_simply_no_longer_listed() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 9)))
    taken(worker)
    command(worker, Return(3, UID, [(0, 4)]))
    job = stated(reported(worker))
    assert (job.queued, job.running, job.entries) == ([(5, 9)], [(0, 0)], [])


def test_a_newer_run_ends_what_runs_of_the_older() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 3)))
    running = taken(worker)
    assert command(worker, define("/bin/true", number=3, run=1)) == [Stop([running])]
    job = stated(reported(worker))
    assert (job.run, job.queued) == (1, [])
    worker.finish(running, Outcome(0.0, 0.1, task_reasons.STOPPED))
    assert [entry.run for entry in stated(reported(worker)).entries] == [0]

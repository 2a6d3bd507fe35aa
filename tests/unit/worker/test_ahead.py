"""Tasks ahead: handed out before their turn, listed as queued, given back on demand."""

from distributedjob_api import task_reasons
from distributedjob_api.messages import Acks, Cancel, Forget, Return
from distributedjob_worker.core.effects import Journal, Recall, Stop, Wake
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.core.timing import REPORT_GAP_SECONDS
from distributedjob_worker.core.worker import Worker
from tests.support.worker_core import a_worker, command, reported, stated, taken
from tests.support.worker_driver import UID, assign, define


def _ahead(worker: Worker) -> tuple[list[Task], Task]:
    """Two tasks that run, one ahead of them, and a queue."""
    define_ = define("/bin/true")
    command(worker, define_, assign((0, 9)))
    running = [taken(worker), taken(worker)]
    (task,) = worker.take_ahead(running[0].define, 1, 2)
    return running, task


def test_a_task_ahead_counts_as_queued_until_it_is_started() -> None:
    worker = a_worker()
    running, task = _ahead(worker)
    job = stated(reported(worker))
    assert (job.queued, job.running) == ([(2, 9)], [(0, 1)])
    worker.finish(running[0], Outcome(0.0, 0.1))
    worker.follow(task)
    assert worker.take(1.0) is None
    job = stated(reported(worker))
    assert (job.queued, job.running) == ([(3, 9)], [(1, 2)])


def test_records_wait_for_what_is_ahead() -> None:
    worker = a_worker()
    running, task = _ahead(worker)
    for ended in running:
        worker.finish(ended, Outcome(0.0, 0.1))
    command(worker, Return(3, UID, [(3, 9)]))
    assert not any(isinstance(effect, Journal) for effect in worker.report(2.0))
    worker.follow(task)
    worker.finish(task, Outcome(0.0, 0.1))
    (journal,) = [effect for effect in worker.report(2.1) if isinstance(effect, Journal)]
    assert [record.index for record in journal.batch.records] == [0, 1, 2]


def test_a_returned_task_is_listed_until_the_executor_has_given_it_back() -> None:
    worker = a_worker()
    _, task = _ahead(worker)
    assert command(worker, Return(3, UID, [(0, 9)])) == [Recall([task])]
    assert stated(reported(worker)).queued == [(2, 2)]
    assert worker.give_back(task)
    assert worker.due() == 2.0 + REPORT_GAP_SECONDS
    assert stated(reported(worker)).queued == []


def test_a_returned_task_that_was_started_meanwhile_runs() -> None:
    worker = a_worker()
    running, task = _ahead(worker)
    command(worker, Return(3, UID, [(0, 9)]))
    worker.finish(running[0], Outcome(0.0, 0.1))
    worker.follow(task)
    job = stated(reported(worker))
    assert (job.queued, job.running) == ([], [(1, 2)])


def test_cancel_ends_tasks_ahead_as_well_as_running_ones() -> None:
    worker = a_worker()
    running, task = _ahead(worker)
    assert command(worker, Cancel(3, UID, [])) == [Stop([task, *running])]


def test_a_newer_run_ends_what_is_ahead_of_the_older() -> None:
    worker = a_worker()
    running, task = _ahead(worker)
    (stop,) = command(
        worker, define("/bin/true", number=3, run=1), assign((0, 9), number=4, run=1)
    )[:1]
    assert stop == Stop([*running, task])
    # What is ahead is of another run than what the report speaks of.
    assert stated(reported(worker)).queued == [(3, 9)]
    worker.give_back(task)
    assert stated(reported(worker)).queued == [(3, 9)]


def test_a_forgotten_job_is_kept_until_nothing_of_it_is_ahead() -> None:
    worker = a_worker()
    running, task = _ahead(worker)
    assert command(worker, Forget(3, UID)) == [Recall([task])]
    for one in running:
        worker.finish(one, Outcome(0.0, 0.1))
    worker.report(2.0)
    worker.handle(Acks(5, 7, [(UID, 1)]), 2.0)
    assert UID in worker.queues.jobs
    worker.give_back(task)
    assert UID not in worker.queues.jobs


def test_a_worker_that_leaves_waits_for_what_is_ahead() -> None:
    worker = a_worker()
    running, task = _ahead(worker)
    assert worker.leave() == [Stop([*running, task])]
    for one in running:
        worker.finish(one, Outcome(0.0, 0.1, task_reasons.STOPPED))
    worker.report(2.0)
    assert not worker.idle
    worker.give_back(task)
    assert worker.idle


def test_without_room_for_results_nothing_is_ahead() -> None:
    worker = a_worker()
    running, task = _ahead(worker)
    assert worker.hold(held=True) == [Recall([task])]
    assert not worker.take_ahead(running[0].define, 1, 1)
    assert not worker.give_back(task)
    worker.finish(running[0], Outcome(0.0, 0.1))
    assert worker.take(1.0) is None
    assert worker.hold(held=False) == [Wake()]
    assert worker.take(1.0) is task

"""The worker's state machine: fences, numbers, refusals, results until acknowledged."""

import pytest

from distributedjob_api import task_reasons
from distributedjob_api.messages import (
    Acks,
    Announce,
    Assign,
    Attempt,
    Cancel,
    Command,
    Commands,
    Entry,
    Forget,
    Hello,
    JobReport,
    Refusal,
    Report,
    Resend,
    Return,
    Welcome,
    WorkerMessage,
    encode_message,
)
from distributedjob_worker.core.effects import (
    Effect,
    Journal,
    Publish,
    Recall,
    Stop,
    Store,
    Wake,
)
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.core.worker import HELLO_SECONDS, REPORT_GAP_SECONDS, Identity, Worker
from tests.support.worker_driver import UID, assign, define

IDENTITY = Identity("inc", "node", "10.0.0.1", "0.1", 2000, 1 << 30)


def _worker() -> Worker:
    """A worker in session 7 of epoch 5."""
    worker = Worker(IDENTITY)
    worker.connected(0.0)
    worker.handle(Welcome(5, 7, "inc", 0.05), 0.0)
    worker.report(0.0)
    return worker


def _command(worker: Worker, *commands: Command, now: float = 1.0) -> list[Effect]:
    return worker.handle(Commands(5, 7, list(commands)), now)


def _messages(effects: list[Effect]) -> list[WorkerMessage]:
    return [effect.message for effect in effects if isinstance(effect, Publish)]


def _report(worker: Worker, now: float = 2.0) -> Report:
    (report,) = _messages(worker.report(now))
    assert isinstance(report, Report)
    return report


def _job(report: Report | Hello, uid: str = UID) -> JobReport:
    (job,) = [job for job in report.jobs if job.uid == uid]
    return job


def _take(worker: Worker) -> Task:
    task = worker.take(1.0)
    assert task is not None
    return task


def _run(worker: Worker, count: int, reason: str = "") -> None:
    for _ in range(count):
        worker.finish(_take(worker), Outcome(0.0, 0.5, reason, exit_code=1 if reason else 0))


# -- epochs and sessions -----------------------------------------------------------


def test_a_connected_worker_presents_itself_until_it_is_welcome() -> None:
    worker = Worker(IDENTITY)
    (hello,) = _messages(worker.connected(10.0))
    assert isinstance(hello, Hello)
    assert (hello.incarnation, hello.cpu_millis, hello.jobs) == ("inc", 2000, [])
    assert worker.due() == 10.0 + HELLO_SECONDS
    (again,) = _messages(worker.report(10.0 + HELLO_SECONDS))
    assert isinstance(again, Hello)


def test_a_lower_epoch_is_refused_whatever_it_says() -> None:
    worker = _worker()
    for message in (
        Announce(4, "old"),
        Welcome(4, 9, "inc", 0.05),
        Commands(4, 7, [define("/bin/true")]),
        Acks(4, 7, []),
        Resend(4, 7, []),
    ):
        assert worker.handle(message, 1.0) == [Publish(Refusal("inc", 5))]
    assert not worker.queues.jobs
    assert (worker.session.epoch, worker.session.number) == (5, 7)


def test_an_announcement_ends_the_session_and_is_answered_with_the_state() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 4)))
    _take(worker)
    (hello,) = _messages(worker.handle(Announce(6, "new"), 1.0))
    assert isinstance(hello, Hello)
    assert (hello.epoch, _job(hello).queued, _job(hello).running) == (6, [(1, 4)], [(0, 0)])
    assert worker.session.number is None


def test_a_command_of_a_higher_epoch_is_followed_but_not_applied() -> None:
    worker = _worker()
    (hello,) = _messages(worker.handle(Commands(6, 7, [define("/bin/true")]), 1.0))
    assert isinstance(hello, Hello)
    assert (hello.epoch, worker.session.number) == (6, None)
    assert not worker.queues.jobs


def test_a_command_of_another_session_is_answered_with_a_report() -> None:
    worker = _worker()
    (report,) = _messages(worker.handle(Commands(5, 6, [define("/bin/true")]), 1.0))
    assert isinstance(report, Report)
    assert (report.session, report.applied) == (7, 0)
    assert not worker.queues.jobs


def test_a_welcome_for_another_incarnation_is_not_ours() -> None:
    worker = Worker(IDENTITY)
    assert worker.handle(Welcome(5, 7, "earlier", 0.05), 0.0) == []
    assert worker.session.number is None


def test_a_welcome_heard_twice_does_not_restart_the_numbers() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 0)))
    worker.handle(Welcome(5, 7, "inc", 0.05), 1.0)
    assert worker.session.applied == 2


def test_a_session_that_was_left_is_not_taken_again() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 0)))
    # The leader asks anew; our answer is lost, and its earlier welcome comes late.
    worker.handle(Announce(5, "leader"), 1.1)
    worker.handle(Welcome(5, 7, "inc", 0.05), 1.2)
    assert worker.session.number is None
    assert isinstance(_messages(worker.report(1.1 + HELLO_SECONDS))[0], Hello)
    worker.handle(Welcome(5, 8, "inc", 0.05), 2.2)
    worker.handle(Welcome(5, 7, "inc", 0.05), 2.3)
    assert (_report(worker).session, worker.session.applied) == (8, 0)


def test_sessions_of_a_higher_epoch_count_anew() -> None:
    worker = _worker()
    worker.handle(Announce(6, "other"), 1.0)
    worker.handle(Welcome(6, 1, "inc", 0.05), 1.0)
    assert (worker.session.epoch, worker.session.number) == (6, 1)


def test_what_is_due_is_said_even_where_fractions_round_badly() -> None:
    worker = Worker(IDENTITY)
    worker.connected(0.13)
    assert worker.due() - 0.13 < HELLO_SECONDS
    assert _messages(worker.report(worker.due()))


# -- commands ----------------------------------------------------------------------


def test_commands_apply_in_order_and_once() -> None:
    worker = _worker()
    assert _command(worker, define("/bin/true"), assign((0, 3))) == [Wake()]
    assert _command(worker, define("/bin/true"), assign((0, 3)), assign((4, 4), number=3)) == [
        Wake()
    ]
    report = _report(worker)
    assert (report.applied, _job(report).queued) == (3, [(0, 4)])


def test_a_gap_is_not_applied_and_is_reported_at_once() -> None:
    worker = _worker()
    assert _command(worker, assign((0, 3))) == []
    assert worker.due() <= REPORT_GAP_SECONDS
    assert _report(worker).applied == 0


def test_an_index_that_waits_or_runs_is_not_queued_twice() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 3)))
    _take(worker)
    _command(worker, assign((0, 5), number=3))
    assert (_job(_report(worker)).queued, _job(_report(worker)).running) == ([(1, 5)], [(0, 0)])


def test_items_and_counters_reach_their_tasks() -> None:
    worker = _worker()
    _command(
        worker,
        define("/bin/true"),
        Assign(2, UID, 0, [(3, 4)], [Attempt(1, ended=2, failures=1)], ["c", "d", "b"], 0),
    )
    first, second = _take(worker), _take(worker)
    assert [(first.index, first.item), (second.index, second.item)] == [(3, "c"), (4, "d")]
    worker.finish(first, Outcome(0.0, 0.1))
    retried = _take(worker)
    assert (retried.index, retried.ended, retried.item) == (1, 2, "b")
    worker.finish(retried, Outcome(0.0, 0.1, task_reasons.ERROR, 3))
    (entry,) = _job(_report(worker)).entries
    assert [(f.index, f.ended, f.failures, f.exit_code) for f in entry.failed] == [(1, 2, 1, 3)]


def test_an_assignment_is_refused_where_it_cannot_be_meant() -> None:
    worker = _worker()
    _command(
        worker,
        assign((0, 0), number=1),
        define("/bin/true", number=2, run=1),
        assign((0, 0), number=3, run=0),
        define("/bin/true", number=4, uid="huge", cpu_millis=2001),
        assign((0, 0), number=5, uid="huge"),
        assign((0, 1), number=6, run=1, items=("only one",)),
    )
    report = _report(worker)
    assert (report.applied, report.jobs) == (6, [])


def test_a_cancelled_job_refuses_a_late_assignment_but_not_a_new_run() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 3)))
    running = _take(worker)
    effects = _command(worker, Cancel(3, UID, []))
    assert effects == [Stop([running])]
    job = _job(_report(worker))
    assert (job.queued, job.running, job.entries) == ([], [(0, 0)], [])
    worker.finish(running, Outcome(0.0, 0.1, task_reasons.STOPPED))
    assert _job(_report(worker)).entries[0].stopped == [(0, 0)]
    _command(worker, assign((0, 3), number=4))
    assert worker.take(1.0) is None
    _command(worker, define("/bin/true", number=5, run=1), assign((0, 3), number=6, run=1))
    assert _take(worker).define.run == 1


def test_a_cancelled_job_that_is_defined_again_is_taken_up_again() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), Cancel(2, UID, []))
    _command(worker, define("/bin/true", number=3), assign((0, 1), number=4))
    assert _job(_report(worker)).queued == [(0, 1)]


def test_cancel_of_some_indexes_leaves_the_others() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 9)))
    running = [_take(worker), _take(worker)]
    assert _command(worker, Cancel(3, UID, [(1, 3), (8, 20)])) == [Stop(running[1:])]
    job = _job(_report(worker))
    assert (job.queued, job.running, job.entries) == ([(4, 7)], [(0, 1)], [])
    _command(worker, assign((2, 2), number=4))
    assert _job(_report(worker)).queued == [(2, 2), (4, 7)]


def test_what_is_returned_is_simply_no_longer_listed() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 9)))
    _take(worker)
    _command(worker, Return(3, UID, [(0, 4)]))
    job = _job(_report(worker))
    assert (job.queued, job.running, job.entries) == ([(5, 9)], [(0, 0)], [])


def test_a_newer_run_ends_what_runs_of_the_older() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 3)))
    running = _take(worker)
    assert _command(worker, define("/bin/true", number=3, run=1)) == [Stop([running])]
    job = _job(_report(worker))
    assert (job.run, job.queued) == (1, [])
    worker.finish(running, Outcome(0.0, 0.1, task_reasons.STOPPED))
    assert [entry.run for entry in _job(_report(worker)).entries] == [0]


# -- tasks ahead -------------------------------------------------------------------


def _ahead(worker: Worker) -> tuple[list[Task], Task]:
    """Two tasks that run, one ahead of them, and a queue."""
    define_ = define("/bin/true")
    _command(worker, define_, assign((0, 9)))
    running = [_take(worker), _take(worker)]
    (task,) = worker.take_ahead(running[0].define, 1, 2)
    return running, task


def test_a_task_ahead_counts_as_queued_until_it_is_started() -> None:
    worker = _worker()
    running, task = _ahead(worker)
    job = _job(_report(worker))
    assert (job.queued, job.running) == ([(2, 9)], [(0, 1)])
    worker.finish(running[0], Outcome(0.0, 0.1))
    worker.follow(task)
    assert worker.take(1.0) is None
    job = _job(_report(worker))
    assert (job.queued, job.running) == ([(3, 9)], [(1, 2)])


def test_records_wait_for_what_is_ahead() -> None:
    worker = _worker()
    running, task = _ahead(worker)
    for ended in running:
        worker.finish(ended, Outcome(0.0, 0.1))
    _command(worker, Return(3, UID, [(3, 9)]))
    assert not any(isinstance(effect, Journal) for effect in worker.report(2.0))
    worker.follow(task)
    worker.finish(task, Outcome(0.0, 0.1))
    (journal,) = [effect for effect in worker.report(2.1) if isinstance(effect, Journal)]
    assert [record.index for record in journal.batch.records] == [0, 1, 2]


def test_a_returned_task_is_listed_until_the_executor_has_given_it_back() -> None:
    worker = _worker()
    _, task = _ahead(worker)
    assert _command(worker, Return(3, UID, [(0, 9)])) == [Recall([task])]
    assert _job(_report(worker)).queued == [(2, 2)]
    assert worker.give_back(task)
    assert worker.urgent
    assert _job(_report(worker)).queued == []


def test_a_returned_task_that_was_started_meanwhile_runs() -> None:
    worker = _worker()
    running, task = _ahead(worker)
    _command(worker, Return(3, UID, [(0, 9)]))
    worker.finish(running[0], Outcome(0.0, 0.1))
    worker.follow(task)
    job = _job(_report(worker))
    assert (job.queued, job.running) == ([], [(1, 2)])


def test_cancel_ends_tasks_ahead_as_well_as_running_ones() -> None:
    worker = _worker()
    running, task = _ahead(worker)
    assert _command(worker, Cancel(3, UID, [])) == [Stop([task, *running])]


def test_a_newer_run_ends_what_is_ahead_of_the_older() -> None:
    worker = _worker()
    running, task = _ahead(worker)
    (stop,) = _command(
        worker, define("/bin/true", number=3, run=1), assign((0, 9), number=4, run=1)
    )[:1]
    assert stop == Stop([*running, task])
    # What is ahead is of another run than what the report speaks of.
    assert _job(_report(worker)).queued == [(3, 9)]
    worker.give_back(task)
    assert _job(_report(worker)).queued == [(3, 9)]


def test_a_forgotten_job_is_kept_until_nothing_of_it_is_ahead() -> None:
    worker = _worker()
    running, task = _ahead(worker)
    assert _command(worker, Forget(3, UID)) == [Recall([task])]
    for one in running:
        worker.finish(one, Outcome(0.0, 0.1))
    worker.report(2.0)
    worker.handle(Acks(5, 7, [(UID, 1)]), 2.0)
    assert UID in worker.queues.jobs
    worker.give_back(task)
    assert UID not in worker.queues.jobs


def test_a_worker_that_leaves_waits_for_what_is_ahead() -> None:
    worker = _worker()
    running, task = _ahead(worker)
    assert worker.leave() == [Stop([*running, task])]
    for one in running:
        worker.finish(one, Outcome(0.0, 0.1, task_reasons.STOPPED))
    worker.report(2.0)
    assert not worker.idle
    worker.give_back(task)
    assert worker.idle


def test_without_room_for_results_nothing_is_ahead() -> None:
    worker = _worker()
    running, task = _ahead(worker)
    assert worker.hold(held=True) == [Recall([task])]
    assert not worker.take_ahead(running[0].define, 1, 1)
    assert not worker.give_back(task)
    worker.finish(running[0], Outcome(0.0, 0.1))
    assert worker.take(1.0) is None
    assert worker.hold(held=False) == [Wake()]
    assert worker.take(1.0) is task


# -- results -----------------------------------------------------------------------


def test_results_are_stored_before_they_are_sent_and_sent_once() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 9)))
    _run(worker, 3)
    effects = worker.report(2.0)
    assert [type(effect) for effect in effects] == [Store, Publish, Wake]
    (message,) = _messages(effects)
    assert isinstance(message, Report)
    (entry,) = _job(message).entries
    assert entry == Entry(1, 0, [(0, 2)], [], [], 1.5)
    again = _job(_report(worker))
    assert (again.entries, again.last_seq, again.acked_seq) == ([], 1, 0)


def test_records_wait_for_others_but_not_for_the_next_report() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 9)))
    _run(worker, 3)
    assert not any(isinstance(effect, Journal) for effect in worker.report(2.0))
    worker.report(2.5)
    assert worker.due() == 3.0
    (effect,) = worker.tick(3.0)
    assert isinstance(effect, Journal)
    assert [record.index for record in effect.batch.records] == [0, 1, 2]
    assert worker.due() == 3.5


@pytest.mark.parametrize("left", [Cancel(3, UID, []), Return(3, UID, [(3, 9)])])
def test_records_leave_with_the_report_after_which_nothing_of_the_job_is_left(
    left: Command,
) -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 9)))
    _run(worker, 3)
    worker.report(2.0)
    _command(worker, left, now=2.0)
    effects = worker.report(2.1)
    (journal,) = [effect for effect in effects if isinstance(effect, Journal)]
    assert len(journal.batch.records) == 3


def test_a_worker_without_a_journal_sends_it_nothing() -> None:
    worker = Worker(IDENTITY, journals=False)
    worker.connected(0.0)
    worker.handle(Welcome(5, 7, "inc", 0.05), 0.0)
    _command(worker, define("/bin/true"), assign((0, 0)))
    _run(worker, 1)
    assert [type(effect) for effect in worker.report(2.0)] == [Store, Publish]


def test_a_report_says_how_many_records_were_given_up() -> None:
    worker = _worker()
    worker.dropped_records = 7
    assert _report(worker).dropped_records == 7


def test_an_acknowledged_entry_is_gone_and_an_open_one_is_sent_to_every_session() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 9)))
    for _ in range(3):
        _run(worker, 1)
        worker.report(2.0)
    worker.handle(Acks(5, 7, [(UID, 1), ("unknown", 9)]), 3.0)
    worker.handle(Welcome(5, 8, "inc", 0.05), 3.0)
    job = _job(_report(worker))
    assert ([entry.seq for entry in job.entries], job.acked_seq, job.last_seq) == ([2, 3], 1, 3)


def test_resend_repeats_what_is_open() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 9)))
    _run(worker, 1)
    worker.report(2.0)
    worker.handle(Resend(5, 7, [UID]), 3.0)
    assert worker.due() <= 3.0
    assert [entry.seq for entry in _job(_report(worker)).entries] == [1]


def test_an_acknowledgement_of_another_session_changes_nothing() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 9)))
    _run(worker, 1)
    worker.report(2.0)
    worker.handle(Acks(5, 6, [(UID, 1)]), 3.0)
    assert worker.kept


def test_entries_of_an_earlier_incarnation_get_new_numbers() -> None:
    worker = Worker(IDENTITY)
    worker.adopt([Store(UID, "ns", "name", [Entry(41, 2, [(0, 4)], [], [], 1.0)])])
    worker.connected(0.0)
    worker.handle(Welcome(5, 7, "inc", 0.05), 0.0)
    job = _job(_report(worker))
    assert (job.namespace, job.run, job.last_seq) == ("ns", 2, 1)
    assert job.entries == [Entry(1, 2, [(0, 4)], [], [], 1.0)]


def test_many_failures_leave_in_messages_that_nats_takes() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 1999)))
    for _ in range(2000):
        worker.finish(
            _take(worker), Outcome(0.0, 0.1, task_reasons.ERROR, 1, 0, "\N{FULL BLOCK}" * 1024)
        )
    messages = _messages(worker.report(2.0))
    assert len(messages) > 1
    assert max(len(encode_message(message)) for message in messages) < 512 * 1024
    seen = [
        failure.index
        for message in messages
        if isinstance(message, Report)
        for entry in _job(message).entries
        for failure in entry.failed
    ]
    assert seen == list(range(2000))


def test_a_forgotten_job_goes_when_nothing_of_it_is_left_and_keeps_its_numbers() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 0)))
    running = _take(worker)
    _command(worker, Forget(3, UID))
    worker.finish(running, Outcome(0.0, 0.1))
    assert _job(_report(worker)).entries
    worker.handle(Acks(5, 7, [(UID, 1)]), 3.0)
    assert (worker.queues.jobs, worker.ledgers) == ({}, {})
    _command(worker, define("/bin/true", number=4), assign((1, 1), number=5))
    _run(worker, 1)
    job = _job(_report(worker))
    assert ([entry.seq for entry in job.entries], job.acked_seq) == ([2], 1)


# -- when to speak -----------------------------------------------------------------


def test_a_worker_with_nothing_else_to_run_reports_at_once() -> None:
    worker = _worker()
    worker.report(10.0)
    _command(worker, define("/bin/true"), assign((0, 1)))
    _run(worker, 1)
    assert worker.due() == 10.0 + 0.05
    _run(worker, 1)
    assert worker.due() == 10.0 + REPORT_GAP_SECONDS


def test_an_idle_worker_says_so_once_a_second() -> None:
    worker = _worker()
    worker.report(10.0)
    assert worker.due() == 11.0


# -- leaving and holding -----------------------------------------------------------


def test_leaving_gives_back_what_waits_and_takes_nothing_more() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 9)))
    running = [_take(worker), _take(worker)]
    assert worker.leave() == [Stop(running)]
    _command(worker, assign((20, 29), number=3))
    report = _report(worker)
    assert (report.leaving, _job(report).queued, _job(report).running) == (True, [], [(0, 1)])
    for task in running:
        worker.finish(task, Outcome(0.0, 0.1, task_reasons.STOPPED))
    assert not worker.idle
    assert _job(_report(worker)).entries[0].stopped == [(0, 1)]
    assert worker.idle
    assert not worker.settled
    worker.handle(Acks(5, 7, [(UID, 1)]), 3.0)
    assert worker.settled


def test_nothing_starts_while_the_spool_has_no_room() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 9)))
    worker.hold(True)
    assert worker.take(1.0) is None
    assert worker.hold(False) == [Wake()]
    assert worker.take(1.0) is not None


def test_a_job_whose_results_fill_its_share_of_the_spool_leaves_the_rest_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("distributedjob_worker.core.worker.SHARE_BYTES", 400)
    worker = _worker()
    _command(
        worker,
        define("/bin/true"),
        assign((0, 99)),
        define("/bin/true", number=3, uid="other"),
        assign((0, 99), number=4, uid="other"),
    )
    for _ in range(10):
        task = _take(worker)
        worker.finish(task, Outcome(0.0, 0.1, "" if task.define.uid == "other" else "Error"))
        worker.report(2.0)
        worker.handle(Acks(5, 7, [("other", 99)]), 3.0)
    assert [_take(worker).define.uid for _ in range(2)] == ["other", "other"]
    last = worker.ledgers[UID].last_seq
    assert Wake() in worker.handle(Acks(5, 7, [(UID, last)]), 3.0)
    assert worker.queues.jobs[UID].may_start()


def test_run_times_of_all_attempts_are_kept_whatever_became_of_them() -> None:
    worker = _worker()
    _command(worker, define("/bin/true"), assign((0, 9)))
    for duration, reason in ((0.0005, ""), (0.02, task_reasons.ERROR), (400.0, "")):
        worker.finish(_take(worker), Outcome(0.0, duration, reason))
    worker.report(2.0)
    counts = dict(worker.run_seconds.cumulative())
    assert [counts[bound] for bound in ("0.001", "0.025", "300.0", "900.0")] == [1, 2, 2, 3]

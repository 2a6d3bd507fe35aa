"""Reports: when they are due, what they say beside results, how large they are."""

import pytest

from distributedjob_api import task_reasons
from distributedjob_api.constants import STEADY_SECONDS
from distributedjob_api.messages import Report, encode_message
from distributedjob_worker.core import timing
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.core.timing import HELLO_SECONDS, REPORT_GAP_SECONDS
from distributedjob_worker.core.worker import Worker
from tests.support.worker_core import (
    IDENTITY,
    a_worker,
    command,
    reported,
    run,
    said,
    stated,
    taken,
)
from tests.support.worker_driver import assign, define


def test_a_worker_with_nothing_else_to_run_reports_at_once() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 1)))
    worker.report(10.0)
    run(worker, 1)
    assert worker.due() == 10.0 + STEADY_SECONDS
    run(worker, 1)
    assert worker.due() == 10.0 + REPORT_GAP_SECONDS


@pytest.mark.parametrize("most", [False, True])
def test_a_worker_whose_results_of_many_jobs_wait_repeats_them_less_often(
    most: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if most:
        monkeypatch.setattr(timing, "STATING_SECONDS", 1.0)
    worker = a_worker()
    for number in range(1, 200, 2):
        uid = f"job-{number}"
        one = define("/bin/true", number=number, uid=uid)
        command(worker, one, assign((0, 0), number=number + 1, uid=uid))
        run(worker, 1)
    assert len(reported(worker, 10.0).jobs) == 100
    command(worker, define("/bin/true", number=201), assign((0, 0), number=202))
    run(worker, 1)
    assert worker.due() == 10.0 + (STEADY_SECONDS if most else 100 * timing.STATING_SECONDS)


def test_what_the_leader_has_to_decide_about_is_told_sooner_than_that_tasks_go_on() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 2)))
    worker.report(10.0)
    run(worker, 1)
    assert worker.due() == 10.0 + STEADY_SECONDS
    run(worker, 1, task_reasons.ERROR)
    assert worker.due() == 10.0 + 0.05


def test_the_last_task_here_of_a_job_is_told_though_others_wait() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 0)))
    other = define("/bin/true", number=3, uid="other")
    command(worker, other, assign((0, 5), number=4, uid="other"))
    worker.report(10.0)
    run(worker, 1)
    assert worker.due() == 10.0 + 0.05


def test_an_idle_worker_says_so_once_a_second() -> None:
    worker = a_worker()
    worker.report(10.0)
    assert worker.due() == 11.0


def test_a_command_that_was_applied_is_told_at_the_leader_s_interval() -> None:
    worker = a_worker()
    worker.report(10.0)
    command(worker, define("/bin/true"))
    assert worker.due() == 10.0 + 0.05


def test_that_more_has_come_of_what_waits_already_is_told_as_that_tasks_go_on() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 2)))
    worker.report(10.0)
    command(worker, assign((3, 5), number=3))
    assert worker.due() == 10.0 + STEADY_SECONDS


def test_what_is_due_is_said_even_where_fractions_round_badly() -> None:
    worker = Worker(IDENTITY)
    worker.connected(0.13)
    assert worker.due() - 0.13 < HELLO_SECONDS
    assert said(worker.report(worker.due()))


def test_a_report_says_how_many_records_were_given_up() -> None:
    worker = a_worker()
    worker.dropped_records = 7
    assert reported(worker).dropped_records == 7


def test_many_failures_leave_in_messages_that_nats_takes() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 1999)))
    for _ in range(2000):
        worker.finish(
            taken(worker), Outcome(0.0, 0.1, task_reasons.ERROR, 1, 0, "\N{FULL BLOCK}" * 1024)
        )
    messages = said(worker.report(2.0))
    assert len(messages) > 1
    assert max(len(encode_message(message)) for message in messages) < 512 * 1024
    seen = [
        failure.index
        for message in messages
        if isinstance(message, Report)
        for entry in stated(message).entries
        for failure in entry.failed
    ]
    assert seen == list(range(2000))

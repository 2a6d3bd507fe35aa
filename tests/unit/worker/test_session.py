"""Epochs and sessions: whom the worker follows, and what it refuses."""

from distributedjob_api.messages import (
    Acks,
    Announce,
    Commands,
    Hello,
    Refusal,
    Report,
    Resend,
    Welcome,
)
from distributedjob_worker.core.effects import Publish
from distributedjob_worker.core.timing import HELLO_SECONDS
from distributedjob_worker.core.worker import Worker
from tests.support.worker_core import IDENTITY, a_worker, command, reported, said, stated, taken
from tests.support.worker_driver import assign, define


def test_a_connected_worker_presents_itself_until_it_is_welcome() -> None:
    worker = Worker(IDENTITY)
    (hello,) = said(worker.connected(10.0))
    assert isinstance(hello, Hello)
    assert (hello.incarnation, hello.cpu_millis, hello.jobs) == ("inc", 2000, [])
    assert worker.due() == 10.0 + HELLO_SECONDS
    assert said(worker.report(10.5)) == []
    (again,) = said(worker.report(10.0 + HELLO_SECONDS))
    assert isinstance(again, Hello)


def test_a_lower_epoch_is_refused_whatever_it_says() -> None:
    worker = a_worker()
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
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 4)))
    taken(worker)
    (hello,) = said(worker.handle(Announce(6, "new"), 1.0))
    assert isinstance(hello, Hello)
    assert (hello.epoch, stated(hello).queued, stated(hello).running) == (6, [(1, 4)], [(0, 0)])
    assert worker.session.number is None


def test_a_command_of_a_higher_epoch_is_followed_but_not_applied() -> None:
    worker = a_worker()
    (hello,) = said(worker.handle(Commands(6, 7, [define("/bin/true")]), 1.0))
    assert isinstance(hello, Hello)
    assert (hello.epoch, worker.session.number) == (6, None)
    assert not worker.queues.jobs


def test_a_command_of_another_session_is_answered_with_a_report() -> None:
    worker = a_worker()
    (report,) = said(worker.handle(Commands(5, 6, [define("/bin/true")]), 1.0))
    assert isinstance(report, Report)
    assert (report.session, report.applied) == (7, 0)
    assert not worker.queues.jobs


def test_a_welcome_for_another_incarnation_is_not_ours() -> None:
    worker = Worker(IDENTITY)
    assert worker.handle(Welcome(5, 7, "earlier", 0.05), 0.0) == []
    assert worker.session.number is None


def test_a_welcome_heard_twice_does_not_restart_the_numbers() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 0)))
    worker.handle(Welcome(5, 7, "inc", 0.05), 1.0)
    assert worker.session.applied == 2


def test_a_session_that_was_left_is_not_taken_again() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 0)))
    # The leader asks anew; our answer is lost, and its earlier welcome comes late.
    worker.handle(Announce(5, "leader"), 1.1)
    worker.handle(Welcome(5, 7, "inc", 0.05), 1.2)
    assert worker.session.number is None
    assert isinstance(said(worker.report(1.1 + HELLO_SECONDS))[0], Hello)
    worker.handle(Welcome(5, 8, "inc", 0.05), 2.2)
    worker.handle(Welcome(5, 7, "inc", 0.05), 2.3)
    assert (reported(worker).session, worker.session.applied) == (8, 0)


def test_sessions_of_a_higher_epoch_count_anew() -> None:
    worker = a_worker()
    worker.handle(Announce(6, "other"), 1.0)
    worker.handle(Welcome(6, 1, "inc", 0.05), 1.0)
    assert (worker.session.epoch, worker.session.number) == (6, 1)

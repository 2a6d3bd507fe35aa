"""Results until they are acknowledged: numbered, stored, sent, sent again."""

from distributedjob_api.messages import Acks, Entry, Report, Resend, Welcome
from distributedjob_worker.core.effects import Publish, Store, Wake
from distributedjob_worker.core.worker import Worker
from tests.support.worker_core import (
    IDENTITY,
    a_worker,
    command,
    granted,
    reported,
    run,
    said,
    stated,
)
from tests.support.worker_driver import UID, assign, define


def test_results_are_stored_before_they_are_sent_and_sent_once() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 9)))
    run(worker, 3)
    effects = worker.report(2.0)
    assert [type(effect) for effect in effects] == [Store, Publish, Wake]
    (message,) = said(effects)
    assert isinstance(message, Report)
    (entry,) = stated(message).entries
    assert entry == Entry(1, 0, [(0, 2)], [], [], 1.5)
    again = stated(reported(worker))
    assert (again.entries, again.last_seq, again.acked_seq) == ([], 1, 0)


def test_an_acknowledged_entry_is_gone_and_an_open_one_is_sent_to_every_session() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 9)))
    for _ in range(3):
        run(worker, 1)
        worker.report(2.0)
    worker.handle(Acks(5, 7, [(UID, 1), ("unknown", 9)]), 3.0)
    worker.handle(Welcome(5, 8, "inc", 0.05), 3.0)
    job = stated(reported(worker))
    assert ([entry.seq for entry in job.entries], job.acked_seq, job.last_seq) == ([2, 3], 1, 3)


def test_resend_repeats_what_is_open() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 9)))
    run(worker, 1)
    worker.report(2.0)
    worker.handle(Resend(5, 7, [UID]), 3.0)
    assert worker.due() <= 3.0
    assert [entry.seq for entry in stated(reported(worker)).entries] == [1]


def test_an_acknowledgement_of_another_session_changes_nothing() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 9)))
    run(worker, 1)
    worker.report(2.0)
    worker.handle(Acks(5, 6, [(UID, 1)]), 3.0)
    assert list(worker.ledgers.kept)


def test_entries_of_an_earlier_incarnation_get_new_numbers() -> None:
    worker = Worker(IDENTITY)
    worker.ledgers.adopt([Store(UID, "ns", "name", [Entry(41, 2, [(0, 4)], [], [], 1.0)])])
    granted(worker)
    job = stated(reported(worker))
    assert (job.namespace, job.run, job.last_seq) == ("ns", 2, 1)
    assert job.entries == [Entry(1, 2, [(0, 4)], [], [], 1.0)]

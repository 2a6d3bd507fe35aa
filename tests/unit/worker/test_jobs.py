"""A job's share of the spool, and its end once it is forgotten."""

import pytest

from distributedjob_api.messages import Acks, Forget
from distributedjob_worker.core.effects import Wake
from distributedjob_worker.core.results import Outcome
from tests.support.worker_core import a_worker, command, reported, run, stated, taken
from tests.support.worker_driver import UID, assign, define


def test_a_job_whose_results_fill_its_share_of_the_spool_leaves_the_rest_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("distributedjob_worker.core.jobs.SHARE_BYTES", 400)
    worker = a_worker()
    command(
        worker,
        define("/bin/true"),
        assign((0, 99)),
        define("/bin/true", number=3, uid="other"),
        assign((0, 99), number=4, uid="other"),
    )
    for _ in range(10):
        task = taken(worker)
        worker.finish(task, Outcome(0.0, 0.1, "" if task.define.uid == "other" else "Error"))
        worker.report(2.0)
        worker.handle(Acks(5, 7, [("other", 99)]), 3.0)
    assert [taken(worker).define.uid for _ in range(2)] == ["other", "other"]
    last = worker.ledgers.jobs[UID].last_seq
    assert Wake() in worker.handle(Acks(5, 7, [(UID, last)]), 3.0)
    assert worker.queues.jobs[UID].may_start()


def test_a_forgotten_job_goes_when_nothing_of_it_is_left_and_keeps_its_numbers() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 0)))
    running = taken(worker)
    command(worker, Forget(3, UID))
    worker.finish(running, Outcome(0.0, 0.1))
    assert stated(reported(worker)).entries
    worker.handle(Acks(5, 7, [(UID, 1)]), 3.0)
    assert (worker.queues.jobs, worker.ledgers.jobs) == ({}, {})
    command(worker, define("/bin/true", number=4), assign((1, 1), number=5))
    run(worker, 1)
    job = stated(reported(worker))
    assert ([entry.seq for entry in job.entries], job.acked_seq) == ([2], 1)


@pytest.mark.parametrize("numbered", [False, True])
def test_results_of_a_forgotten_job_are_kept_until_they_are_acknowledged(numbered: bool) -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 0)))
    run(worker, 1)
    if numbered:
        worker.report(2.0)
    command(worker, Forget(3, UID))
    assert stated(reported(worker)).last_seq == 1
    assert not worker.settled
    worker.handle(Acks(5, 7, [(UID, 1)]), 3.0)
    assert worker.settled
    assert UID not in worker.queues.jobs

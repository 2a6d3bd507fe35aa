"""``djob wait`` and ``watch``: when a job is over, and how it ended."""

import pytest

from distributedjob_cli.commands.following import parse_seconds
from tests.support.command_line import JOB, JOBS, a_job, lines


@pytest.mark.parametrize(("phase", "code"), [("Complete", 0), ("Failed", 4), ("Cancelled", 4)])
def test_how_a_job_ended_is_the_exit_code(djob, servers, phase, code):
    servers.answers[JOB] = a_job(phase, succeeded=3, failed=1)
    for verb in ("wait", "watch"):
        assert djob(verb, "job").exit_code == code


def test_a_job_that_is_not_over_in_time_is_exit_code_1(djob, servers):
    servers.answers |= {JOB: a_job("Running", pending=3, succeeded=1), JOBS: b""}
    done = djob("wait", "job", "--timeout", "0s")
    assert (done.exit_code, done.stderr) == (
        1,
        "djob: default/job is not over in time: 1/4  25%\n",
    )


@pytest.mark.parametrize("seen", [0, 1])
def test_a_rerun_that_was_not_heeded_yet_is_not_over(djob, servers, seen):
    servers.answers |= {JOB: a_job(token="new", seen=seen, rerunToken="old"), JOBS: b""}
    assert djob("wait", "job", "--timeout", "0s").exit_code == 1
    servers.answers[JOB] = a_job(token="new", seen=seen, rerunToken="new")
    assert djob("wait", "job", "--timeout", "0s").exit_code == 0


def test_what_a_watch_tells_is_heard(djob, servers):
    event = {"type": "MODIFIED", "object": a_job("Failed", succeeded=3, failed=1)}
    servers.answers |= {JOB: a_job("Running", running=4), JOBS: lines(event)}
    done = djob("watch", "job")
    assert done.exit_code == 4
    assert done.stderr.splitlines()[:2] == [
        "job  0/4  0%  running 4",
        "job  4/4  100%  failed 1" if "/s" not in done.stderr else done.stderr.splitlines()[1],
    ]
    assert "of 4 tasks 3 succeeded, 1 failed" in done.stderr


def test_a_job_deleted_while_it_is_watched_is_said(djob, servers):
    event = {"type": "DELETED", "object": a_job("Running")}
    servers.answers |= {JOB: a_job("Running", running=4), JOBS: lines(event)}
    done = djob("wait", "job")
    assert (done.exit_code, done.stderr) == (1, "djob: DistributedJob default/job was deleted\n")


@pytest.mark.parametrize(
    ("text", "seconds"), [("", float("inf")), ("90", 90), ("90s", 90), ("5m", 300), ("2h", 7200)]
)
def test_times(text, seconds):
    assert parse_seconds(text) == seconds

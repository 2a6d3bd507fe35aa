"""Commands that follow a job bear with servers that do not answer for a while."""

import base64
import json

import pytest
import requests

from distributedjob_cli.client.outage import OUTAGE_SECONDS, Outage
from distributedjob_cli.commands.attempts import Cursor
from tests.support.command_line import JOB, JOBS, OPERATOR, a_job, lines

REFUSED = requests.ConnectionError("refused")
BUSY = (503, {"message": "etcd has no leader"})


@pytest.fixture
def pauses(monkeypatch):
    """Time that passes by pauses alone; how long each was."""
    made, now = [], [0.0]

    def sleep(seconds):
        made.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return made


def in_turn(*answers):
    """One answer after the other, and the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def event(body):
    return lines({"type": "MODIFIED", "object": body})


def test_pauses_double_up_to_a_bound_until_it_has_lasted_too_long():
    outage = Outage()
    assert [outage.pause(1000.0 + at) for at in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]
    assert outage.pause(1000.0 + OUTAGE_SECONDS) == 10
    assert outage.pause(1000.1 + OUTAGE_SECONDS) == 0
    outage.over()
    assert outage.pause(9000.0) == 0.5


@pytest.mark.parametrize("trouble", [REFUSED, BUSY, (429, b"slow down")])
def test_waiting_goes_on_when_the_api_server_answers_again(djob, servers, pauses, trouble):
    servers.answers |= {
        JOB: in_turn(a_job("Running", running=4), trouble, trouble, a_job("Running", running=4)),
        JOBS: in_turn(trouble, event(a_job(succeeded=4))),
    }
    done = djob("wait", "job")
    assert done.exit_code == 0
    assert pauses == [0.5, 1.0, 2.0]
    assert [line.endswith("; trying on") for line in done.stderr.splitlines()] == [True, False]


def test_a_watch_that_breaks_off_is_begun_anew_without_a_word(djob, servers, pauses):
    servers.answers |= {
        JOB: a_job("Running", running=4),
        JOBS: in_turn(b'{"type": "MODI', event(a_job(succeeded=4))),
    }
    done = djob("wait", "job")
    assert (done.exit_code, len(done.stderr.splitlines()), pauses) == (0, 1, [0.5])


def test_a_watch_that_ends_in_order_ends_an_outage(djob, servers, pauses):
    servers.answers |= {
        JOB: a_job("Running", running=4),
        JOBS: in_turn(REFUSED, b"", REFUSED, event(a_job(succeeded=4))),
    }
    assert djob("wait", "job").exit_code == 0
    assert pauses == [0.5, 0.5]


def test_an_outage_that_lasts_is_an_error(djob, servers, pauses):
    servers.answers |= {JOB: in_turn(a_job("Running"), REFUSED), JOBS: REFUSED}
    done = djob("wait", "job")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith("djob: the API server at http://127.0.0.1:2")
    assert OUTAGE_SECONDS < sum(pauses) < OUTAGE_SECONDS + 20


def test_an_outage_is_borne_with_no_longer_than_the_user_waits(djob, servers, pauses):
    servers.answers |= {JOB: in_turn(a_job("Running"), REFUSED), JOBS: REFUSED}
    done = djob("wait", "job", "--timeout", "5s")
    assert (done.exit_code, sum(pauses)) == (1, 5.0)
    assert "is not over in time" in done.stderr


def test_who_cannot_be_asked_at_all_is_said_at_once(djob, servers, pauses):
    servers.answers[JOB] = REFUSED
    assert djob("wait", "job").exit_code == 1
    servers.answers[JOB] = a_job()
    servers.answers[f"{OPERATOR}/attempts"] = (503, b"NATS has not answered yet\n")
    done = djob("logs", "job", "-f")
    assert (done.exit_code, pauses) == (1, [])
    assert done.stderr == "djob: default/job: NATS has not answered yet\n"


# -- logs -f -----------------------------------------------------------------------


def row(index, place):
    text = base64.b64encode(b"x%d\n" % index).decode()
    return {"index": index, "state": "Succeeded", "place": place, "stdout": text}


def test_what_was_printed_before_an_answer_broke_off_is_not_printed_again(djob, servers, pauses):
    whole = lines(row(0, 3), row(1, 7), row(2, 7), row(3, 7))
    cut = lines(row(0, 3), row(1, 7), row(2, 7)) + b'{"ind'
    asked = []

    def attempts(request):
        after = int(request.url.partition("after=")[2])
        asked.append(after)
        if len(asked) == 1:
            return b""
        rows = [json.loads(line) for line in whole.splitlines()]
        left = lines(*(each for each in rows if each["place"] > after))
        return (200, servers.cut_off(cut)) if len(asked) == 2 else left

    servers.answers |= {
        JOB: in_turn(*[a_job("Running")] * 3, a_job()), f"{OPERATOR}/attempts": attempts,
    }  # fmt: skip
    done = djob("logs", "job", "-f")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1::2] == ["x0", "x1", "x2", "x3"]
    assert asked[:3] == [0, 0, 3]
    assert "the output broke off; trying on" in done.stderr


def test_a_cursor_leaves_a_place_behind_when_the_next_one_comes():
    cursor = Cursor()
    assert [cursor.advance(place) for place in (3, 3, 7)] == [True, True, True]
    assert cursor.after == 3
    cursor.broken()
    assert [cursor.advance(place) for place in (7, 7, 9)] == [False, True, True]
    cursor.whole()
    assert cursor.after == 9


def test_one_task_is_followed_through_an_outage(djob, servers, pauses):
    first = {"index": 3, "attempt": 1, "stdout": base64.b64encode(b"x").decode(), "stdoutBytes": 1}
    ended = row(3, 9) | {"attempt": 1, "stdoutBytes": 3}
    cut = (200, servers.cut_off(lines(ended) + b'{"ind'))
    servers.answers |= {
        JOB: in_turn(*[a_job("Running")] * 3, REFUSED, a_job()),
        f"{OPERATOR}/attempts": in_turn(b"", (503, b"no stream\n"), cut, lines(ended)),
        f"{OPERATOR}/live": first,
    }
    done = djob("logs", "job", "3", "-f")
    assert (done.exit_code, done.stdout) == (0, "x3\n")
    assert done.stderr.count("; trying on") == 1


@pytest.mark.parametrize("follow", [[], ["-f"]], ids=["once", "follow"])
def test_failed_attempts_of_one_task_have_headings(djob, servers, follow):
    servers.answers |= {JOB: a_job(), f"{OPERATOR}/attempts": lines(row(3, 5), row(3, 6))}
    done = djob("logs", "job", "3", "--failed", *follow)
    assert [line[:10] for line in done.stdout.splitlines()[::2]] == ["==> task 3"] * 2

"""Spans of time: what kubectl takes is taken."""

import math

import pytest
import typer

from distributedjob_api.durations import parse_duration
from distributedjob_cli.times import patience, seconds, whole_seconds
from tests.support.command_line import JOB, JOBS, a_job


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0), ("90s", 90), ("5m", 300), ("2h", 7200), ("1h30m", 5400), ("1m1.5s", 61.5),
        ("1.5h", 5400), (".5s", 0.5), ("1.s", 1), ("500ms", 0.5), ("-1s", -1), ("+1s", 1),
        ("-1h30m", -5400), ("250us", 250e-6), ("250\u00b5s", 250e-6), ("250\u03bcs", 250e-6),
        ("3ns", 3e-9),
    ],
)  # fmt: skip
def test_a_span_is_read_as_go_reads_it(text, expected):
    assert parse_duration(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    ["", "-", "+", "90", "s", ".s", "1", "1x", "1h 30m", "1s1", "--1s", "1e3s", "\u0663s", "1d"],
)
def test_what_go_does_not_read_is_none(text):
    with pytest.raises(ValueError, match="is no span of time"):
        parse_duration(text)


def test_a_number_alone_is_seconds():
    assert seconds("90", "--timeout") == 90


@pytest.mark.parametrize(("text", "expected"), [("", math.inf), ("-1s", math.inf), ("0", 0)])
def test_less_than_nothing_is_for_ever(text, expected):
    assert patience(text) == expected


@pytest.mark.parametrize("text", ["0", "1.5s", "-1s", "600000h", "9" * 400])
def test_what_the_api_cannot_hold_is_refused(text):
    with pytest.raises(typer.BadParameter, match="is not a whole number of seconds"):
        whole_seconds(text, "--timeout", 1)


def test_wait_with_a_timeout_of_zero_looks_once(djob, servers):
    servers.answers |= {JOB: a_job("Running", running=4), JOBS: b""}
    assert djob("wait", "job", "--timeout", "0").exit_code == 1
    assert len(servers.asked) == 1


def test_wait_with_a_negative_timeout_waits_for_the_end(djob, servers):
    servers.answers[JOB] = iter([a_job("Running", running=4), a_job(succeeded=4)])
    servers.answers[JOBS] = (410, {"message": "too old"})
    assert djob("wait", "job", "--timeout", "-1s").exit_code == 0


def test_submit_takes_spans_of_time(djob):
    done = djob("submit", "--timeout", "1h30m", "--ttl", "0", "--dry-run", "--", "true")
    assert "timeoutSeconds: 5400\n" in done.stdout
    assert "ttlSecondsAfterFinished: 0\n" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["wait", "job", "--timeout", "soon"],
        ["submit", "--timeout", "500ms", "--", "true"],
        ["submit", "--ttl", "-1s", "--", "true"],
        ["top", "--interval", "100ms"],
    ],
    ids=" ".join,
)
def test_a_span_that_makes_no_sense_is_said_with_its_option(djob, servers, arguments):
    done = djob(*arguments)
    (line,) = done.stderr.splitlines()
    assert (done.exit_code, "for --t" in line or "for --interval" in line) == (2, True)
    assert servers.asked == []

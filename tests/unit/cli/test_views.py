"""What the operator knows, for people and, in a form that stays, for programs."""

import json
import os
from pathlib import Path

import pytest
import yaml

from distributedjob_cli.commands import nodes, top
from distributedjob_cli.commands.failures import shown
from distributedjob_cli.errors import CliError
from tests.support.command_line import JOB, JOBS, OPERATOR, a_job

GOLDEN = Path(__file__).parent / "golden"
"""What programs read: a change of these files is a change that they notice."""

SCREEN = os.terminal_size((120, 24))
NONE = {"groups": [], "unrecorded": 0, "unrecordedIndexes": ""}


def a_group(**more):
    return {
        "reason": "Error", "exitCode": 3, "signal": 0, "attempts": 8, "tasks": 4,
        "indexes": "0,5,10,15", "examples": [],
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, ["No attempt of job failed."]),
        (
            {"groups": [a_group()]},
            ["Error, exit code 3: 4 tasks failed for good, 8 attempts in all",
             "  tasks 0,5,10,15", "", "All of what they wrote: djob logs job --failed"],
        ),
        (
            {"groups": [a_group(tasks=0, indexes="", attempts=1, exitCode=-1, signal=9)]},
            ["Error, signal 9: 1 attempt; no task failed for good of it", "",
             "All of what they wrote: djob logs job --failed"],
        ),
        (
            {"unrecorded": 2, "unrecordedIndexes": "3-4"},
            ["Without a record in the journal: 2 failed tasks", "  tasks 3-4", "",
             "All of what they wrote: djob logs job --failed"],
        ),
    ],
)  # fmt: skip
def test_failures_for_people(found, expected):
    assert list(shown(NONE | found, "job")) == expected


def test_an_example_shows_its_last_lines_safely():
    text = "".join(f"line {number}\n" for number in range(9)) + "\x1b[31mred\n"
    example = {"index": 7, "attempt": 2, "node": "n1", "tail": text}
    found = list(shown(NONE | {"groups": [a_group(examples=[example])]}, "job"))
    assert found[2:9] == [
        "  e.g. task 7, attempt 2, on n1:", "    ...", "    line 5", "    line 6", "    line 7",
        "    line 8", "    \\x1b[31mred",
    ]  # fmt: skip


def test_many_indexes_are_cut_between_two_of_them():
    (_, line, *_) = shown(
        NONE | {"groups": [a_group(indexes=",".join(map(str, range(500))))]}, "job"
    )
    assert len(line) < 140
    assert line.endswith(",...")


def test_why_asks_for_a_task_and_is_one_line(djob, servers):
    servers.answers[f"{OPERATOR}/why"] = {"reason": "Running", "message": "It runs on\n n1."}
    assert djob("why", "job", "3").stdout == "Running: It runs on n1.\n"
    assert servers.query() == {"index": ["3"]}


MACHINES = [
    {"node": "n1", "health": "Ready", "pool": "p", "address": "10.0.0.1", "slotsMillis": 2000,
     "allocatableMillis": 2500, "busyMillis": 500, "running": 1, "queued": 1200, "rate": 8.25,
     "memoryBytes": 2**30, "heard": 0.5},
    {"node": "n2", "health": "NoWorker", "address": "10.0.0.2", "allocatableMillis": 1000},
]  # fmt: skip
"""As the operator answers: what is empty is left out."""

WHOLE = json.loads((GOLDEN / "nodes.json").read_text())


def test_what_the_journal_dropped_is_said_beside_the_nodes(djob, servers):
    servers.answers["/v1/nodes"] = [
        {"node": "n1", "health": "Ready", "pool": "default", "droppedRecords": 1200},
        {"node": "n2", "health": "Ready", "pool": "default"},
    ]
    done = djob("nodes")
    assert done.stderr == "n1: the journal dropped 1,200 records of attempts there\n"
    assert djob("nodes", "-o", "json").stderr == ""


def test_nodes_in_a_table():
    assert nodes.rows_of(WHOLE, wide=True) == (
        "NODE   POOL   ADDRESS    HEALTH     ALLOCATABLE   SLOTS   BUSY   RUNNING   QUEUED   RATE    MEMORY   HEARD\n"  # noqa: E501
        "n1     p      10.0.0.1   Ready      2500m         2       500m   1         1,200    8.2/s   1Gi      0.5s ago\n"  # noqa: E501
        "n2     -      10.0.0.2   NoWorker   1             -       -      -         -        -       -        -\n"  # noqa: E501
    )


def test_a_screen_has_as_many_lines_as_there_is_room_for():
    jobs = [a_job("Complete", f"job-{number}", succeeded=4) for number in range(50)]
    jobs.append(a_job("Running", "busy", running=2, succeeded=1))
    screen = top.drawn(jobs, WHOLE * 20, top.Paces(), 0.0, SCREEN, "default")
    found = screen.splitlines()
    assert len(found) <= 24
    assert found[0].startswith("51 jobs in namespace default   20 of 20 workers ready")
    assert found[3].startswith("busy")
    assert [line for line in found if line.endswith("more")] == [
        "... and 43 more",
        "... and 31 more",
    ]


def test_a_screen_without_the_operator_says_so_and_shows_the_jobs():
    screen = top.drawn(
        [a_job()], [], top.Paces(), 0.0, SCREEN, None, "needs the right to list nodes"
    )
    assert "needs the right to list nodes" in screen
    assert "default/job" in screen


@pytest.mark.parametrize("columns", [50, 80, 100, 160])
def test_a_screen_is_as_wide_as_there_is_room_for(columns):
    jobs = [a_job("Running", f"a-job-{'x' * 12}", pending=999_000, running=900, failed=100)]
    size = os.terminal_size((columns, 24))
    trouble = "the operator at http://127.0.0.1:1 does not answer: see whether its pod is ready"
    screen = top.drawn(jobs, WHOLE, top.Paces(), 0.0, size, "default", trouble)
    rest = screen.splitlines()[1:]
    assert all(len(line) <= columns for line in rest)
    for word in ("JOB", "DONE", "100/1,000,000", "FAILED", "NODE", "HEALTH", "NoWorker"):
        assert word in screen
    assert trouble in " ".join(rest)
    assert ("PROGRESS" in screen) == (columns > 80)


def test_a_screen_that_is_printed_once_into_a_pipe_has_every_column(djob, servers):
    servers.answers |= {JOBS: {"items": [a_job("Running", "x" * 63)]}, "/v1/nodes": MACHINES}
    screen = djob("top", "--once").stdout
    assert "PROGRESS" in screen
    assert "WHY" in screen
    assert "ALLOCATABLE" in screen


@pytest.mark.parametrize(("typed", "ends"), [(b"q", True), (b"xyQ", True), (b"xy", False)])
def test_a_key_that_ends_the_screen_is_heard_among_others(monkeypatch, typed, ends):
    ours, theirs = os.openpty()
    with os.fdopen(theirs) as keyboard, os.fdopen(ours, "wb", buffering=0) as user:
        monkeypatch.setattr("sys.stdin", keyboard)
        with top._keys() as pressed:
            assert not pressed(0)
            user.write(typed)
            assert bool(pressed(5) & top.ENDS) == ends


class Away:
    """Servers that answer once."""

    def __init__(self):
        self.asked = 0

    def list_jobs(self, place, selector):
        self.asked += 1
        if self.asked > 1:
            raise CliError("the API server does not answer")
        return {"items": [a_job()]}

    def nodes(self):
        raise CliError("the operator does not answer")


def test_screens_go_on_with_what_was_known_where_nobody_answers():
    away = Away()
    screens = top.Screens(away, away, None, "")
    assert "the API server" not in screens.next(0.0, SCREEN)
    screen = screens.next(1.0, SCREEN)
    assert screen.splitlines()[1:3] == [
        "the API server does not answer", "the operator does not answer",
    ]  # fmt: skip
    assert "default/job" in screen
    with pytest.raises(CliError):
        top.Screens(away, away, None, "").next(2.0, SCREEN)


# -- for programs ------------------------------------------------------------------

EXAMPLE = {"index": 0, "attempt": 1, "node": "n1", "tail": "no\n"}
ANSWERS = {
    "nodes": (["nodes"], "/v1/nodes", MACHINES),
    "failures": (
        ["failures", "job"],
        f"{OPERATOR}/failures",
        {"groups": [a_group(examples=[EXAMPLE])], "unrecorded": 2, "unrecordedIndexes": "3-4"},
    ),
    "no-failures": (["failures", "job"], f"{OPERATOR}/failures", {"groups": []}),
    "why": (["why", "job"], f"{OPERATOR}/why", {"reason": "Running", "message": "It runs."}),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_programs_get_every_field_in_the_same_order(djob, servers, name, form):
    arguments, path, answer = ANSWERS[name]
    servers.answers[path] = answer
    done = djob(*arguments, "-o", form)
    expected = (GOLDEN / f"{name}.json").read_text()
    if form == "json":
        assert done.stdout == expected
    else:
        assert list(yaml.safe_load(done.stdout)) == list(json.loads(expected))
        assert yaml.safe_load(done.stdout) == json.loads(expected)


def test_a_field_of_a_newer_operator_is_left_out_until_this_djob_knows_it(djob, servers):
    servers.answers[f"{OPERATOR}/why"] = {"reason": "a", "message": "b", "colour": "c"}
    assert json.loads(djob("why", "job", "-o", "json").stdout) == {"reason": "a", "message": "b"}


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (["nodes"], "/v1/nodes"),
        (["why", "job"], f"{OPERATOR}/why"),
        (["failures", "job"], f"{OPERATOR}/failures"),
        (["tasks", "job"], f"{OPERATOR}/tasks"),
        (["logs", "job"], f"{OPERATOR}/tasks"),
    ],
)
@pytest.mark.parametrize(
    "body",
    [b"<html>\n", b"7\n", b'["x"]\n', b'{"a": 1}\n', b"[" * 100_000 + b"\n", b"\xff\xfe\n"],
    ids=["html", "number", "array", "object", "deep", "no UTF-8"],
)
def test_what_is_no_operator_s_answer_is_said(djob, servers, arguments, path, body):
    servers.answers[path] = body
    done = djob(*arguments)
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert "http://127.0.0.1:1 answers what this djob does not understand" in done.stderr


@pytest.mark.parametrize("body", [b'{"message": 7}', b"[" * 100_000, b'["x"]'])
def test_a_strange_refusal_is_one_line_all_the_same(djob, servers, body):
    servers.answers["/v1/nodes"] = (403, body)
    done = djob("nodes")
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)


JOBS_LIST = {"apiVersion": "v1", "kind": "DistributedJobList", "metadata": {}, "items": [a_job()]}
OBJECTS = {
    "list": (["list"], f"GET {JOBS}", JOBS_LIST),
    "get": (["get", "job"], f"GET {JOB}", a_job()),
    "submit": (["submit"], f"POST {JOBS}", a_job()),
}
"""What the API server answers is printed whole, in its order."""


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("form", ["json", "yaml", "name"])
def test_programs_get_objects_as_kubectl_prints_them(djob, servers, name, form):
    arguments, request, answer = OBJECTS[name]
    table = {"columnDefinitions": [], "rows": [{"cells": [], "object": a_job()}]}
    servers.answers[request] = table if (name, form) == ("list", "name") else answer
    said = djob(*arguments, "-o", form, *(["--", "true"] if name == "submit" else [])).stdout
    if form == "name":
        assert said == "distributedjob.distributedjob.dev/job\n"
    elif form == "json":
        assert said == json.dumps(answer, indent=4) + "\n"
    else:
        assert [*yaml.safe_load(said)] == [*answer]
        assert yaml.safe_load(said) == answer

"""What each verb asks of whom, and how it ends: on servers that say what they are told."""

import base64
import json
import threading
from pathlib import Path

import pytest
import requests

from distributedjob_cli.app import VERBS, app
from distributedjob_cli.commands import live, logs, tasks
from distributedjob_cli.commands.listing import rows_of
from distributedjob_cli.kubectl_complete import candidates
from distributedjob_cli.target import parse_job
from tests.support.command_line import JOB, JOBS, OPERATOR, a_job, lines


@pytest.mark.parametrize(
    ("arguments", "spec"),
    [
        (["cancel", "job"], {"cancel": True}),
        (["suspend", "job"], {"suspend": True, "suspendMode": "Now"}),
        (["suspend", "job", "--drain"], {"suspend": True, "suspendMode": "Drain"}),
        (["resume", "job"], {"suspend": False}),
    ],
)
def test_a_verb_changes_the_spec(djob, servers, arguments, spec):
    servers.answers |= {f"GET {JOB}": a_job("Running"), f"PATCH {JOB}": a_job()}
    assert djob(*arguments).exit_code == 0
    assert servers.sent() == {"spec": spec}


@pytest.mark.parametrize(
    ("option", "indexes"), [(["--failed"], "failed"), (["--indexes", "0-1,3"], "0-1,3")]
)
def test_each_rerun_has_a_token_of_its_own(djob, servers, option, indexes):
    servers.answers |= {f"GET {JOB}": a_job(), f"PATCH {JOB}": a_job()}
    tokens = set()
    for _ in range(2):
        assert djob("rerun", "job", *option).exit_code == 0
        rerun = servers.sent()["spec"]["rerun"]
        tokens.add(rerun["token"])
        assert rerun["indexes"] == indexes
    assert len(tokens) == 2


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


TABLE = {
    "columnDefinitions": [
        {"name": "Name", "priority": 0},
        {"name": "Phase", "priority": 0},
        {"name": "More", "priority": 1},
    ],
    "rows": [
        {
            "cells": ["a", None, "x"],
            "object": {"metadata": {"name": "a", "namespace": "n", "labels": {"k": "v"}}},
        }
    ],
}


@pytest.mark.parametrize(
    ("namespaces", "wide", "expected"),
    [
        (False, False, "NAME   PHASE\na\n"),
        (True, False, "NAMESPACE   NAME   PHASE\nn           a\n"),
        (False, True, "NAME   PHASE   MORE   LABELS\na              x      k=v\n"),
    ],
)
def test_a_list_has_the_api_server_s_columns(namespaces, wide, expected):
    assert rows_of(TABLE, namespaces=namespaces, wide=wide) == expected


def test_list_asks_for_what_it_is_told_to(djob, servers):
    servers.answers |= {JOBS: TABLE, JOBS.replace("/namespaces/default", ""): TABLE}
    assert djob("list", "-o", "name").stdout == "distributedjob.distributedjob.dev/a\n"
    djob("list", "-A", "-l", "k=v")
    assert "/namespaces/" not in servers.path()
    assert servers.query() == {"labelSelector": ["k=v"]}


def test_managed_fields_are_left_out(djob, servers):
    body = a_job()
    body["metadata"]["managedFields"] = [{}]
    servers.answers |= {JOB: body, JOBS: {"metadata": {}, "items": [body]}}
    found = json.loads(djob("get", "job", "-o", "json").stdout)
    assert "managedFields" not in found["metadata"]
    assert json.loads(djob("list", "-o", "json").stdout)["items"] == [found]


@pytest.mark.parametrize(
    ("text", "name"),
    [("a", "a"), ("djob/a", "a"), ("distributedjob.distributedjob.dev/a", "a")],
)
def test_a_job_may_be_named_as_kubectl_names_it(text, name):
    assert parse_job(text) == name


# -- tasks -------------------------------------------------------------------------

ROWS = (
    {"index": 0, "state": "Succeeded", "attempt": 1, "node": "n1", "started": 1767225600.0,
     "duration": 0.25, "exitCode": 0, "place": 3},
    {"index": 1, "state": "Failed", "attempt": 2, "node": "n2", "started": 1767225600.0,
     "duration": 2.0, "reason": "Killed", "signal": 9, "place": 3},
    {"index": 2, "state": "Pending"},
)  # fmt: skip


def test_tasks_in_a_table():
    assert "".join(tasks.as_tables(ROWS)) == (
        "INDEX   STATE       ATTEMPT   NODE   STARTED                DURATION   EXIT       REASON\n"
        "0       Succeeded   1         n1     2026-01-01T00:00:00Z   0.2s       0\n"
        "1       Failed      2         n2     2026-01-01T00:00:00Z   2.0s       signal 9   Killed\n"
        "2       Pending     -         -      -                      -          -\n"
    )


def test_every_field_stands_in_every_row_for_programs(djob, servers):
    servers.answers[f"{OPERATOR}/tasks"] = lines(*ROWS)
    found = json.loads(djob("tasks", "job", "-o", "json").stdout)
    assert [list(row) for row in found] == [[name for name, _ in tasks.FIELDS]] * 3
    assert found[2] == dict(tasks.FIELDS) | {"index": 2, "state": "Pending"}
    head, *rows = djob("tasks", "job", "-o", "csv").stdout.splitlines()
    assert head == (
        "index,state,attempt,node,started,duration,exitCode,signal,reason,stdoutBytes,stderrBytes,run"
    )
    assert rows[2] == "2,Pending,0,,0.0,0.0,-1,0,,0,0,0"


def test_no_tasks_are_an_empty_array(djob, servers):
    servers.answers[f"{OPERATOR}/tasks"] = b""
    assert djob("tasks", "job", "-o", "json").stdout == "[]\n"


def test_filters_are_the_operator_s_work(djob, servers):
    servers.answers[f"{OPERATOR}/tasks"] = lines(*ROWS)
    done = djob("tasks", "job", "--state", "failed,running", "--indexes", "0-9", "--node", "n",
                "--reason", "Error", "--limit", "1", "-o", "name")  # fmt: skip
    assert done.stdout == "0\n"
    assert servers.query() == {
        "state": ["Failed", "Running"], "indexes": ["0-9"], "node": ["n"], "reason": ["Error"],
        "limit": ["1"],
    }  # fmt: skip


# -- what tasks wrote --------------------------------------------------------------


def wrote(index, stdout=b"", stderr=b"", **more):
    return {
        "index": index, "state": "Succeeded", "attempt": 1, "node": "n1", "duration": 0.1,
        "exitCode": 0, "place": 5, "stdoutBytes": len(stdout), "stderrBytes": len(stderr),
        "stdout": base64.b64encode(stdout).decode(), "stderr": base64.b64encode(stderr).decode(),
        **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (wrote(3, b"a\n"), "==> task 3 (attempt 1, n1, 0.1s) <=="),
        (
            wrote(3, reason="Error", exitCode=2),
            "==> task 3 (attempt 1, n1, 0.1s, Error 2) <==",
        ),
        (
            wrote(3, reason="NotFound", exitCode=-1),
            "==> task 3 (attempt 1, n1, 0.1s, NotFound) <==",
        ),
        (
            wrote(3, b"ab", stdoutBytes=5000),
            "==> task 3 (attempt 1, n1, 0.1s, 5,000 bytes written, 2 kept) <==",
        ),
    ],
)
def test_a_heading_says_whose_output_follows_and_how_it_ended(row, expected):
    assert logs.heading(row) == f"{expected}\n"


def test_logs_of_one_task_have_no_heading_and_no_byte_more(djob, servers):
    servers.answers[f"{OPERATOR}/tasks"] = lines(wrote(3, b"out\n", b"err"))
    done = djob("logs", "job", "3")
    assert (done.exit_code, done.stdout_bytes) == (0, b"out\nerr\n")
    assert servers.query()["indexes"] == ["3"]


def test_a_task_without_output_yet_says_why(djob, servers):
    servers.answers |= {
        f"{OPERATOR}/tasks": lines({"index": 3, "state": "Pending"}),
        f"{OPERATOR}/live": {"index": 3},
        f"{OPERATOR}/why": {"reason": "NoFreeCPU", "message": "Every slot is taken."},
    }
    done = djob("logs", "job", "3")
    assert (done.exit_code, done.stdout, done.stderr) == (
        1, "", "djob: the journal has nothing of task 3: Every slot is taken.\n",
    )  # fmt: skip


def test_following_goes_on_behind_what_was_printed_until_the_job_is_over(djob, servers):
    servers.answers |= {JOB: a_job(), f"{OPERATOR}/attempts": lines(wrote(0, b"a\n", place=9))}
    done = djob("logs", "job", "-f")
    assert "==> task 0" in done.stdout
    assert servers.query(-1)["after"] == ["0"]


def writes(stdout=b"", stderr=b"", attempt=1, at=(0, 0)):
    """What the operator says of a running task."""
    texts = {"stdout": stdout, "stderr": stderr}
    encoded = {name: base64.b64encode(text).decode() for name, text in texts.items()}
    return {"index": 3, "attempt": attempt, "stdoutAt": at[0], "stderrAt": at[1], **encoded}


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(live, "POLL_SECONDS", 0)


def following(servers, *steps):
    """Answers in turns: phase, what the journal has anew, and what the worker says."""
    phases, ended, running = zip(*steps, strict=True)
    servers.answers |= {
        JOB: iter([a_job(phase) for phase in phases]),
        f"{OPERATOR}/attempts": iter(ended),
        f"{OPERATOR}/live": iter([view for views in running for view in views]),
    }


def test_one_task_is_followed_while_it_writes_and_printed_once(djob, servers, at_once):
    following(
        servers,
        ("Running", b"", [{"index": 3}]),
        ("Running", b"", [writes(b"a\n")]),
        ("Running", b"", [writes(b"b", at=(2, 0))]),
        ("Complete", lines(wrote(3, b"a\nbc\n", b"err", stdoutBytes=5, stderrBytes=3)), []),
    )
    done = djob("logs", "job", "3", "-f")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "a\nbc\nerr\n", "")
    asked = [servers.query(at) for at in range(len(servers.asked)) if "live" in servers.path(at)]
    assert [(one.get("stdout"), one.get("stderr")) for one in asked] == [
        (None, None), (None, None), (["2"], ["0"]),
    ]  # fmt: skip


def test_of_a_long_output_what_was_seen_is_not_printed_again(djob, servers, at_once):
    kept = wrote(3, b"0123" + b"6789", stdoutBytes=10)
    following(
        servers,
        ("Running", b"", [writes(b"012")]),
        ("Running", b"", [writes(b"67", at=(6, 0))]),
        ("Complete", lines(kept), []),
    )
    done = djob("logs", "job", "3", "-f")
    assert done.stdout == "0126789\n"
    assert done.stderr == "... 3 bytes of stdout were not kept ...\n"


def test_another_attempt_is_seen_from_its_beginning(djob, servers, at_once):
    following(
        servers,
        ("Running", b"", [writes(b"one\n")]),
        ("Running", b"", [writes(b"", attempt=2, at=(4, 0)), writes(b"two\n", attempt=2)]),
        ("Running", lines(wrote(3, b"one\n", reason="Error"), wrote(3, b"two\n", attempt=2)),
         [writes(b"three\n", attempt=3)]),
        ("Failed", lines(wrote(3, b"three\nend", attempt=3)), []),
    )  # fmt: skip
    assert djob("logs", "job", "3", "-f").stdout == "one\ntwo\nthree\nend\n"


def test_a_worker_that_is_silent_is_said_once_and_the_end_is_printed(djob, servers, at_once):
    silent = (503, b"the worker on n1 does not answer\n")
    following(
        servers,
        ("Running", b"", [silent]),
        ("Running", b"", [silent]),
        ("Complete", lines(wrote(3, b"all\n", stdoutBytes=4)), []),
    )
    done = djob("logs", "job", "3", "-f")
    assert (done.exit_code, done.stdout) == (0, "all\n")
    assert done.stderr.count("the worker on n1 does not answer") == 1


def test_what_a_running_task_wrote_up_to_now_is_printed(djob, servers):
    servers.answers |= {
        f"{OPERATOR}/tasks": lines({"index": 3, "state": "Running"}),
        f"{OPERATOR}/live": iter([writes(b"out"), writes(b"", at=(3, 0))]),
    }
    done = djob("logs", "job", "3")
    assert (done.exit_code, done.stdout_bytes) == (0, b"out")
    servers.answers[f"{OPERATOR}/live"] = writes()
    done = djob("logs", "job", "3")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")


def test_output_goes_into_a_file_for_each_task(djob, servers, tmp_path):
    servers.answers[f"{OPERATOR}/tasks"] = lines(wrote(0, b"a\x00"), wrote(12, b""))
    done = djob("output", "job", "--to", str(tmp_path / "out"))
    assert (done.exit_code, done.stdout) == (0, "")
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == {
        "0": b"a\x00", "12": b"",
    }  # fmt: skip


def test_files_for_tasks_without_a_record_are_missed(djob, servers, tmp_path):
    servers.answers[f"{OPERATOR}/tasks"] = lines(wrote(0), {"index": 4, "state": "Failed"})
    done = djob("output", "job", "--to", str(tmp_path / "out"))
    assert done.exit_code == 3
    assert "no record of 1 task, the first is 4" in done.stderr
    done = djob("output", "job", "--to", "/proc/nowhere")
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)


# -- refusals ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "path", "status", "body", "words"),
    [
        (["get", "job"], JOB, 404, {"message": 'distributedjobs "job" not found'},
         "there is no DistributedJob 'job' in namespace 'default'"),
        (["list"], JOBS, 404, {"message": "the server could not find the requested resource"},
         "the API server does not know DistributedJobs: install the operator"),
        (["list"], JOBS, 401, {}, "does not know this user or token"),
        (["list"], JOBS, 403, {"message": "may not list"}, "may not list"),
        (["list"], JOBS, 403, {"message": 'is forbidden: User "u" cannot list'}, "ask for a Role"),
        (["logs", "job"], f"{OPERATOR}/tasks", 404, b"there is no such DistributedJob\n",
         "see them with: djob list -n default"),
        (["list"], JOBS, 200, requests.ConnectionError("x"), "choose another cluster with --con"),
        (["nodes"], "/v1/nodes", 200, requests.ConnectionError("x"), "address with --endpoint"),
        (["list"], JOBS, 200, b"<html>", "is no Kubernetes API server"),
        (["tasks", "job"], f"{OPERATOR}/tasks", 403, b"needs the right\n", "needs the right"),
        (["why", "job", "9"], f"{OPERATOR}/why", 404, b"there is no task 9\n", "no task 9"),
        (["failures", "job"], f"{OPERATOR}/failures", 503, b"the journal cannot be read\n",
         "the journal cannot be read"),
        (["nodes"], "/v1/nodes", 403, b"needs the right to list nodes\n", "list nodes"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_line_and_exit_code_1(djob, servers, arguments, path, status, body, words):
    servers.answers[path] = body if isinstance(body, Exception) else (status, body)
    done = djob(*arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert words in line


def test_a_replica_that_stands_by_is_asked_again_for_a_while(djob, servers, monkeypatch):
    waited = []
    monkeypatch.setattr("distributedjob_cli.client.endpoint.time.sleep", waited.append)
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr("distributedjob_cli.client.endpoint.time.monotonic", lambda: next(clock))
    servers.answers["/v1/nodes"] = (421, b"this replica stands by\n")
    done = djob("nodes")
    assert (done.exit_code, done.stderr) == (1, "djob: this replica stands by\n")
    assert len(servers.asked) == len(waited) + 1 == 4


def test_a_selector_that_cannot_be_read_is_said_with_one_that_can(djob, servers):
    servers.answers[JOBS] = (400, {"message": "unable to parse requirement: found '='"})
    for verb in (["list"], ["list", "-w"]):
        done = djob(*verb, "-l", "a===")
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr == (
            "djob: --selector: unable to parse requirement: found '=';"
            " write something like a=b,c!=d\n"
        )


@pytest.mark.parametrize(
    "arguments",
    [
        ["sideways"],
        ["get"],
        ["get", "a/b"],
        ["list", "-o", "xml"],
        ["tasks", "job", "--state", "odd"],
        ["tasks", "job", "--indexes", "9-1"],
        ["tasks", "job", "--limit", "0"],
        ["logs", "job", "x"],
        ["logs", "job", "-1"],
        ["logs", "job", "1", "--indexes", "2"],
        ["why", "job", "x"],
        ["wait", "job", "--timeout", "soon"],
        ["wait", "job", "--timeout", "m"],
        ["rerun", "job"],
        ["rerun", "job", "--failed", "--indexes", "1"],
        ["top", "--interval", "0"],
        ["completion", "tcsh"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_exit_code_2(djob, servers, arguments):
    done = djob(*arguments)
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert servers.asked == []


# -- completion and help -----------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_completion_script_for_each_shell(djob, shell):
    script = djob("completion", shell).stdout
    assert "_DJOB_COMPLETE" in script


def test_verbs_options_and_jobs_are_completed(djob, servers):
    servers.answers[JOBS] = TABLE
    djob("--version")
    assert candidates(app, [], "su") == ["submit", "suspend"]
    assert "--each-line" in candidates(app, ["submit"], "--ea")
    assert candidates(app, ["get", "-n", "default"], "") == ["a"]
    servers.answers[JOBS] = (403, {"message": "no"})
    assert candidates(app, ["get"], "") == []


def test_completion_does_not_wait_for_who_does_not_answer(djob, servers, monkeypatch):
    monkeypatch.setattr("distributedjob_cli.target.COMPLETE_SECONDS", 0.05)
    hung_up = threading.Event()
    servers.answers[JOBS] = lambda _: hung_up.wait() and TABLE
    djob("--version")
    assert candidates(app, ["get", "-n", "default"], "") == []
    hung_up.set()


def test_every_verb_has_help_with_examples(djob):
    for name in VERBS:
        done = djob(name, "-h")
        assert done.exit_code == 0
        assert "Examples:" in done.stdout or name == "convert"


def test_every_verb_stands_in_the_docs_with_its_output():
    text = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()
    for name in VERBS:
        assert f"$ djob {name}" in text, name

"""What each verb asks of whom, and how it ends: on servers that say what they are told."""

import json

import pytest
import requests

from distributedjob_cli.commands import tasks
from distributedjob_cli.commands.listing import rows_of
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

"""What cannot be had, or was asked wrongly: one line, and an exit code that says which."""

import pytest

from tests.support.command_line import JOB, JOBS, OPERATOR


@pytest.mark.parametrize(
    ("arguments", "path", "status", "body", "words"),
    [
        (["get", "job"], JOB, 404, {"message": 'distributedjobs "job" not found'},
         "there is no DistributedJob 'job' in namespace 'default'"),
        (["list"], JOBS, 404, {"message": "the server could not find the requested resource"},
         "the API server does not know DistributedJobs: install the operator"),
        (["list"], JOBS, 401, {}, "does not know this user or token"),
        (["list"], JOBS, 403, {"message": "may not list"}, "may not list"),
        (["list"], JOBS, 200, b"<html>", "is no Kubernetes API server"),
        (["tasks", "job"], f"{OPERATOR}/tasks", 403, b"needs the right\n", "needs the right"),
        (["why", "job", "9"], f"{OPERATOR}/why", 404, b"there is no task 9\n", "no task 9"),
        (["failures", "job"], f"{OPERATOR}/failures", 503, b"the journal cannot be read\n",
         "the journal cannot be read"),
        (["nodes"], "/v1/nodes", 403, b"needs the right to list nodes\n", "list nodes"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_line_and_exit_code_1(djob, servers, arguments, path, status, body, words):
    servers.answers[path] = (status, body)
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

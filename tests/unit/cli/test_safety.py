"""Whatever servers and tasks say, it cannot steer a terminal; files and pipes get every byte."""

import base64
import json
import os

import pytest

from distributedjob_cli.commands import top
from tests.support.command_line import JOB, JOBS, OPERATOR, a_job, lines

EVIL = "\x1b[31mred\x1b]0;owned\x07\r\u202e\x9b\x00end"
SCREEN = os.terminal_size((200, 24))
WROTE = base64.b64encode(EVIL.encode()).decode()


def plain(text: str) -> bool:
    return all(char.isprintable() or char in "\n\t" for char in text)


def an_evil_job():
    """A job that says something evil wherever it may."""
    body = a_job("Failed", succeeded=3, failed=1, duration=EVIL, nodes=[EVIL], failedIndexes=EVIL)
    said = {"status": "True", "reason": EVIL, "message": EVIL}
    body["status"]["conditions"] = [{"type": "Failed", **said}]
    body["status"]["recentFailures"] = [
        {"index": 0, "attempt": 1, "node": EVIL, "reason": EVIL, "tail": EVIL}
    ]
    body["spec"] |= {"pool": EVIL, "template": {"command": [EVIL], "args": [EVIL]}}
    body["spec"]["template"]["resources"] = {"requests": {"cpu": EVIL}}
    body["metadata"]["labels"] = {"k": EVIL}
    return body


ROW = {
    "index": 0, "state": "Failed", "attempt": 1, "node": EVIL, "reason": EVIL, "place": 1,
    "started": 1.0, "stdout": WROTE, "stderr": WROTE, "stdoutBytes": 9000, "stderrBytes": 9000,
}  # fmt: skip
TABLE = {
    "columnDefinitions": [{"name": EVIL}, {"name": "Phase"}],
    "rows": [{"cells": ["job", EVIL], "object": an_evil_job()}],
}
MACHINE = {"node": EVIL, "pool": EVIL, "address": EVIL, "health": EVIL, "droppedRecords": 1}
GROUP = {
    "reason": EVIL, "exitCode": 1, "signal": 0, "attempts": 1, "tasks": 1, "indexes": EVIL,
    "examples": [{"index": 0, "attempt": 1, "node": EVIL, "tail": EVIL}],
}  # fmt: skip
ANSWERS = {
    JOB: an_evil_job(),
    JOBS: lambda request: TABLE if "Table" in request.headers["Accept"] else {
        "metadata": {}, "items": [an_evil_job()]
    },
    f"POST {JOBS}": an_evil_job(),
    f"PATCH {JOB}": an_evil_job(),
    f"{OPERATOR}/tasks": lines(ROW),
    f"{OPERATOR}/attempts": lines(ROW),
    f"{OPERATOR}/output": EVIL.encode(),
    f"{OPERATOR}/why": {"reason": EVIL, "message": EVIL},
    f"{OPERATOR}/failures": {
        "groups": [GROUP], "unrecorded": 1, "unrecordedIndexes": EVIL
    },
    "/v1/nodes": [MACHINE],
}  # fmt: skip

LINES = [
    "list", "list -o wide", "list -o json", "list -o yaml", "list -o name",
    "get job", "get job -o json", "get job -o yaml", "get job -o name",
    "watch job", "wait job", "output job", "logs job", "logs job 0", "logs job --failed",
    "logs job -f", "logs job 0 -f",
    "tasks job", "tasks job -o json", "tasks job -o csv", "tasks job -o name",
    "failures job", "failures job -o json", "failures job -o yaml",
    "why job", "why job -o json", "why job -o yaml",
    "nodes", "nodes -o wide", "nodes -o json", "nodes -o yaml", "top --once",
    "cancel job", "suspend job", "resume job", "rerun job --failed --progress",
    "submit -- true", "submit -o json -- true", "submit -o yaml --wait -- true",
    "submit -o name -- true",
]  # fmt: skip


@pytest.fixture
def on_a_terminal(monkeypatch):
    monkeypatch.setattr("distributedjob_cli.show.terminal.to_terminal", lambda: True)


@pytest.mark.parametrize("line", LINES)
def test_nothing_that_is_shown_steers_a_terminal(djob, servers, on_a_terminal, line):
    servers.answers = dict(ANSWERS)
    done = djob(*line.split())
    assert done.stdout + done.stderr
    assert (done.exit_code in (0, 4), plain(done.stdout), plain(done.stderr)) == (True,) * 3


@pytest.mark.parametrize("line", LINES)
def test_no_refusal_steers_a_terminal(djob, servers, line):
    servers.answers = dict.fromkeys(ANSWERS, (403, EVIL.encode()))
    done = djob(*line.split())
    assert (done.exit_code, done.stdout, plain(done.stderr)) == (1, "", True)


def test_no_live_screen_steers_a_terminal():
    screen = top.drawn([an_evil_job()], [], top.Paces(), 0.0, SCREEN, "default", EVIL)
    assert plain(screen)


def test_what_the_user_wrote_is_said_safely_as_well(djob):
    for arguments in ([EVIL], ["get", "job", "-o", EVIL], ["submit", "--array", EVIL, "--", "a"]):
        done = djob(*arguments)
        assert (done.exit_code, plain(done.stderr)) == (2, True)


def test_what_a_manifest_holds_is_said_safely(djob, tmp_path, on_a_terminal):
    container = {"name": "a", "command": ["\u202e"]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, "spec": {
        "completions": 1, "completionMode": "Indexed", "template": template}}  # fmt: skip
    other = {"kind": EVIL, "metadata": {"name": EVIL}}
    (tmp_path / "job.yaml").write_text(json.dumps({"kind": "List", "items": [job, other]}))
    done = djob("convert", "-f", str(tmp_path / "job.yaml"))
    assert (done.exit_code, plain(done.stdout), plain(done.stderr)) == (0, True, True)


@pytest.mark.parametrize("arguments", [["output", "job"], ["logs", "job", "0"]])
def test_files_and_pipes_get_every_byte_and_a_terminal_on_request(
    djob, servers, monkeypatch, arguments
):
    servers.answers = dict(ANSWERS)
    assert EVIL.encode() in djob(*arguments).stdout_bytes
    monkeypatch.setattr("distributedjob_cli.show.terminal.to_terminal", lambda: True)
    assert EVIL.encode() not in djob(*arguments).stdout_bytes
    assert EVIL.encode() in djob(*arguments, "--raw").stdout_bytes

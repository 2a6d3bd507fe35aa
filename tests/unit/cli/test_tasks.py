"""``djob tasks``: rows for people and for programs, and filters."""

import json

from distributedjob_cli.commands import tasks
from tests.support.command_line import OPERATOR, lines

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

"""``djob list`` and ``get`` with ``-w``: what changes is printed once, and an outage is borne."""

import pytest
import requests
import yaml

from distributedjob_cli.client.outage import Outage
from tests.support.command_line import JOB, JOBS, a_job, lines

COLUMNS = [{"name": "Name", "priority": 0}, {"name": "Phase", "priority": 0},
           {"name": "Pool", "priority": 1}]  # fmt: skip
DENIED = (403, {"message": "no more"})
"""The end of a test: nobody may list any more."""


def row(name, phase, version, whole=False):
    body = a_job(phase, name)
    body["metadata"]["resourceVersion"] = version
    shown = body if whole else {"metadata": body["metadata"]}
    return {"cells": [name, phase, "default"], "object": shown}


def table(*rows, version="9"):
    return {
        "metadata": {"resourceVersion": version},
        "columnDefinitions": COLUMNS,
        "rows": list(rows),
    }


def event(kind, *rows):
    return {"type": kind, "object": {"metadata": {}, "rows": list(rows)}}


@pytest.fixture
def watched(servers, monkeypatch):
    """Sets what lists and watches answer in turns; the pauses between them are none."""
    monkeypatch.setattr("time.sleep", lambda _: None)

    def answer(tables, watches):
        listed, followed = iter([*tables, DENIED]), iter(watches)
        servers.answers[JOBS] = lambda request: (
            next(followed) if "watch=1" in request.url else next(listed)
        )

    return answer


def test_a_row_comes_again_as_often_as_it_changes(djob, servers, watched):
    watched(
        [table(row("a", "Running", "1"))],
        [
            lines(
                event("MODIFIED", row("a", "Complete", "10")),
                event("ADDED", row("second-job", "Pending", "11")),
            ),
            lines(event("DELETED", row("a", "Complete", "12"))),
            (410, {"message": "too old"}),
        ],
    )  # fmt: skip
    done = djob("list", "-w", "-l", "k=v")
    assert done.stdout == (
        "NAME   PHASE\n"  #
        "a      Running\n"
        "a      Complete\n"
        "second-job   Pending\n"
    )
    assert done.stderr == "default/a was deleted\ndjob: no more\n"
    asked = [servers.query(at) for at in range(len(servers.asked))]
    assert [one.get("resourceVersion") for one in asked] == [None, ["9"], ["11"], ["12"], None]
    assert all(one["labelSelector"] == ["k=v"] for one in asked)


def test_what_happened_while_nobody_listened_is_told_and_nothing_twice(djob, watched):
    watched(
        [
            table(row("a", "Running", "1"), row("b", "Running", "2"), row("c", "Running", "3")),
            table(row("a", "Running", "1"), row("b", "Failed", "4")),
        ],
        [(410, {"message": "too old"}), (410, {"message": "too old"})],
    )
    done = djob("list", "-w", "-o", "name")
    assert [line.rpartition("/")[2] for line in done.stdout.splitlines()] == ["a", "b", "c", "b"]
    assert done.stderr == "default/c was deleted\ndjob: no more\n"


def test_an_outage_is_said_and_borne(djob, watched):
    watched(
        [table(row("a", "Running", "1")), (503, {"message": "starting"}), table()],
        [requests.ConnectionError("refused"), (410, {"message": "too old"})],
    )
    done = djob("list", "-w", "-o", "wide")
    assert done.stdout.splitlines()[0].split() == ["NAME", "PHASE", "POOL", "LABELS"]
    assert done.stderr.count("trying on") == 1
    assert done.stderr.endswith("default/a was deleted\ndjob: no more\n")


def test_it_is_not_borne_for_ever(djob, watched, monkeypatch):
    monkeypatch.setattr(Outage, "pause", lambda *_: 0.0)
    watched([table(row("a", "Running", "1"))], [(503, {"message": "starting"})])
    done = djob("list", "-w")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (1, "djob: starting")


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_programs_get_an_object_for_each_change(djob, servers, watched, form):
    watched(
        [table(row("a", "Running", "1", whole=True))],
        [lines(event("MODIFIED", row("a", "Complete", "10", whole=True))), (410, {})],
    )
    done = djob("list", "-w", "-o", form)
    assert servers.query(0)["includeObject"] == ["Object"]
    parts = [part for part in done.stdout.split("---\n") if part]
    if form == "json":
        # kubectl parts them by nothing either, and jq reads them so.
        parts = [f"{{{part}" for part in done.stdout.split("\n{")]
        parts[0] = parts[0].removeprefix("{")
    assert [yaml.safe_load(part)["status"]["phase"] for part in parts] == ["Running", "Complete"]


def test_one_job_is_watched_by_its_name(djob, servers, watched):
    watched([table(row("job", "Running", "1"))], [(410, {})])
    servers.answers[JOB] = a_job("Running")
    done = djob("get", "job", "-w")
    assert done.stdout == "NAME   PHASE\njob    Running\n"
    assert servers.query()["fieldSelector"] == ["metadata.name=job"]
    servers.answers[JOB] = (404, {"message": "not found"})
    assert "there is no DistributedJob 'job'" in djob("get", "job", "-w").stderr

"""``djob list`` and ``get``: what is asked for, and which columns it has."""

import json

import pytest

from distributedjob_cli.commands.listing import rows_of
from distributedjob_cli.target import parse_job
from tests.support.command_line import JOB, JOBS, TABLE, a_job


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


def test_get_leaves_out_the_managed_fields(djob, servers):
    body = a_job()
    body["metadata"]["managedFields"] = [{}]
    servers.answers[JOB] = body
    assert "managedFields" not in json.loads(djob("get", "job", "-o", "json").stdout)["metadata"]


@pytest.mark.parametrize(
    ("text", "name"),
    [("a", "a"), ("djob/a", "a"), ("distributedjob.distributedjob.dev/a", "a")],
)
def test_a_job_may_be_named_as_kubectl_names_it(text, name):
    assert parse_job(text) == name

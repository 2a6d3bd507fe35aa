"""Tokens that end, and what the API server and the operator are shown of them."""

import json
import sys

import pytest

from distributedjob_cli.client import kubeconfig as kubeconfigs
from distributedjob_cli.client.credentials import Credential, Tokens, fixed
from distributedjob_cli.client.kubeconfig import Kubeconfig, KubeconfigError
from tests.support.command_line import JOB, JOBS, a_job, lines

EMPTY = {"columnDefinitions": [], "rows": []}


def test_a_token_is_kept_until_shortly_before_its_end_and_then_had_anew():
    given = iter([Credential("first", expires=100.0), Credential("second")])
    now = [0.0]
    tokens = Tokens(lambda: next(given), lambda: now[0])
    assert [tokens.current(), tokens.current()] == ["first", "first"]
    now[0] = 89.9
    assert tokens.current() == "first"
    now[0] = 90.0
    assert tokens.current() == "second"


def test_a_refused_token_is_replaced_if_there_is_another():
    given = iter([Credential("old"), Credential("new"), Credential("new")])
    tokens = Tokens(lambda: next(given))
    assert tokens.current() == "old"
    assert tokens.renewed()
    assert tokens.current() == "new"
    assert not tokens.renewed()


def test_a_token_that_was_given_is_never_another_one():
    tokens = fixed("given")
    assert tokens.current() == "given"
    assert not tokens.renewed()


@pytest.fixture
def plugin(tmp_path, djob_config):
    """A credential plugin that counts how often it is asked, and gives ``token-N``."""
    count = tmp_path / "count"
    program = tmp_path / "plugin.py"

    def made(ends: str | None = None, at_most: int = 99) -> None:
        status = f', "expirationTimestamp": "{ends}"' if ends else ""
        program.write_text(
            f"""
import pathlib
count = pathlib.Path({str(count)!r})
number = min(int(count.read_text()) + 1 if count.exists() else 1, {at_most})
count.write_text(str(number))
print('{{"status": {{"token": "token-' + str(number) + '"{status}}}}}')
"""
        )
        djob_config(user={"exec": {"command": sys.executable, "args": [str(program)]}})

    return made


def bearer(request):
    return request.headers["Authorization"]


def test_a_plugin_is_asked_once_while_its_token_holds(djob, servers, plugin):
    plugin("2100-01-01T00:00:00Z")
    event = {"type": "MODIFIED", "object": a_job(succeeded=4)}
    servers.answers |= {JOB: a_job("Running", running=4), JOBS: lines(event)}
    assert djob("wait", "job", DJOB_TOKEN="").exit_code == 0
    assert [bearer(request) for request in servers.asked] == ["Bearer token-1"] * 2


def test_a_plugin_s_token_that_has_ended_is_not_sent_again():
    asked = []

    def source():
        asked.append(1)
        return Credential(f"token-{len(asked)}", expires=0.0)

    tokens = Tokens(source)
    assert [tokens.current(), tokens.current()] == ["token-1", "token-2"]


@pytest.mark.parametrize(
    ("ends", "expires"), [(None, float("inf")), ("2026-01-01T00:00:00Z", 1767225600.0)]
)
def test_when_a_plugin_s_token_ends_is_known(tmp_path, ends, expires):
    status = {"token": "t"} | ({"expirationTimestamp": ends} if ends else {})
    answer = json.dumps({"status": status})
    user = {"exec": {"command": "echo", "args": [answer]}}
    assert Kubeconfig({}, user).credential() == Credential("t", expires)


def test_a_plugin_that_gives_no_time_is_said():
    answer = json.dumps({"status": {"token": "t", "expirationTimestamp": "soon"}})
    with pytest.raises(KubeconfigError, match="printed no ExecCredential"):
        Kubeconfig({}, {"exec": {"command": "echo", "args": [answer]}}).credential()


def test_a_token_file_is_read_again_after_a_minute(tmp_path, monkeypatch):
    file = tmp_path / "token"
    file.write_text("first\n")
    now = [1000.0]
    monkeypatch.setattr(kubeconfigs.time, "time", lambda: now[0])
    tokens = Tokens(Kubeconfig({}, {"tokenFile": str(file)}).credential, lambda: now[0])
    assert tokens.current() == "first"
    file.write_text("second\n")
    assert tokens.current() == "first"
    now[0] += 60
    assert tokens.current() == "second"


@pytest.mark.parametrize(
    ("verb", "path", "answer"),
    [(["list"], JOBS, EMPTY), (["nodes"], "/v1/nodes", [])],
    ids=["API server", "operator"],
)
def test_a_token_that_is_refused_is_had_anew_once(djob, servers, plugin, verb, path, answer):
    plugin()
    servers.answers[path] = lambda request: (
        (401, b"") if bearer(request) == "Bearer token-1" else (200, answer)
    )
    assert djob(*verb, DJOB_TOKEN="").exit_code == 0
    assert [bearer(request) for request in servers.asked] == ["Bearer token-1", "Bearer token-2"]


def test_a_token_that_stays_refused_is_said_after_two_attempts(djob, servers, plugin):
    plugin()
    servers.answers[JOBS] = (401, b"")
    done = djob("list", DJOB_TOKEN="")
    assert (done.exit_code, len(servers.asked)) == (1, 2)
    assert "does not know this user or token" in done.stderr


def test_a_token_that_there_is_no_other_of_is_sent_once(djob, servers):
    servers.answers[JOBS] = (401, b"")
    assert djob("list").exit_code == 1
    assert len(servers.asked) == 1


def test_a_user_of_a_certificate_alone_is_told_what_to_run_and_nobody_is_asked(
    djob, servers, djob_config
):
    djob_config(user={"client-certificate-data": "eA==", "client-key-data": "eA=="})
    done = djob("nodes", DJOB_TOKEN="")
    assert (done.exit_code, len(done.stderr.splitlines()), servers.asked) == (1, 1, [])
    assert "user 'u' has a client certificate and no bearer token" in done.stderr
    assert "export DJOB_TOKEN=$(kubectl create token SERVICE-ACCOUNT -n default)" in done.stderr


def test_a_certificate_is_shown_beside_a_token_that_was_given(djob, servers, djob_config):
    djob_config(user={"client-certificate-data": "eA==", "client-key-data": "eA=="})
    servers.answers |= {JOBS: EMPTY}
    assert djob("list").exit_code == 0
    assert bearer(servers.asked[0]) == "Bearer t0ken"
    assert servers.certificates[0] is not None

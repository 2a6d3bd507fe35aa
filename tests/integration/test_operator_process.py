"""The operator as a process: it ends when told, and says in one line what is wrong."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from distributedjob_local.component import free_port
from distributedjob_local.nats_server import NatsServer
from tests.support.waiting import wait_until
from tests.support.worker_driver import no_nats

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Neither NATS nor an API server."""
    return given(tmp_path, DJOB_NATS_URL=f"nats://{NOWHERE}")


def given(folder: Path, **variables: str) -> dict[str, str]:
    kubeconfig = folder / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": f"http://{NOWHERE}"}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [cluster],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [context],
        "current-context": "x",
    }
    kubeconfig.write_text(json.dumps(document))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DJOB_")}
    return {
        **kept,
        "KUBECONFIG": str(kubeconfig),
        "DJOB_ENDPOINT_LISTEN": "127.0.0.1:0",
        **variables,
    }


@contextmanager
def operator(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", "distributedjob_operator"], env=environment, stderr=stderr
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def failure(environment: dict[str, str], log: Path) -> tuple[int, str]:
    """How it ends by itself: the exit code, and what it says."""
    with operator(environment, log) as process:
        code = process.wait(30)
    said = log.read_text()
    assert "Traceback" not in said
    return code, said


def wait_said(log: Path, text: str) -> None:
    wait_until(log.read_text, lambda said: text in said, 20, f"the operator says {text!r}")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_while_there_is_no_nats(tmp_path: Path, signum: signal.Signals) -> None:
    log = tmp_path / "log"
    with no_nats() as (url, attempts):
        environment = given(tmp_path, DJOB_NATS_URL=url)
        with operator(environment, log) as process:
            attempts(3)
            wait_said(log, "NATS")
            process.send_signal(signum)
            assert process.wait(5) == 0
    assert log.read_text().count("\n") == 1


def test_it_is_alive_and_not_ready_while_there_is_no_nats(tmp_path: Path) -> None:
    with no_nats() as (url, attempts):
        listen = f"127.0.0.1:{free_port()}"
        environment = given(tmp_path, DJOB_NATS_URL=url, DJOB_ENDPOINT_LISTEN=listen)
        with operator(environment, tmp_path / "log"):
            attempts(3)
            answers = {
                path: requests.get(f"http://{listen}{path}", timeout=5)
                for path in ("/livez", "/readyz", "/metrics")
            }
    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/livez": 200,
        "/readyz": 503,
        "/metrics": 503,
    }
    assert answers["/readyz"].text == "NATS has not answered yet\n"


def test_a_signal_ends_it_while_there_is_no_api_server(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    environment = given(tmp_path, **nats_server.environment("operator"))
    with operator(environment, log) as process:
        wait_said(log, "the Lease cannot be had")
        process.terminate()
        assert process.wait(10) == 0
    said = log.read_text()
    assert "Traceback" not in said
    assert said.count("the Lease cannot be had") == 1


def test_a_wrong_setting_is_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    code, said = failure(environment | {"DJOB_LOG_LEVEL": "LOUD"}, tmp_path / "log")
    assert code == 2
    assert "DJOB_LOG_LEVEL" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("content", ["a: [", "- 1", "text", "clusters: 3", "\x00"])
def test_a_file_that_is_no_kubeconfig_is_one_line(
    environment: dict[str, str], tmp_path: Path, content: str
) -> None:
    Path(environment["KUBECONFIG"]).write_text(content)
    code, said = failure(environment, tmp_path / "log")
    assert code == 1
    assert "KUBECONFIG" in said
    assert said.count("\n") == 1


def test_a_wrong_nats_password_is_one_line_and_may_be_mended(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text("wrong")
    environment = given(tmp_path, **nats_server.environment("operator"))
    environment["DJOB_NATS_PASSWORD_FILE"] = str(password)
    with operator(environment, tmp_path / "log"):
        wait_said(tmp_path / "log", "check DJOB_NATS_USER and DJOB_NATS_PASSWORD_FILE")
        assert (tmp_path / "log").read_text().count("\n") == 1
        password.write_text(nats_server.password_file("operator").read_text())
        wait_said(tmp_path / "log", "NATS answers")


def test_an_address_in_use_is_one_line(nats_server: NatsServer, tmp_path: Path) -> None:
    environment = given(tmp_path, **nats_server.environment("operator"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, said = failure(environment | {"DJOB_ENDPOINT_LISTEN": address}, tmp_path / "log")
    assert code == 1
    assert f"DJOB_ENDPOINT_LISTEN: cannot listen on {address}" in said
    assert said.count("\n") == 1

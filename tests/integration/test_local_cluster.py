"""The whole cluster as one thing: how it starts and how it ends."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from distributedjob_local import cluster as module
from distributedjob_local import records
from distributedjob_local.cluster import WORKER_RANK, Cluster
from distributedjob_local.component import Component, free_port
from distributedjob_local.size import Size
from tests.support.servers import attended, new_cluster

SOCIABLE = """
import pathlib, signal, sys, time
own, other, ended = map(pathlib.Path, sys.argv[1:])
def leave(*_):
    own.touch()
    while not other.exists():
        time.sleep(0.01)
    time.sleep(0.5)
    ended.touch()
    sys.exit()
signal.signal(signal.SIGTERM, leave)
ended.with_suffix(".ready").touch()
signal.pause()
"""
"""Ends only when the other one was asked to end, too, and so late that it is noticed."""


def test_workers_are_ended_together_and_named_when_they_take_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(records, "LATE_SECONDS", 0.1)
    stopped = new_cluster(tmp_path / "state", Size(nodes=0))
    setting = attended(tmp_path / "state")
    setting.state.create()
    asked = [tmp_path / "asked-1", tmp_path / "asked-2"]
    for number, files in enumerate((asked, asked[::-1]), start=1):
        ended = tmp_path / f"ended-{number}"
        command = [sys.executable, "-c", SOCIABLE, *files, ended]
        ready = ended.with_suffix(".ready").exists
        worker = Component(setting, f"worker-{number}", WORKER_RANK, command, ready)
        stopped.workers.append(worker)
        worker.start()
        worker.wait_ready(10)

    stopped.stop()

    assert len(list(tmp_path.glob("ended-?"))) == 2
    assert "waiting for worker-1, worker-2 to end" in capsys.readouterr().err


def test_an_operator_whose_port_was_taken_gets_another(
    cluster: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1]]
        monkeypatch.setattr(
            module, "free_port", lambda *host: ports.pop() if ports else free_port(*host)
        )

        running = cluster(nodes=0, operators=1)

    assert running.operators[0].ready()

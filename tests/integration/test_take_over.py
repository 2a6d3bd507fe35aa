"""Several operators, one leader: whichever process dies, every index is counted once."""

import json
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from distributedjob_local.cluster import Cluster
from distributedjob_local.component import Component
from tests.support.jobs import Jobs, lines
from tests.support.waiting import wait_until

LEASE_SECONDS = 6
"""The default duration of the Lease."""


def holder(cluster: Cluster) -> str:
    """Who holds the Lease now; empty while nobody does."""
    done = cluster.kubectl(
        "get",
        "lease",
        "-n",
        "djob-system",
        "distributedjob",
        "-o",
        "jsonpath={.spec.holderIdentity}",
    )
    return done.stdout


def leader(cluster: Cluster) -> Component:
    """The operator that holds the Lease and lives."""

    def find() -> Component | None:
        name = holder(cluster).split("_")[0]
        return next((one for one in cluster.operators if one.name == name and one.alive), None)

    found = wait_until(find, lambda one: one is not None, 30, "an operator leads")
    assert found is not None
    return found


def ledger_job(jobs: Jobs, ledger: Path, completions: int) -> None:
    command = ["sh", "-c", f"echo $DJOB_INDEX >> {ledger}"]
    jobs.apply("ledger", command, completions=completions)


def wait_for_more(ledger: Path, more: int, *, of: int) -> None:
    """Wait until so many more tasks have run, or all of them."""
    enough = min(len(lines(ledger)) + more, of)
    wait_until(lambda: len(lines(ledger)), lambda count: count >= enough, 40, "tasks run")


def assert_all_counted_once(status: dict[str, object], ledger: Path, completions: int) -> None:
    assert (status["phase"], status["succeeded"], status["failed"]) == ("Complete", completions, 0)
    assert status["completedIndexes"] == f"0-{completions - 1}"
    assert {int(line) for line in lines(ledger)} == set(range(completions))


def test_a_leader_killed_five_times_loses_nothing(cluster: Callable[..., Cluster], tmp_path: Path):
    running = cluster(nodes=3, operators=3)
    jobs = Jobs(running, "default")
    ledger = tmp_path / "ledger"
    ledger_job(jobs, ledger, 20_000)
    for _ in range(5):
        wait_for_more(ledger, 500, of=20_000)
        killed = leader(running)
        killed.kill()
        killed.start()
    status = jobs.wait_phase("ledger", "Complete", "Failed", timeout=110)
    assert_all_counted_once(status, ledger, 20_000)
    # Nothing ran twice: no worker was lost, so each index had one assignment at a time.
    assert len(lines(ledger)) == 20_000


def test_a_stopped_leader_hands_over_at_once(cluster: Callable[..., Cluster], tmp_path: Path):
    running = cluster(nodes=2, operators=2)
    first = leader(running)
    began = time.monotonic()
    first.stop()
    second = leader(running)
    assert second.name != first.name
    assert time.monotonic() - began < LEASE_SECONDS / 2
    jobs = Jobs(running, "default")
    ledger_job(jobs, tmp_path / "ledger", 50)
    status = jobs.wait_phase("ledger", "Complete")
    assert_all_counted_once(status, tmp_path / "ledger", 50)


def test_a_leader_that_was_paused_comes_back_and_leaves(
    cluster: Callable[..., Cluster], tmp_path: Path
):
    running = cluster(nodes=2, operators=2)
    jobs = Jobs(running, "default")
    ledger = tmp_path / "ledger"
    command = ["sh", "-c", f"sleep 0.05; echo $DJOB_INDEX >> {ledger}"]
    jobs.apply("ledger", command, completions=600)
    jobs.wait_running("ledger", 2)
    paused = leader(running)
    assert paused.identity is not None
    paused.identity.signal(signal.SIGSTOP)
    wait_until(
        lambda: holder(running), lambda who: not who.startswith(paused.name), 30, "another leads"
    )
    paused.identity.signal(signal.SIGCONT)
    wait_until(lambda: paused.alive, lambda alive: not alive, 30, "the paused leader exits")
    status = jobs.wait_phase("ledger", "Complete", "Failed", timeout=90)
    assert_all_counted_once(status, ledger, 600)


def test_a_leader_whose_lease_was_taken_leaves_though_a_reader_of_its_endpoint_hangs(
    cluster: Callable[..., Cluster],
):
    running = cluster(nodes=2, operators=2)
    jobs = Jobs(running, "default")
    jobs.apply("large", ["sh", "-c", "head -c 131072 /dev/zero"], completions=150)
    jobs.wait_phase("large", "Complete")
    robbed = leader(running)
    url = urlsplit(robbed.address)
    token = (running.kubeconfig.parent / "secrets" / "token").read_text()
    ask = (
        "GET /v1/namespaces/default/distributedjobs/large/output HTTP/1.1\r\n"
        f"Host: operator\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port), 30) as reader:
        reader.sendall(ask.encode())
        assert reader.recv(12) == b"HTTP/1.1 200"

        taken = '{"spec": {"holderIdentity": "operator-9_0", "leaseTransitions": 99}}'
        running.kubectl(
            "patch", "lease", "-n", "djob-system", "distributedjob", "--type=merge", "-p", taken
        )

        # aiohttp alone would wait a minute for the reader.
        wait_until(lambda: robbed.alive, lambda alive: not alive, 20, "the robbed leader exits")


def test_nats_restarted_in_the_middle_costs_no_task(
    cluster: Callable[..., Cluster], tmp_path: Path
):
    running = cluster(nodes=2)
    jobs = Jobs(running, "default")
    ledger = tmp_path / "ledger"
    ledger_job(jobs, ledger, 6_000)
    for _ in range(3):
        wait_for_more(ledger, 300, of=6_000)
        assert running.nats.component is not None
        running.nats.component.kill()
        running.nats.component.start()
    status = jobs.wait_phase("ledger", "Complete", "Failed", timeout=90)
    assert_all_counted_once(status, ledger, 6_000)
    assert len(lines(ledger)) == 6_000


def test_the_api_server_away_stops_no_task(cluster: Callable[..., Cluster], tmp_path: Path):
    running = cluster(nodes=2, operators=2)
    jobs = Jobs(running, "default")
    ledger = tmp_path / "ledger"
    ledger_job(jobs, ledger, 6_000)
    wait_until(lambda: len(lines(ledger)), lambda count: count > 300, 40, "tasks run")
    api_server = next(c for c in running.control_plane.components if c.name == "kube-apiserver")
    api_server.kill()
    api_server.start()
    api_server.wait_ready(60)
    for operator in running.operators:
        if not operator.alive:
            operator.start()
    status = jobs.wait_phase("ledger", "Complete", "Failed", timeout=90)
    assert_all_counted_once(status, ledger, 6_000)


def test_a_worker_killed_and_started_again_reports_what_it_had_done(
    cluster: Callable[..., Cluster], tmp_path: Path
):
    running = cluster(nodes=2)
    jobs = Jobs(running, "default")
    ledger = tmp_path / "ledger"
    ledger_job(jobs, ledger, 4_000)
    for _ in range(3):
        wait_for_more(ledger, 300, of=4_000)
        running.workers[0].kill()
        running.workers[0].start()
    status = jobs.wait_phase("ledger", "Complete", "Failed", timeout=90)
    assert_all_counted_once(status, ledger, 4_000)
    again = len(lines(ledger)) - 4_000
    assert again <= 3 * 1000, json.dumps(status)


def test_a_worker_that_was_paused_comes_back_and_nothing_counts_twice(
    cluster: Callable[..., Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DJOB_SILENCE_SECONDS", "3")
    running = cluster(nodes=2)
    jobs = Jobs(running, "default")
    ledger = tmp_path / "ledger"
    command = ["sh", "-c", f"sleep 0.05; echo $DJOB_INDEX >> {ledger}"]
    jobs.apply("ledger", command, completions=400)
    jobs.wait_running("ledger", 2)
    paused = running.workers[0].identity
    assert paused is not None
    paused.signal(signal.SIGSTOP)
    wait_until(
        lambda: jobs.status("ledger"),
        lambda status: "node-1" not in status["nodes"],
        30,
        "the silent worker is given up",
    )
    paused.signal(signal.SIGCONT)
    status = jobs.wait_phase("ledger", "Complete", "Failed", timeout=90)
    assert_all_counted_once(status, ledger, 400)
    assert status["interruptions"] <= 1
    # Only what the paused worker had started may have run a second time.
    assert len(lines(ledger)) <= 401 + 20


def test_a_deleted_lease_is_made_anew_and_the_epoch_still_rises(
    cluster: Callable[..., Cluster], tmp_path: Path
):
    running = cluster(nodes=1, operators=2)
    jobs = Jobs(running, "default")
    ledger_job(jobs, tmp_path / "first", 5)
    before = jobs.wait_phase("ledger", "Complete")["epoch"]
    leader(running)
    assert running.kubectl("delete", "lease", "-n", "djob-system", "distributedjob").returncode == 0
    wait_until(lambda: holder(running), bool, 30, "somebody leads again")
    jobs.kubectl("delete", "distributedjob", "ledger")
    ledger_job(jobs, tmp_path / "second", 5)
    for operator in running.operators:
        if not operator.alive:
            operator.start()
    status = jobs.wait_phase("ledger", "Complete")
    assert_all_counted_once(status, tmp_path / "second", 5)
    assert int(str(status["epoch"])) >= before

"""Rows that take the API server and etcd away, or let them answer badly."""

import time
from typing import Any, Final

import requests

from tests.chaos.faults import Injection, kill, reset
from tests.chaos.proxied import LEASES, STATUS, ApiProxy, proxied
from tests.chaos.proxied import NAME as PROXY
from tests.chaos.registry import row
from tests.chaos.rig import LEASE_SECONDS, SILENCE_SECONDS, Rig
from tests.chaos.trial import Trial
from tests.chaos.workload import Workload

API: Final = "kube-apiserver"
RECOVERY_SECONDS: Final = 20.0
WRITES: Final = ["PUT", "POST", "PATCH", "DELETE"]


@row(
    3,
    "standby kill -9, then all operators down",
    injection="SIGKILL of a standby; of all operators, for longer than every limit",
    shows="running tasks finish, results wait at the workers; nothing runs twice",
)
def operators_down(trial: Trial) -> None:
    rig = trial.rig
    job = trial.job(Workload(900, 0.05, flaky=50))
    trial.await_progress(job, 0.05)
    trial.strike(kill(rig, rig.standbys()[0]))
    trial.recovers(RECOVERY_SECONDS)

    def all_of_them(do: Any) -> None:
        for name in rig.operators:
            do(name)

    away = Injection(
        "kill -9", "operators", lambda: all_of_them(rig.kill), lambda: all_of_them(rig.revive)
    )
    trial.strike(away, 300 if trial.long else SILENCE_SECONDS + 4)
    trial.recovers(RECOVERY_SECONDS)


@row(
    15,
    "API server away",
    injection="kill -9, away for longer than every limit, start",
    shows="workers go on; the leader steps down; A-I; the watch is not deaf afterwards",
)
def api_server_away(trial: Trial) -> None:
    rig = trial.rig
    # So many that some are left when it is back, though nobody plans meanwhile.
    job = trial.job(Workload(900, 0.05, flaky=50))
    trial.await_progress(job, 0.05)
    leader = rig.component(rig.leader()).identity
    assert leader is not None
    seconds = 330 if trial.long else SILENCE_SECONDS + 4
    with trial.inject(kill(rig, API)):
        grown = job.ledger.size
        trial.demand(leader.wait(LEASE_SECONDS), "E", "the leader led on without an API server")
        trial.last(seconds - LEASE_SECONDS)
        trial.demand(job.ledger.size > grown, "J", "no task ran while the API server was away")
    trial.recovers(RECOVERY_SECONDS)
    # A deaf watch would never hear of it.
    seen = trial.job(Workload(20, 0.01))
    trial.await_progress(seen, 1.0, RECOVERY_SECONDS)


@row(
    16,
    "etcd kill -9, etcd compaction",
    injection="kill -9 and start; compaction of every old revision, then broken watches",
    shows="listed again, decided from the whole state; A",
)
def etcd_restarted(trial: Trial) -> None:
    rig = trial.rig
    job = trial.job(Workload(900, 0.05, flaky=50))
    trial.await_progress(job, 0.05)
    trial.strike(kill(rig, "etcd"), 1)
    trial.recovers(RECOVERY_SECONDS)
    for name in rig.operators:
        with trial.inject(reset(rig, name, API)):
            compact(rig)
    trial.recovers(RECOVERY_SECONDS)
    seen = trial.job(Workload(20, 0.01))
    trial.await_progress(seen, 1.0, RECOVERY_SECONDS)


def compact(rig: Rig) -> None:
    """Forget every revision but the newest one."""
    url = rig.component("etcd").address
    with requests.Session() as session:
        session.trust_env = False
        status = session.post(f"{url}/v3/maintenance/status", json={}, timeout=5).json()
        revision = {"revision": status["header"]["revision"], "physical": True}
        answer = session.post(f"{url}/v3/kv/compaction", json=revision, timeout=5)
        # Where nothing was written since the last time, all is compacted already.
        if "has been compacted" not in answer.text:
            answer.raise_for_status()


@row(
    17,
    "API answers lost after the commit",
    injection="a proxy carries requests out and drops the answer, on each verb",
    shows="no double count; the conflict that follows is resolved",
)
def answers_lost(trial: Trial) -> None:
    with proxied(trial.rig) as proxy:
        job = trial.job(Workload(600, 0.05, flaky=20, doomed=60), backoffLimitPerIndex=1)
        trial.await_progress(job, 0.05)
        for times in (1, 3):
            lost = {"action": "lose-answer", "methods": ["PUT"], "path": STATUS, "times": times}
            with trial.inject(proxy.rules("answer lost", lost)):
                trial.last(times + 1.5)
            trial.recovers(RECOVERY_SECONDS)
        for methods, path in ((["PUT"], LEASES), (["GET"], ""), (["POST"], "")):
            lost = {"action": "lose-answer", "methods": methods, "path": path, "times": 2}
            with trial.inject(proxy.rules("answer lost", lost)):
                trial.last(2)
        trial.recovers(RECOVERY_SECONDS)
        # A write that arrives when another leads already.
        rig = trial.rig
        longer = trial.job(Workload(1200, 0.05))
        trial.await_progress(longer, 0.05)
        late = {
            "action": "hold",
            "methods": ["PUT", "PATCH"],
            "path": STATUS,
            "seconds": LEASE_SECONDS * 2,
        }
        with trial.inject(proxy.rules("write delayed", late)):
            trial.last(1.5)
            trial.take_over(kill(rig, rig.leader()), "kill -9", LEASE_SECONDS + 1)
            trial.last(LEASE_SECONDS)


@row(
    18,
    "stale reads, missed events, slow and refusing API server",
    injection="a proxy: old answers, silent watches, 2 s a request, bursts of 429, 500 and 503",
    shows="A and F; recovery without a restart by hand",
)
def answers_bad(trial: Trial) -> None:
    with proxied(trial.rig) as proxy:
        job = trial.job(Workload(1000, 0.05, flaky=50))
        trial.await_progress(job, 0.05)
        every = ["GET", *WRITES]
        for status in (429, 500, 503):
            burst = {"action": "status", "status": status, "methods": every, "times": 20}
            with trial.inject(proxy.rules(f"{status} burst", burst)):
                trial.last(2)
            trial.recovers(RECOVERY_SECONDS)
        slow = {"action": "delay", "methods": every, "seconds": 2.0, "times": 1000}
        with trial.inject(proxy.rules("slow API", slow)):
            trial.last(10)
        trial.recovers(RECOVERY_SECONDS)
        stale = {"action": "stale", "methods": ["GET"], "times": 50}
        with trial.inject(proxy.rules("stale reads", stale)):
            trial.last(3)
            trial.strike(kill(trial.rig, trial.rig.leader()))
            trial.last(LEASE_SECONDS)
        trial.recovers(RECOVERY_SECONDS)
        if trial.long:  # It takes a minute: that often everything is listed anew.
            _events_missed(trial, proxy)


def _events_missed(trial: Trial, proxy: ApiProxy) -> None:
    deaf = {"action": "deaf", "methods": ["GET"], "times": 100}
    with trial.inject(proxy.rules("missed events", deaf)):
        for name in trial.rig.operators:
            trial.rig.network.reset(name, PROXY)
        heard = trial.job(Workload(20, 0.01))
        began = time.monotonic()
        trial.await_progress(heard, 1.0, 90)
        trial.note(f"a job of which no event told was found in {time.monotonic() - began:.0f} s")

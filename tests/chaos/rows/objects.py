"""Rows that delete, edit and abuse the objects in the API server."""

import json
from collections.abc import Callable
from typing import Any, Final

from distributedjob_local import api
from tests.chaos.faults import Fault, Injection, boottime, kill
from tests.chaos.history import LEASES
from tests.chaos.registry import row
from tests.chaos.rig import LEASE_SECONDS, Rig
from tests.chaos.trial import Trial, unique
from tests.chaos.workload import Workload
from tests.support.jobs import marked
from tests.support.waiting import wait_until

GONE_SECONDS: Final = 30.0
LEASE: Final = f"{LEASES}/distributedjob"


def merge(rig: Rig, path: str, patch: dict[str, Any]) -> None:
    """Change an object as ``kubectl patch`` does."""
    client = rig.cluster.api
    headers = {"Content-Type": "application/merge-patch+json"}
    client.session.patch(client.url + path, data=json.dumps(patch), headers=headers, timeout=30)


@row(
    25,
    "Lease deleted, edited; operators restarted",
    injection="the Lease deleted; its holder and its transitions edited; all operators restarted",
    shows="somebody leads again, and the epoch still rises",
)
def lease_abused(trial: Trial) -> None:
    rig = trial.rig
    job = trial.job(Workload(4000, 0.05, flaky=50))
    trial.await_progress(job, 0.05)
    forged = {"spec": {"holderIdentity": "nobody", "leaseTransitions": 0}}
    abuses = (
        Injection("Lease deleted", "Lease", lambda: api.delete(rig.cluster.api, LEASE)),
        Injection("Lease edited", "Lease", lambda: merge(rig, LEASE, forged)),
    )
    for abuse in abuses:
        before = trial.latest(job)
        trial.strike(abuse)
        trial.recovers(LEASE_SECONDS * 3)
        trial.await_status(
            job, _goes_on(before), LEASE_SECONDS * 3, "more is done, by no older epoch"
        )
    for name in rig.operators:
        trial.strike(kill(rig, name))
    trial.recovers(LEASE_SECONDS * 3)


def _goes_on(before: dict[str, Any]) -> Callable[[dict[str, Any]], bool]:
    def goes_on(status: dict[str, Any]) -> bool:
        more = status.get("succeeded", 0) > before["succeeded"]
        return more and bool(status["epoch"] >= before["epoch"])

    return goes_on


@row(
    26,
    "job deleted, and made anew with its name",
    injection="deleted in the middle; deleted while no operator runs; created again at once",
    shows="its processes are gone within 30 s; results of the old uid are ignored",
)
def job_deleted(trial: Trial) -> None:
    rig = trial.rig
    name = unique("again")
    old = trial.job(Workload(400, 2), name=name)
    trial.await_status(old, lambda status: status.get("running", 0) >= 3, 30, "it runs")
    strike_deleting(trial, old)
    new = trial.job(Workload(100, 0.05), name=name)
    await_gone(trial, old.uid)
    trial.await_progress(new, 1.0)
    other = trial.job(Workload(400, 2))
    trial.await_status(other, lambda status: status.get("running", 0) >= 3, 30, "it runs")
    for operator in rig.operators:
        rig.kill(operator)
    strike_deleting(trial, other)
    for operator in rig.operators:
        rig.revive(operator)
    await_gone(trial, other.uid)


def strike_deleting(trial: Trial, job: Any) -> None:
    """Delete a job, as a fault."""
    trial.strike(Injection("job deleted", job.name, lambda: trial.delete(job)))


def await_gone(trial: Trial, uid: str) -> None:
    """No process of the job lives, in time."""
    try:
        wait_until(lambda: marked(f"DJOB_UID={uid}"), lambda left: not left, GONE_SECONDS, "end")
    except AssertionError as error:
        trial.demand(False, "G", str(error))


@row(
    33,
    "malicious specs",
    injection="commands of 1 MiB, 1e9 tasks, wildcards, controls, deep nesting, bad annotations",
    shows="refused, or set aside as Stalled; other jobs go on and the leader stays",
)
def malicious(trial: Trial) -> None:
    rig = trial.rig
    leader = rig.leader()
    identity = rig.component(leader).identity
    assert identity is not None
    good = trial.job(Workload(300, 0.05))
    nest: dict[str, Any] = {}
    for _ in range(500):
        nest = {"x": nest}
    command = ["sh", "-c", "true"]
    specs: list[dict[str, Any]] = [
        {"completions": 1_000_000_000, "template": {"command": command}},
        {"completions": 1, "template": {"command": ["x" * 1_048_576]}},
        {"completions": 1, "template": {"command": ["a\u0000b"]}},
        {"completions": 1, "template": {"command": []}},
        {"completions": 1, "template": {"command": command}, "pool": "*.>"},
        {"completions": 1, "template": {"command": command, "workingDir": "../../.."}},
        {"completions": -1, "template": {"command": command}},
        {"completions": 1, "template": {"command": command}, "indexes": "9-1,,>"},
        {"completions": 1, "template": {"command": command, "env": [nest]}},
        {"completions": 1, "template": {"command": command}, "nest": nest},
    ]
    client, fault = rig.cluster.api, Fault("malicious spec", "API", frozenset(), boottime())
    trial.result.faults.append(fault)
    base = f"{client.url}/apis/distributedjob.dev/v1alpha1/namespaces/default/distributedjobs"
    taken: list[str] = []
    for spec in specs:
        name = unique("bad")
        document = {
            "apiVersion": "distributedjob.dev/v1alpha1",
            "kind": "DistributedJob",
            "metadata": {"name": name, "annotations": {"distributedjob.dev/endpoint": "\u202e>*"}},
            "spec": spec,
        }
        answer = client.session.post(base, json=document, timeout=30)
        if answer.ok:
            taken.append(name)
        elif answer.status_code >= 500:
            trial.demand(False, "K", f"the API server answered {answer.status_code}: {spec!r:.80}")
    fault.end = boottime()
    trial.await_progress(good, 1.0)
    trial.demand(identity.alive and rig.leader() == leader, "A", "a bad object ended the leader")
    trial.note(f"{len(specs) - len(taken)} of {len(specs)} were refused at admission")
    for name in taken:
        client.session.delete(f"{base}/{name}", timeout=30)

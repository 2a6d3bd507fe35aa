"""One row in the making: its jobs, its faults, what was seen, and the verdict."""

import json
import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from distributedjob_api import constants
from distributedjob_local import api
from distributedjob_local.errors import LocalError
from tests.chaos import isolation
from tests.chaos.checker import Case, Violation, check
from tests.chaos.faults import Fault, Injection, boottime
from tests.chaos.history import Change
from tests.chaos.journal import read_outputs
from tests.chaos.ledger import Ledger
from tests.chaos.rig import LEASE_SECONDS, Rig
from tests.chaos.workload import Workload
from tests.support.jobs import marked
from tests.support.waiting import wait_until

SHORTEST_SECONDS, FINISH_SECONDS = 30.0, 120.0
SLOWEST_RATE: Final = 100.0
PROCESSES_SECONDS: Final = 30.0
NAMESPACE: Final = "default"
BASE: Final = f"/apis/{constants.API_VERSION}/namespaces/{NAMESPACE}/{constants.PLURAL}"
OUTPUTS_OF: Final = 20_000
"""Of jobs with more tasks the journal is not read: it would take longer than they did."""


@dataclass(slots=True)
class Job:
    """One object of a trial, by its uid."""

    name: str
    uid: str
    workload: Workload
    ledger: Ledger
    expected: tuple[str, ...] = ("Complete",)
    judged: bool = True
    gone: bool = False


@dataclass(slots=True)
class TakeOver:
    """From the end of one leader to the next holder, and to its first checkpoint."""

    how: str
    seconds: float
    planned: float | None = None


@dataclass(slots=True)
class Result:
    """What came of a row."""

    faults: list[Fault] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    takeovers: list[TakeOver] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)


class Trial:
    """What a row is given; ``random`` is seeded, so the same seed makes the same faults."""

    def __init__(self, rig: Rig, number: int, seed: int, *, long: bool, minutes: float) -> None:
        self.rig = rig
        self.minutes = minutes
        self.number = number
        self.long = long
        self.random = random.Random(f"{seed}/{number}")
        self.kills_workers = False
        self._count = 0
        rig.ended.clear()
        self._uids: list[str] = []
        self.jobs: list[Job] = []
        self.result = Result()
        self.began = time.monotonic()

    # -- jobs --------------------------------------------------------------------------

    def job(self, workload: Workload, *, name: str = "", **changes: Any) -> Job:
        """Apply a job whose tasks keep a ledger, and return when it is stored."""
        ledger = self._new_ledger()
        job = self._apply(workload, {**workload.spec(ledger.path), **changes}, ledger, name)
        job.expected = ("Failed",) if workload.doomed else ("Complete",)
        return job

    def plain(self, command: list[str], *expected: str, tasks: int = 1, **spec: Any) -> Job:
        """Apply a job of any command; of the invariants only A's first and G hold for it."""
        template = {"terminationGracePeriodSeconds": 1, **spec.pop("template", {})}
        whole = {"completions": tasks, "template": {"command": command, **template}, **spec}
        job = self._apply(Workload(tasks), whole, self._new_ledger())
        job.expected, job.judged = expected or ("Complete",), False
        return job

    def _new_ledger(self) -> Ledger:
        self._count += 1
        return Ledger(self.rig.folder / f"ledger-{self.number}-{self._count}")

    def _apply(
        self, workload: Workload, spec: dict[str, Any], ledger: Ledger, name: str = ""
    ) -> Job:
        name = name or f"row-{self.number}-{self._count}"
        document = {
            "apiVersion": constants.API_VERSION,
            "kind": constants.KIND,
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": spec,
        }
        client = self.rig.cluster.api
        answer = client.session.post(client.url + BASE, json=document, timeout=30)
        if not answer.ok:
            raise LocalError(answer.text)
        job = Job(name, answer.json()["metadata"]["uid"], workload, ledger)
        self.jobs.append(job)
        self._uids.append(job.uid)
        return job

    def patch(self, job: Job, spec: dict[str, Any]) -> None:
        """Change the spec of a job."""
        client = self.rig.cluster.api
        answer = client.session.patch(
            f"{client.url}{BASE}/{job.name}",
            data=json.dumps({"spec": spec}),
            headers={"Content-Type": "application/merge-patch+json"},
            timeout=30,
        )
        if not answer.ok:
            raise LocalError(answer.text)

    def delete(self, job: Job) -> None:
        """Delete a job; it counts as gone."""
        job.gone = True
        api.delete(self.rig.cluster.api, f"{BASE}/{job.name}")

    def seen(self, job: Job) -> list[Change]:
        """What the watch showed of a job."""
        return [one for one in self.rig.jobs.changes(self.began) if one.uid == job.uid]

    def latest(self, job: Job) -> dict[str, Any]:
        """Its newest status that the watch showed."""
        changes = self.seen(job)
        return changes[-1].status if changes else {}

    def await_progress(self, job: Job, share: float, seconds: float = 60) -> None:
        """Wait until this share of a job's tasks has an outcome."""
        wanted = share * job.workload.tasks
        found = self.rig.jobs.wait(
            lambda one: one.uid == job.uid and one.outcomes >= wanted, seconds, since=self.began
        )
        if found is None:
            raise AssertionError(f"{job.name}: no {share:.0%} of it within {seconds:g} s")

    def await_status(
        self, job: Job, accept: Callable[[dict[str, Any]], bool], seconds: float, what: str
    ) -> dict[str, Any]:
        """Wait for a status; J is violated where it does not come."""
        found = self.rig.jobs.wait(
            lambda one: one.uid == job.uid and accept(one.status), seconds, since=self.began
        )
        self.demand(found is not None, "J", f"{job.name}: {what}: not within {seconds:g} s")
        return found.status if found else self.latest(job)

    # -- faults ------------------------------------------------------------------------

    @contextmanager
    def inject(self, injection: Injection) -> Iterator[Fault]:
        """Make a fault for the time of a block."""
        fault = Fault(injection.kind, injection.target, injection.cut, boottime())
        self.result.faults.append(fault)
        injection.begin()
        try:
            yield fault
        finally:
            injection.end()
            fault.end = boottime()

    def strike(self, injection: Injection, seconds: float = 0.0) -> Fault:
        """Make a fault that lasts so long."""
        with self.inject(injection) as fault:
            self.last(seconds)
        return fault

    def last(self, seconds: float) -> None:
        """Let a fault last: the time is part of it, nothing is waited for."""
        time.sleep(seconds)

    def recovers(self, within: float) -> None:
        """From now until some unfinished job gets another outcome, or ends."""
        now = time.monotonic()
        left = {
            job.uid: changes[-1].outcomes if (changes := self.seen(job)) else 0
            for job in self.jobs
            if not job.gone and not finished(self.latest(job))
        }
        if not left:
            return
        found = self.rig.jobs.wait(
            lambda one: one.uid in left and (one.outcomes > left[one.uid] or finished(one.status)),
            max(within * 2, 30.0),
            since=now,
        )
        taken = (found.moment if found else time.monotonic()) - now
        self.result.recoveries.append(taken)
        self.demand(taken <= within, "J", f"no recovery within {within:g} s: {taken:.1f} s")

    def take_over(self, injection: Injection, how: str, bound: float) -> None:
        """End the leader and measure until another holds the Lease, and has planned."""
        before = self.rig.holder()
        began = time.monotonic()
        with self.inject(injection):
            held = self.rig.leases.wait(
                lambda one: str(one.body["spec"].get("holderIdentity") or "") not in ("", before),
                LEASE_SECONDS * 5,
                since=began,
            )
            if held is None:
                self.demand(False, "J", f"nobody took over after {how}")
                return
            name = str(held.body["spec"]["holderIdentity"])
            live = [job.uid for job in self.jobs if not finished(self.latest(job))]
            wrote = live and self.rig.jobs.wait(
                lambda one: one.uid in live and one.status.get("leader") == name,
                LEASE_SECONDS * 5,
                since=began,
            )
        taken = held.moment - began
        planned = wrote.moment - began if wrote else None
        self.result.takeovers.append(TakeOver(how, taken, planned))
        self.demand(taken <= bound, "J", f"take-over after {how} took {taken:.2f} s")

    # -- verdict -----------------------------------------------------------------------

    def demand(self, holds: bool, letter: str, text: str) -> None:
        """Note a violation where something does not hold; the row goes on."""
        if not holds:
            self.result.violations.append(Violation(letter, text))

    def note(self, text: str) -> None:
        """Say something in the report."""
        self.result.notes.append(text)

    def conclude(self) -> Result:
        """Mend everything, let every job end, and judge."""
        self.rig.heal()
        self.rig.ready()
        for job in self.jobs:
            if not job.gone:
                self._await_end(job)
        for name in {one for one in self.rig.ended if one in self.rig.workers}:
            self.demand(self.kills_workers, "A", f"{name} ended by itself")
        left = self._processes_left()
        self.demand(not left, "G", f"processes left: {left}")
        self.result.totals["processes_left"] = len(left)
        for job in list(self.jobs):
            self.judge(job)
        return self.result

    def judge(self, job: Job) -> None:
        """Judge a job that has ended, and forget it: object, history and ledger."""
        self.jobs.remove(job)
        if job.judged and not job.gone:
            outputs: dict[int, set[bytes]] = {}
            if job.workload.tasks <= OUTPUTS_OF:
                outputs = read_outputs(self.rig.cluster.nats, job.uid)
            runs = job.ledger.read()
            faults, changes = self.result.faults, self.seen(job)
            case = Case(job.name, job.workload, job.expected, changes, runs, faults, outputs)
            violations, counts = check(case)
            self.result.violations += violations
            for name, count in counts.items():
                self.result.totals[name] = self.result.totals.get(name, 0) + count
            if not violations:
                job.ledger.path.unlink()
        with suppress(LocalError):
            api.delete(self.rig.cluster.api, f"{BASE}/{job.name}")
        self.rig.jobs.forget(job.uid)

    def _await_end(self, job: Job) -> None:
        wanted = FINISH_SECONDS + job.workload.tasks / SLOWEST_RATE
        seconds = max(SHORTEST_SECONDS, min(wanted, self.minutes * 60))
        found = self.rig.jobs.wait(
            lambda one: one.uid == job.uid and finished(one.status), seconds, since=self.began
        )
        self.demand(found is not None, "A", f"{job.name} never ended: {brief(self.latest(job))}")
        if found and not job.judged:
            phase = found.status["phase"]
            self.demand(phase in job.expected, "A", f"{job.name} ended as {phase}")

    def _processes_left(self) -> dict[int, str]:
        def left() -> dict[int, str]:
            found = [pid for uid in self._uids for pid in marked(f"DJOB_UID={uid}")]
            alive = isolation.processes()
            return {pid: alive[pid] for pid in found if pid in alive}

        with suppress(AssertionError):
            wait_until(left, lambda found: not found, PROCESSES_SECONDS, "processes end")
        return left()


def finished(status: dict[str, Any]) -> bool:
    """Whether a status is a last one."""
    return status.get("phase") in ("Complete", "Failed", "Cancelled")


def brief(status: dict[str, Any]) -> dict[str, Any]:
    """The part of a status that fits a line."""
    shown = ("phase", "progress", "running", "pending", "leader", "epoch")
    reasons = [c["reason"] for c in status.get("conditions", ()) if c["status"] == "True"]
    return {name: status.get(name) for name in shown} | {"reasons": reasons}


def unique(word: str) -> str:
    """A name that no other object has."""
    return f"{word}-{uuid.uuid4().hex[:6]}"


def folder_of(rig: Rig, worker: str) -> Path:
    """The state directory of a worker."""
    return rig.state.data(worker.replace("worker-", "node-"))

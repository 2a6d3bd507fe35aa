"""Rows in which the tasks themselves misbehave, or cannot even start."""

import json
import sys
import uuid
from contextlib import ExitStack
from typing import Any, Final

from tests.chaos.faults import EVERYWHERE, Injection, terminate
from tests.chaos.memory_limit import MemoryLimit
from tests.chaos.registry import row
from tests.chaos.trial import Job, Trial
from tests.chaos.usage import Memory
from tests.chaos.workload import Workload
from tests.support.jobs import marked
from tests.support.waiting import wait_until

AGENT_BYTES: Final = 512 * 1024 * 1024
GONE_SECONDS: Final = 30.0
LIMIT_BYTES: Final = 400 * 1024 * 1024
GREEDY: Final = (sys.executable, "-c", "b'x' * 2_000_000_000")
ESCAPES: Final = """
trap '' TERM
setsid sh -c '(sleep 300 &) ; trap "" TERM; sleep 300' &
(setsid sh -c 'sleep 300 &' &)
count=0
while [ $count -lt 50 ]; do sleep 300 & count=$((count + 1)); done
wait
"""
HUGE: Final = "head -c 2000000000 /dev/zero"
BINARY: Final = "head -c 50000000 /dev/urandom"
ENDLESS: Final = "while :; do printf xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"
INVALID: Final = r"printf 'a\000b\377\376\n'; printf '\360\237\222'"


@row(
    6,
    "task tree",
    injection="setsid, double fork, many children, TERM ignored; kill -9 of a task",
    shows="nothing is left after a cancel; the signal stands in the status; the worker lives",
)
def task_tree(trial: Trial) -> None:
    rig = trial.rig
    agents = {name: rig.component(name).pid for name in rig.workers}
    stubborn = trial.plain(["sh", "-c", ESCAPES], "Cancelled", tasks=4)
    trial.await_status(stubborn, lambda status: status.get("running", 0) == 4, 30, "all run")
    cancel = Injection("cancel", stubborn.name, lambda: trial.patch(stubborn, {"cancel": True}))
    trial.strike(cancel)
    _await_gone(trial, stubborn)
    shot = trial.plain(["sh", "-c", "kill -9 $$$$"], "Failed", backoffLimitPerIndex=0)
    trial.strike(Injection("kill -9", "task", lambda: None))
    status = trial.await_status(shot, lambda status: bool(status.get("failed")), 30, "it fails")
    _expect(trial, status, "Signaled", signal=9)
    alive = {name: rig.component(name).pid for name in rig.workers}
    trial.demand(alive == agents, "A", "a task ended its worker")


@row(
    30,
    "huge, binary and endless output",
    injection="2 GB of zeros, 50 MB of noise, output without end or newline, NULs, bad UTF-8",
    shows="the agent's memory stays bounded; the status is valid; the cut is marked",
)
def outputs(trial: Trial) -> None:
    rig = trial.rig
    with Memory([rig.component(name).pid for name in rig.workers]) as memory:
        for command, expected, limit in (
            (HUGE, ("Complete", "Failed"), 60),
            (BINARY, ("Complete", "Failed"), 60),
            (ENDLESS, ("Failed",), 3),
            (INVALID, ("Complete",), 60),
        ):
            job = trial.plain(
                ["sh", "-c", command],
                *expected,
                backoffLimitPerIndex=0,
                template={"timeoutSeconds": limit},
            )
            trial.strike(Injection("bad output", job.name, lambda: None))
            status = trial.await_status(
                job, lambda one: one.get("phase") in ("Complete", "Failed"), 90, "it ends"
            )
            json.dumps(status).encode()
    most = memory.most
    trial.note(f"an agent occupied {most / 2**20:.0f} MiB at most")
    trial.demand(most < AGENT_BYTES, "H", f"an agent occupied {most / 2**20:.0f} MiB")


@row(
    31,
    "programs that cannot be started",
    injection="missing, not executable, bad format, missing directory, too long an argument",
    shows="one precise reason each, and no second attempt where that is hopeless",
)
def exec_errors(trial: Trial) -> None:
    text = trial.rig.folder / "no-program"
    text.write_bytes(b"\x7fELFnot really")
    text.chmod(0o755)
    cases: list[tuple[str, list[str], dict[str, Any]]] = [
        ("NotFound", ["no-such-program"], {}),
        ("NotExecutable", ["/etc/passwd"], {}),
        ("BadFormat", [str(text)], {}),
        ("WorkingDirMissing", ["true"], {"template": {"workingDir": "/no/such/directory"}}),
        ("ArgumentListTooLong", ["true", *["x" * 4096] * 20, "$(BIG)"], _big_environment()),
    ]
    for reason, command, changes in cases:
        try:
            job = trial.plain(command, "Failed", **changes)
        except Exception as error:
            trial.note(f"{reason}: refused at admission: {str(error)[:120]}")
            continue
        trial.strike(Injection("exec error", reason, lambda: None))
        status = trial.await_status(job, lambda one: bool(one.get("failed")), 30, "it fails")
        _expect(trial, status, reason)
        trial.demand(status.get("retries", 0) == 0, "K", f"{reason} was tried again")


@row(
    32,
    "out of memory, and a task that ends its worker",
    injection="a task beyond its worker's memory limit; one that kills the agent that runs it",
    shows="only the greedy task fails; the crash limit stops the poison; all others end well",
)
def out_of_memory(trial: Trial) -> None:
    rig, name = trial.rig, "worker-1"
    agent = rig.component(name).pid
    limit = MemoryLimit(f"djob-chaos-{uuid.uuid4().hex[:8]}", LIMIT_BYTES)
    try:
        limit.take(agent)
        rest = [other for other in rig.workers if other != name]
        with ExitStack() as alone:
            for other in rest:
                alone.enter_context(trial.inject(terminate(rig, other)))
            greedy = trial.plain([*GREEDY], "Failed", backoffLimitPerIndex=0)
            trial.strike(Injection("out of memory", name, lambda: None))
            status = trial.await_status(greedy, lambda one: bool(one.get("failed")), 60, "it fails")
            _expect(trial, status, "Signaled", signal=9)
        trial.demand(rig.component(name).pid == agent, "A", "a task's memory ended its worker")
    finally:
        limit.remove()
    good = trial.job(Workload(600, 0.05))
    trial.kills_workers = True
    poison = trial.plain(["sh", "-c", "kill -9 $PPID; sleep 60"], "Failed", interruptionLimit=1)
    with trial.inject(Injection("poison", "workers", lambda: None, cut=EVERYWHERE)):
        trial.await_status(poison, lambda one: one.get("phase") == "Failed", 60, "it is stopped")
    trial.await_progress(good, 1.0)


def _big_environment() -> dict[str, Any]:
    value = "x" * 30_000
    env = [{"name": f"BIG{number}", "value": value} for number in range(100)]
    return {"template": {"env": env}}


def _expect(trial: Trial, status: dict[str, Any], reason: str, signal: int = 0) -> None:
    failures = status.get("recentFailures") or [{}]
    last = failures[-1]
    said = (last.get("reason"), last.get("signal", 0))
    trial.demand(said == (reason, signal), "K", f"said {said}, not {(reason, signal)}")


def _await_gone(trial: Trial, job: Job) -> None:
    try:
        mark = f"DJOB_UID={job.uid}"
        wait_until(lambda: marked(mark), lambda left: not left, GONE_SECONDS, "processes end")
    except AssertionError as error:
        trial.demand(False, "G", str(error))

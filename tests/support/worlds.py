"""A job on workers in a world of its own, and what may happen to them."""

import json
from collections import Counter
from typing import Any

from distributedjob_api.messages import Acks
from distributedjob_api.v1alpha1 import parse
from distributedjob_operator.core import reporting
from distributedjob_operator.core.effects import Effect, Send, WriteStatus
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.round import settle
from tests.support.builders import a_job, a_node, at, job_body
from tests.support.fleet import FakeWorker, World

UID = "uid-job"
N1, N2 = ("default", "n1"), ("default", "n2")


def a_world(*cpus: int, **spec: Any) -> World:
    """Workers n1, n2, ... that hold the first tasks of a job."""
    nodes = [a_node(f"n{number}", count) for number, count in enumerate(cpus, start=1)]
    world = World(
        Leader(5, "me", "ns/name"), *(FakeWorker(node.name, node.cpu_millis) for node in nodes)
    )
    world.leader.take_over([], nodes, at(0))
    world.deliver()
    world.report_all()
    spec = {"completions": 10, "retryPolicy": {"initialSeconds": 0}, **spec}
    if "items" in spec or "itemsFrom" in spec:
        del spec["completions"]
    world.spec = spec
    world.leader.job_seen(a_job(**spec), at(0))
    world.deliver()
    return world


def edit(world: World, **spec: Any) -> None:
    """A user changes fields of the job."""
    world.spec = {**world.spec, **spec}
    world.version += 1
    body = job_body(version=world.version, **world.spec)
    body["metadata"]["generation"] = world.leader.jobs[UID].generation + 1
    world.leader.job_seen(parse(body), at(world.now))
    world.deliver()


def replaced(world: World) -> Job:
    """Another replica leads from the last status and has asked every worker."""
    generation = world.leader.jobs[UID].generation
    body = job_body(version=world.version, **world.spec)
    body["metadata"]["generation"] = generation
    body["status"] = json.loads(json.dumps(world.statuses[UID][-1]))
    nodes = list(world.leader.fleet.nodes.values())
    world.leader = Leader(world.leader.epoch + 1, "other", "ns/name")
    world.leader.take_over([parse(body)], nodes, at(world.now))
    world.deliver()
    return world.leader.jobs[UID]


def started(world: World) -> None:
    """Every worker starts what its slots hold, and the leader knows."""
    for worker in world.workers.values():
        worker.start()
    world.report_all()
    world.deliver()


def heard(world: World, seconds: float = 0.05) -> None:
    """Nothing ends; reports are heard and the leader concludes."""
    world.now += seconds
    world.report_all()
    world.deliver()


def holding(status: dict[str, Any]) -> set[str]:
    """The conditions that hold."""
    return {one["type"] for one in status["conditions"] if one["status"] == "True"}


def reason(status: dict[str, Any], kind: str = "Reconciling") -> str:
    """Why a condition is as it is."""
    return next(one["reason"] for one in status["conditions"] if one["type"] == kind)


def successor(world: World, **spec: Any) -> None:
    """Another replica leads from the last status, as it would be read back."""
    body = job_body(version=world.version, **{"completions": 10, **spec})
    if UID in world.statuses:
        body["status"] = json.loads(json.dumps(world.statuses[UID][-1]))
    nodes = list(world.leader.fleet.nodes.values())
    world.leader = Leader(world.leader.epoch + 1, "other", "ns/name")
    world.leader.take_over([parse(body)], nodes, at(world.now))


def ran(world: World) -> Counter[int]:
    return Counter(index for worker in world.workers.values() for _, index in worker.ran)


def last(world: World) -> dict[str, Any]:
    return world.statuses[UID][-1]


def sent(effects: list[Effect], kind: type) -> list[Any]:
    messages = [effect.message for effect in effects if isinstance(effect, Send)]
    return [message for message in messages if isinstance(message, kind)]


def settled(world: World, seconds: float) -> list[Effect]:
    """A round in which workers hear what is sent, and no status write is answered."""
    settle(world.leader, at(seconds))
    effects = world.leader.take_effects()
    for effect in effects:
        if isinstance(effect, Send):
            world.workers[effect.worker].hear(effect.message)
    return effects


def writes(effects: list[Effect]) -> list[WriteStatus]:
    return [effect for effect in effects if isinstance(effect, WriteStatus)]


def acks(effects: list[Effect]) -> list[tuple[str, int]]:
    return [one for message in sent(effects, Acks) for one in message.upto]


def a_report(world: World, worker: FakeWorker) -> list[Effect]:
    reporting.report(world.leader, worker.key, worker.report(), at(world.now))
    return world.leader.take_effects()


def killed(world: World, name: str) -> FakeWorker:
    """The worker falls silent for so long that it is given up."""
    gone = world.workers.pop(("default", name))
    for _ in range(5):
        world.now += 5
        world.report_all()
        world.deliver()
    return gone

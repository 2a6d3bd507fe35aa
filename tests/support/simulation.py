"""A leader, an API server and agents on unreliable links, all in virtual time.

The agents are the real worker core, so that both ends of the protocol are under test;
only tasks, links and the API server are imitated.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from distributedjob_api import task_reasons
from distributedjob_api.messages import Hello, LeaderMessage, Refusal, Report, WorkerMessage
from distributedjob_api.v1alpha1 import parse
from distributedjob_operator.core import checkpoints, reporting
from distributedjob_operator.core.effects import (
    Broadcast,
    Effect,
    RaiseEpoch,
    ReadJob,
    Send,
    WriteStatus,
)
from distributedjob_operator.core.fleet import Node
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.round import settle
from distributedjob_worker.core import effects as worker_effects
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.core.worker import Identity, Worker
from tests.support.builders import at

INSTALLATION = "djob-system/distributedjob"


@dataclass
class Behaviour:
    """What tasks do: how long an attempt takes, and with which reason it fails."""

    seconds: Callable[[int], float]
    failure: Callable[[int, int], str]


class Agent:
    """The real worker core with imitated tasks and a spool that survives a crash."""

    def __init__(self, name: str, cpu_millis: int, behaviour: Behaviour) -> None:
        self.name = name
        self.cpu_millis = cpu_millis
        self.behaviour = behaviour
        self.starts = 0
        self.paused = False
        self.running: dict[int, tuple[float, Task, bool]] = {}
        self.spool: list[worker_effects.Store] = []
        self.ran: list[tuple[str, int, int]] = []
        self.started: list[tuple[str, int, int]] = []
        self.outbox: list[WorkerMessage] = []
        self.start()

    def start(self) -> None:
        """A new incarnation: tasks are gone, the spool is not."""
        self.starts += 1
        self.running.clear()
        self.core = Worker(
            Identity(
                f"{self.name}-{self.starts}", self.name, "127.0.1.1", "test", self.cpu_millis, 2**30
            )
        )
        self.core.adopt(self.spool)
        self.spool = self.core.kept

    def hear(self, message: LeaderMessage, now: float) -> None:
        self._perform(self.core.handle(message, now), now)

    def step(self, now: float) -> None:
        for key, (ends, task, stopped) in list(self.running.items()):
            if ends <= now:
                del self.running[key]
                self._finish(task, stopped)
        while (task := self.core.take(now)) is not None:
            self.running[id(task)] = (now + self.behaviour.seconds(task.index), task, False)
            self.started.append((task.define.uid, task.define.run, task.index))
        if self.core.due() <= now:
            self._perform(self.core.report(now), now)

    def _finish(self, task: Task, stopped: bool) -> None:
        reason = task_reasons.STOPPED if stopped else self.behaviour.failure(task.index, task.ended)
        if not reason:
            self.ran.append((task.define.uid, task.index, task.ended))
        seconds = self.behaviour.seconds(task.index)
        self.core.finish(task, Outcome(0.0, seconds, reason, 1 if reason else 0))

    def _perform(self, effects: list[worker_effects.Effect], now: float) -> None:
        for effect in effects:
            match effect:
                case worker_effects.Publish(message=message):
                    self.outbox.append(message)
                case worker_effects.Store():
                    self.spool.append(effect)
                case worker_effects.Release():
                    self.spool = self.core.kept
                case worker_effects.Stop(tasks=tasks):
                    for task in tasks:
                        if id(task) in self.running:
                            self.running[id(task)] = (now + 0.2, task, True)
                case _:
                    pass


@dataclass
class Faults:
    """How bad the world is; all zero is a perfect one."""

    loss: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    conflict: float = 0.0
    unanswered: float = 0.0


@dataclass
class Write:
    """A status write on its way to the API server."""

    due: float
    effect: WriteStatus
    leader: Leader


@dataclass
class Simulation:
    """Everything, and the only clock."""

    random: Random
    agents: dict[str, Agent]
    bodies: dict[str, dict[str, Any]]
    faults: Faults = field(default_factory=Faults)
    now: float = 0.0
    version: int = 100
    epoch: int = 1
    writes: list[Write] = field(default_factory=list)
    history: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    on_written: Callable[[str, dict[str, Any]], None] = lambda uid, status: None
    to_agent: dict[str, deque[tuple[float, LeaderMessage]]] = field(default_factory=dict)
    to_leader: dict[str, deque[tuple[float, WorkerMessage]]] = field(default_factory=dict)
    sent: int = 0

    def __post_init__(self) -> None:
        for name in self.agents:
            self.to_agent[name], self.to_leader[name] = deque(), deque()
        self.lead()

    @property
    def nodes(self) -> list[Node]:
        return [
            Node(agent.name, "127.0.1.1", agent.cpu_millis, ready=True, cordoned=False)
            for agent in self.agents.values()
        ]

    def lead(self, *, alive: bool = True) -> None:
        """Another replica takes over from what the API server holds."""
        self.epoch += 1
        self.leader = Leader(self.epoch, f"replica-{self.epoch}", INSTALLATION)
        resources = [parse(body) for body in self.bodies.values()]
        heard = [("default", name) for name, agent in self.agents.items() if not agent.paused]
        self.leader.take_over(resources, self.nodes, at(self.now), heard, heard_all=alive)

    def edit(self, uid: str, **spec: Any) -> None:
        """A user changes a job."""
        body = self.bodies[uid]
        body["spec"].update(spec)
        body["metadata"]["generation"] += 1
        self._bump(uid)
        self.leader.job_seen(parse(body), at(self.now))

    def delete(self, uid: str) -> None:
        """A user deletes a job."""
        del self.bodies[uid]
        self.leader.job_gone(uid)

    def step(self, seconds: float = 0.1) -> None:
        """Let the world go on for a while."""
        self.now += seconds
        for agent in self.agents.values():
            if not agent.paused:
                for message in self._arrived(self.to_agent[agent.name]):
                    agent.hear(message, self.now)
                agent.step(self.now)
            for sent in agent.outbox:
                self._put(self.to_leader[agent.name], sent)
            agent.outbox.clear()
        for agent in self.agents.values():
            for received in self._arrived(self.to_leader[agent.name]):
                self._receive(agent.name, received)
        self._answer_writes()
        if self.random.random() >= self.faults.loss:
            self.leader.proved(at(self.now))
        settle(self.leader, at(self.now))
        while effects := self.leader.take_effects():
            for effect in effects:
                self._perform(effect)

    def _receive(self, name: str, message: WorkerMessage) -> None:
        key, now = ("default", name), at(self.now)
        match message:
            case Hello():
                reporting.hello(self.leader, key, message, now)
            case Report():
                reporting.report(self.leader, key, message, now)
            case Refusal():
                reporting.refusal(self.leader, message)

    def _put(self, link: deque[Any], message: Any) -> None:
        self.sent += 1
        if self.random.random() < self.faults.loss:
            return
        due = self.now + self.random.random() * self.faults.delay
        if link:
            due = max(due, link[-1][0])  # A link never reorders.
        link.append((due, message))
        if self.random.random() < self.faults.duplicate:
            link.append((due, message))

    def _arrived(self, link: deque[Any]) -> list[Any]:
        arrived = []
        while link and link[0][0] <= self.now:
            arrived.append(link.popleft()[1])
        return arrived

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Send(worker=(_, name), message=message):
                self._put(self.to_agent[name], message)
            case Broadcast(message=message):
                for name in self.agents:
                    self._put(self.to_agent[name], message)
            case WriteStatus():
                due = self.now + self.random.random() * self.faults.delay
                self.writes.append(Write(due, effect, self.leader))
            case ReadJob(uid=uid):
                if uid in self.bodies:
                    self.leader.job_seen(parse(self.bodies[uid]), at(self.now))
                else:
                    self.leader.job_gone(uid)
            case RaiseEpoch(seen=seen):
                if seen >= self.leader.epoch:
                    self.epoch = max(self.epoch, seen) + 1
                    self.leader.new_epoch(self.epoch)

    def _bump(self, uid: str) -> None:
        self.version += 1
        self.bodies[uid]["metadata"]["resourceVersion"] = str(self.version)

    def _answer_writes(self) -> None:
        pending, self.writes = self.writes, []
        for write in pending:
            if write.due > self.now:
                self.writes.append(write)
            else:
                self._answer(write)

    def _answer(self, write: Write) -> None:
        effect, leader, now = write.effect, write.leader, at(self.now)
        body = self.bodies.get(effect.uid)
        if body is None:
            leader.job_gone(effect.uid)
            return
        if self.random.random() < self.faults.conflict:
            self._bump(effect.uid)
        if body["metadata"]["resourceVersion"] != effect.resource_version:
            checkpoints.not_written(leader, effect.uid, parse(body), now)
            return
        lost = self.random.random() < self.faults.unanswered
        if not lost or self.random.random() < 0.5:
            body["status"] = effect.status
            self._bump(effect.uid)
            self.history.append((self.now, effect.uid, effect.status))
            self.on_written(effect.uid, effect.status)
        if lost:
            checkpoints.not_written(leader, effect.uid, None, now)
        else:
            version = body["metadata"]["resourceVersion"]
            checkpoints.written(leader, effect.uid, version, effect.marks)

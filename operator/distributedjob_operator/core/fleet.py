"""The machine registry: nodes' allocatable CPU joined with the workers' hellos.

A worker is usable where its Node exists, is ready and not cordoned; it offers the
smaller of what the node can allocate and what the worker itself says it may use.
Commands to a worker are numbered without a gap within its session and kept until a
report shows them applied.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from msgspec import structs

from distributedjob_api.indexes import BitMap, from_ranges
from distributedjob_api.messages import Assign, Command
from distributedjob_api.v1alpha1 import Spec
from distributedjob_operator.core import cutting
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.policy.nodes import Taint, admits
from distributedjob_operator.core.rate import Rate

REPEAT_AFTER_SECONDS = 0.5
"""A command not seen applied for so long is sent again."""


@dataclass(frozen=True, slots=True)
class Node:
    """What the planner needs of a Node object."""

    name: str
    address: str
    cpu_millis: int
    ready: bool
    cordoned: bool
    memory_bytes: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Taint] = ()
    version: int = 0

    @property
    def schedulable(self) -> bool:
        """Whether it gets anything new."""
        return self.ready and not self.cordoned


@dataclass(slots=True)
class Worker:
    """One agent as the leader knows it, from its hello to its loss."""

    key: WorkerKey
    incarnation: str
    session: int
    node: str
    address: str
    cpu_millis: int
    memory_bytes: int
    heard: float
    restarted: bool = False
    blamed: tuple[str, int] = ("", -1)
    stated: bool = True
    leaving: bool = False
    ask_again_at: float | None = None
    applied: int = 0
    numbered: int = 0
    unapplied: deque[Command] = field(default_factory=deque)
    unsent: list[Command] = field(default_factory=list)
    sent_at: float = 0.0
    on_their_way: deque[tuple[int, float, int]] = field(default_factory=deque)
    """Of each batch of commands not seen applied: its last number, when it left, its tasks."""
    defined: dict[str, int] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    folded: dict[str, int] = field(default_factory=dict)
    confirmed: dict[str, int] = field(default_factory=dict)
    returning: dict[str, int] = field(default_factory=dict)
    ending: dict[str, BitMap] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    """Jobs that are gone, which it was told to drop and may still speak of."""
    rate: Rate = field(default_factory=Rate)
    """Tasks of it that ended."""

    def next_number(self) -> int:
        """The number of the next command of this session."""
        self.numbered += 1
        return self.numbered

    def order(self, command: Command) -> None:
        """Queue a command, the last one numbered; it leaves with the others of this round."""
        if not isinstance(command, Assign):
            self.unsent.append(command)
            return
        first, *others = cutting.parts(command)
        self.unsent.append(first)
        for part in others:
            self.unsent.append(structs.replace(part, number=self.next_number()))

    def flush(self, now: float) -> list[list[Command]]:
        """The messages to send now: new commands, behind old ones that seem to be lost."""
        batch, self.unsent = self.unsent, []
        lost = bool(self.unapplied) and now - self.sent_at >= REPEAT_AFTER_SECONDS
        if lost or not self.unapplied:
            self.sent_at = now
        self.unapplied.extend(batch)
        if batch:
            tasks = sum(command.count for command in batch if isinstance(command, Assign))
            self.on_their_way.append((batch[-1].number, now, tasks))
        return list(cutting.messages(self.unapplied if lost else batch))

    def confirm(self, applied: int, now: float) -> list[tuple[float, int]]:
        """Forget the commands up to the number that a report shows applied.

        Returns:
            Of each batch with tasks that has arrived, how long it took, and how many.
        """
        if applied <= self.applied:
            return []
        self.applied = applied
        while self.unapplied and self.unapplied[0].number <= applied:
            self.unapplied.popleft()
        self.sent_at = now
        for uid, number in list(self.returning.items()):
            if number <= applied:
                del self.returning[uid]
        arrived = []
        while self.on_their_way and self.on_their_way[0][0] <= applied:
            _, left_at, tasks = self.on_their_way.popleft()
            if tasks:
                arrived.append((now - left_at, tasks))
        return arrived

    def forget(self, uid: str) -> None:
        """Keep nothing more about a job that exists no longer."""
        self.folded.pop(uid, None)
        self.confirmed.pop(uid, None)
        self.ending.pop(uid, None)
        self.defined.pop(uid, None)
        self.ended.discard(uid)

    def keep(self, listed: Set[str]) -> None:
        """Remember results only of jobs that the worker has something of.

        Of any other all that it reported was acknowledged, and it says up to where when
        it speaks of the job again.
        """
        self.dropped &= listed
        for heard in (self.folded, self.confirmed):
            for uid in heard.keys() - listed:
                del heard[uid]

    def still_ending(self, uid: str, holds: BitMap) -> None:
        """Of what was told to end, keep what the worker has, or will have, in hand."""
        ending = self.ending.get(uid)
        if ending is not None:
            self.ending[uid] = ending & (holds | self.in_flight(uid))

    def in_flight(self, uid: str) -> BitMap:
        """Indexes of a job that were ordered after the last command applied."""
        indexes = BitMap()
        for command in (*self.unapplied, *self.unsent):
            if isinstance(command, Assign) and command.uid == uid:
                indexes |= from_ranges(command.fresh)
                indexes.update(attempt.index for attempt in command.retries)
        return indexes


@dataclass(slots=True)
class Fleet:
    """Every node and every worker known."""

    nodes: dict[str, Node] = field(default_factory=dict)
    seen_at: dict[str, float] = field(default_factory=dict)
    heard: dict[WorkerKey, float] = field(default_factory=dict)
    workers: dict[WorkerKey, Worker] = field(default_factory=dict)

    def capacity(self, worker: Worker) -> int:
        """Millicores that a worker offers; 0 where its node is not registered."""
        return self.offer(worker)[0]

    def memory(self, worker: Worker) -> int:
        """Bytes of memory that a worker offers; 0 where its node is not registered."""
        return self.offer(worker)[1]

    def offer(self, worker: Worker) -> tuple[int, int]:
        """Millicores and bytes of memory that a worker offers; 0 where its node is unknown."""
        node = self.nodes.get(worker.node)
        if node is None:
            return 0, 0
        return min(node.cpu_millis, worker.cpu_millis), min(node.memory_bytes, worker.memory_bytes)

    def admits(self, worker: Worker, spec: Spec) -> bool:
        """Whether a worker's node is one that a job may use."""
        node = self.nodes.get(worker.node)
        if node is None:
            return False
        if not (node.taints or spec.node_selector):
            return True
        return admits(node.labels, node.taints, spec.node_selector, spec.tolerations)

    def usable(self, pool: str) -> Iterator[Worker]:
        """The workers of a pool that may get something new, by name."""
        nodes = {name for name, node in self.nodes.items() if node.schedulable}
        for key in sorted(self.workers):
            worker = self.workers[key]
            if key[0] == pool and worker.node in nodes and not worker.leaving:
                yield worker

    def largest(self, workers: Iterable[Worker]) -> tuple[int, int]:
        """The most millicores, and the most bytes, that any of these workers offers."""
        offers = [self.offer(worker) for worker in workers]
        return max((cpu for cpu, _ in offers), default=0), max((m for _, m in offers), default=0)

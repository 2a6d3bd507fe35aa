"""Faults as values: what begins one, what ends it, and whose tasks it cuts off."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.rig import Rig

EVERYWHERE: Final = frozenset({"*"})


def boottime() -> float:
    """The clock that the ledger's lines carry."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class Fault:
    """A fault as it happened. Of ``cut`` nodes a task may run again elsewhere."""

    kind: str
    target: str
    cut: frozenset[str]
    start: float
    end: float = float("inf")

    def explains(self, node: str, start: float, end: float, slack: float) -> bool:
        """Whether a run on this node, at this time, was cut off by it."""
        there = self.cut == EVERYWHERE or node in self.cut
        return there and start <= self.end + slack and end >= self.start - slack


@dataclass(frozen=True, slots=True)
class Injection:
    """A fault to be made."""

    kind: str
    target: str
    begin: Callable[[], object]
    end: Callable[[], object] = field(default=lambda: None)
    cut: frozenset[str] = frozenset()


def nodes(names: Iterable[str]) -> frozenset[str]:
    """The nodes of the workers among these hosts."""
    return frozenset(
        name.replace("worker-", "node-") for name in names if name.startswith("worker-")
    )


def kill(rig: Rig, name: str) -> Injection:
    """SIGKILL; started again at the end."""
    return Injection(
        "kill -9", name, lambda: rig.kill(name), lambda: rig.revive(name), nodes([name])
    )


def terminate(rig: Rig, name: str) -> Injection:
    """SIGTERM; started again at the end."""
    return Injection(
        "SIGTERM", name, lambda: rig.terminate(name), lambda: rig.revive(name), nodes([name])
    )


def pause(rig: Rig, name: str) -> Injection:
    """SIGSTOP, and SIGCONT at the end."""
    return Injection(
        "pause", name, lambda: rig.pause(name), lambda: rig.resume(name), nodes([name])
    )


def part(rig: Rig, one: str, other: str) -> Injection:
    """Every packet between two hosts is lost."""
    return Injection(
        "partition",
        f"{one} | {other}",
        lambda: rig.network.part([one], [other]),
        rig.network.heal,
        nodes([one, other]),
    )


def isolate(rig: Rig, name: str) -> Injection:
    """A host hears nobody and nobody hears it."""
    return Injection(
        "isolation", name, lambda: rig.network.isolate(name), rig.network.heal, nodes([name])
    )


def deafen(rig: Rig, source: str, target: str) -> Injection:
    """Packets from one host to another are lost; those the other way arrive."""
    return Injection(
        "one-way partition",
        f"{source} -> {target}",
        lambda: rig.network.cut([source], [target]),
        rig.network.heal,
        nodes([source, target]),
    )


def refuse(rig: Rig, source: str, target: str) -> Injection:
    """Connections to a host fail at once, those that stand included."""

    def begin() -> None:
        rig.network.refuse(source, target)
        rig.network.reset(source, target)

    return Injection(
        "refusal", f"{source} -> {target}", begin, rig.network.heal, nodes([source, target])
    )


def reset(rig: Rig, source: str, target: str) -> Injection:
    """Connections between two hosts are aborted with an RST."""
    return Injection("reset", f"{source} -> {target}", lambda: rig.network.reset(source, target))

"""Hosts on a bridge, and what can be wrong with the wires between them.

Every host knows the others by fixed entries of its neighbour table. A cut wire is an
entry with an address that nobody has: packets leave and arrive nowhere, without a
word, in one direction, for connections that stand as for new ones. That needs no
packet filter, and holds on every Linux.
"""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from distributedjob_local.component import Host
from tests.chaos.isolation import run

SUBNET: Final = "10.211.7"
NOWHERE: Final = "02:00:00:00:00:fe"
BRIDGE: Final = "chaos"
OURS: Final = "runner"


@dataclass(frozen=True, slots=True)
class Station:
    """A host's place on the bridge."""

    name: str
    number: int

    @property
    def address(self) -> str:
        """Its IPv4 address."""
        return f"{SUBNET}.{self.number}"

    @property
    def hardware(self) -> str:
        """Its address on the wire."""
        return f"02:00:00:00:00:{self.number:02x}"

    @property
    def tool(self) -> Sequence[str]:
        """``ip``, as seen from this host."""
        return ("ip",) if self.name == OURS else ("ip", "-n", self.name)


class Network:
    """One namespace a host, all on one bridge."""

    def __init__(self, names: Sequence[str]) -> None:
        numbered = enumerate((OURS, *names), start=1)
        self.stations = {name: Station(name, number) for number, name in numbered}
        self._cut: set[tuple[str, str]] = set()
        self._refused: set[tuple[str, str]] = set()

    def build(self) -> None:
        """Make the bridge and the hosts."""
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        ours = self.stations[OURS]
        run("ip", "link", "set", BRIDGE, "address", ours.hardware, "up")
        run("ip", "addr", "add", f"{ours.address}/24", "dev", BRIDGE)
        for station in self._others(OURS):
            name, port = station.name, f"port{station.number}"
            run("ip", "netns", "add", name)
            run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
            run("ip", "link", "set", port, "master", BRIDGE, "up")
            run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "-n", name, "link", "set", "eth0", "address", station.hardware, "up")
            run("ip", "-n", name, "addr", "add", f"{station.address}/24", "dev", "eth0")
        for one in self.stations.values():
            for other in self._others(one.name):
                self._point(one, other, other.hardware)

    def hosts(self) -> dict[str, Host]:
        """Where components of these names are started."""
        nsenter = shutil.which("nsenter") or "nsenter"
        return {
            one.name: Host(one.address, (nsenter, f"--net={namespace(one.name)}"))
            for one in self._others(OURS)
        }

    def cut(self, sources: Iterable[str], targets: Iterable[str]) -> None:
        """Lose every packet from the first to the second; the way back stays."""
        targets = list(targets)
        for source in sources:
            for target in targets:
                if source != target:
                    self._cut.add((source, target))
                    self._point(self.stations[source], self.stations[target], NOWHERE)

    def part(self, one: Iterable[str], others: Iterable[str]) -> None:
        """Lose every packet between the two, both ways."""
        one, others = list(one), list(others)
        self.cut(one, others)
        self.cut(others, one)

    def isolate(self, name: str) -> None:
        """Part a host from every other component; we still reach it."""
        self.part([name], [other for other in self.stations if other not in (name, OURS)])

    def refuse(self, source: str, target: str) -> None:
        """Let connections fail at once, as a firewall's REJECT does."""
        self._refused.add((source, target))
        address = self.stations[target].address
        run(*self.stations[source].tool, "route", "add", "prohibit", f"{address}/32")
        run(*self.stations[source].tool, "route", "flush", "cache")

    def redirect(self, source: str, target: str, through: str) -> None:
        """Send packets for ``target`` to a third host, which may do as it likes."""
        self._cut.add((source, target))
        hardware = self.stations[through].hardware
        self._point(self.stations[source], self.stations[target], hardware)

    def reset(self, source: str, target: str) -> None:
        """Abort the TCP connections between the two; the other end gets an RST."""
        inside = f"--net={namespace(source)}"
        run("nsenter", inside, "ss", "--kill", "dst", self.stations[target].address)

    def heal(self) -> None:
        """All wires whole."""
        for source, target in self._cut:
            there = self.stations[target]
            self._point(self.stations[source], there, there.hardware)
        self._cut.clear()
        for source, target in self._refused:
            tool, address = self.stations[source].tool, self.stations[target].address
            run(*tool, "route", "del", "prohibit", f"{address}/32")
        self._refused.clear()

    def _others(self, name: str) -> list[Station]:
        return [one for one in self.stations.values() if one.name != name]

    def _point(self, source: Station, target: Station, hardware: str) -> None:
        device = BRIDGE if source.name == OURS else "eth0"
        entry = (target.address, "lladdr", hardware, "dev", device, "nud", "permanent")
        run(*source.tool, "neigh", "replace", *entry)


def namespace(name: str) -> Path:
    """Where the kernel shows a host's namespace."""
    return Path("/run/netns") / name

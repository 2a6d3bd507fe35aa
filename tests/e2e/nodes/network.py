"""The addresses of the cluster, and the one wire between its nodes.

Everything here happens in network namespaces of the run's own: the addresses mean nothing
to the machine and nothing leads out of them.
"""

from dataclasses import dataclass
from typing import Final

from tests.chaos.isolation import run

BRIDGE: Final = "nodes"
CONTROL: Final = "198.18.0.1"
"""Of etcd and the API server: a range that is set aside for tests of networks."""
SERVICES: Final = "10.96.0.0/16"
DNS: Final = "10.96.0.10"
PODS: Final = "10.244.0.0/16"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the n-th node stands, counted from 1."""

    number: int

    @property
    def name(self) -> str:
        """The name of the node."""
        return f"node-{self.number}"

    @property
    def address(self) -> str:
        """Its address on the wire."""
        return f"198.18.0.{10 + self.number}"

    @property
    def pods(self) -> str:
        """The addresses of its pods."""
        return f"10.244.{self.number}.0/24"


def lay_wire() -> None:
    """Make the bridge, with the control plane's own address on it."""
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "address", "add", f"{CONTROL}/24", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")


def connect(place: Place, pid: int, others: list[Place]) -> None:
    """Wire the node with this first process to the bridge, and route to all pods."""
    here = f"to-{place.name}"
    peer = ("peer", "name", "eth0", "netns", str(pid))
    run("ip", "link", "add", here, "type", "veth", *peer)
    run("ip", "link", "set", here, "master", BRIDGE, "up")
    run("ip", "route", "add", place.pods, "via", place.address)
    inside = ("nsenter", f"--net=/proc/{pid}/ns/net", "ip")
    run(*inside, "link", "set", "lo", "up")
    run(*inside, "address", "add", f"{place.address}/24", "dev", "eth0")
    run(*inside, "link", "set", "eth0", "up")
    run(*inside, "route", "add", "default", "via", CONTROL)
    for other in others:
        run(*inside, "route", "add", other.pods, "via", other.address)
    run("nsenter", f"--net=/proc/{pid}/ns/net", "sysctl", "-qw", "net.ipv4.ip_forward=1")

"""How large a cluster is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Nodes, the CPU of each as a Kubernetes quantity, and operator replicas."""

    nodes: int = 2
    cpus: str = "1"
    operators: int = 1

    def __str__(self) -> str:
        nodes, operators = counted(self.nodes, "node"), counted(self.operators, "operator")
        return f"{nodes} with {self.cpus} CPU, {operators}"


def counted(number: int, one: str, several: str = "") -> str:
    """A number of things, in words that agree with it."""
    return f"{number} {one if number == 1 else several or f'{one}s'}"

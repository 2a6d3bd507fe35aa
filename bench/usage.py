"""What the processes of a cluster use: memory now, and CPU so far."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from distributedjob_local.cluster import Cluster

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_TICK: Final = os.sysconf("SC_CLK_TCK")


def pids(cluster: Cluster) -> dict[str, list[int]]:
    """The processes by what they are."""
    servers = {each.name: [each.pid] for each in cluster.control_plane.components}
    if cluster.nats.component is not None:
        servers["nats-server"] = [cluster.nats.component.pid]
    return {
        "operator": [each.pid for each in cluster.operators],
        "worker": [each.pid for each in cluster.workers],
        **servers,
    }


def resident_mib(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE / 2**20


def cpu_seconds(path: str) -> float:
    """User and system time of ``/proc/<path>``, a process or a thread; without its children."""
    fields = Path(f"/proc/{path}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds so far: by kind of process, and by thread of the operator."""

    processes: dict[str, float]
    threads: dict[str, float]

    def __sub__(self, before: "Cpu") -> "Cpu":
        return Cpu(
            {name: used - before.processes[name] for name, used in self.processes.items()},
            {name: used - before.threads.get(name, 0.0) for name, used in self.threads.items()},
        )


def cpu(cluster: Cluster) -> Cpu:
    """What has been used so far; ``kopf`` is the operator's busiest thread but its main one."""
    running = pids(cluster)
    operator = running["operator"][0]
    main = cpu_seconds(f"{operator}/task/{operator}")
    others = (
        cpu_seconds(f"{operator}/task/{thread}")
        for thread in os.listdir(f"/proc/{operator}/task")
        if int(thread) != operator
    )
    return Cpu(
        {kind: sum(cpu_seconds(str(pid)) for pid in own) for kind, own in running.items()},
        {"main": main, "kopf": max(others, default=0.0)},
    )


def memory(cluster: Cluster) -> dict[str, float]:
    """Resident MiB by kind of process; for several of a kind, that of the largest."""
    return {kind: max(map(resident_mib, own)) for kind, own in pids(cluster).items()}

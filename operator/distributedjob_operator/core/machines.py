"""The machine registry as a list: every node, its worker, and what that worker does."""

from collections.abc import Iterator

from distributedjob_api.views import MachineView
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.fleet import Node, Worker
from distributedjob_operator.core.leader import QUIET_SECONDS, Leader


def machines(leader: Leader, now: Instant) -> list[MachineView]:
    """Every node by name, a row for each of its workers, and workers without a node."""
    return sorted(_rows(leader, now), key=lambda row: (row.node, row.pool))


def _rows(leader: Leader, now: Instant) -> Iterator[MachineView]:
    fleet, held = leader.fleet, _held(leader)
    for key, worker in fleet.workers.items():
        node = fleet.nodes.get(worker.node)
        running, queued, busy = held.get(key, (0, 0, 0))
        yield MachineView(
            node=worker.node,
            health=_health(leader, worker, node),
            pool=key[0],
            address=node.address if node else worker.address,
            allocatable_millis=node.cpu_millis if node else 0,
            slots_millis=fleet.capacity(worker),
            memory_bytes=fleet.memory(worker),
            busy_millis=busy,
            running=running,
            queued=queued,
            rate=round(worker.rate.per_second(now.mono), 3),
            heard=round(max(0.0, now.mono - worker.heard), 3),
            dropped_records=leader.dropped_records.get((key, worker.incarnation), 0),
        )
    with_worker = {worker.node for worker in fleet.workers.values()}
    for name, node in fleet.nodes.items():
        if name not in with_worker:
            yield MachineView(name, "NoWorker", "", node.address, node.cpu_millis)


def _held(leader: Leader) -> dict[WorkerKey, tuple[int, int, int]]:
    """Per worker, tasks that run, tasks that wait there, and the millicores of the former.

    It costs as many steps as there are pairs of a job and a worker that holds some of it.
    """
    held: dict[WorkerKey, tuple[int, int, int]] = {}
    for job in leader.awake.values():
        ledger = job.ledger
        for key, assigned in ledger.assigned.items():
            runs = len(ledger.running.get(key, ()))
            running, queued, busy = held.get(key, (0, 0, 0))
            waits = max(0, len(assigned) - runs)
            held[key] = (running + runs, queued + waits, busy + runs * job.cpu_millis)
    return held


def _health(leader: Leader, worker: Worker, node: Node | None) -> str:
    if node is None:
        return "NoNode"
    if leader.proved_at - worker.heard > QUIET_SECONDS:
        return "Silent"
    if not node.ready:
        return "NotReady"
    if worker.leaving:
        return "Leaving"
    return "Cordoned" if node.cordoned else "Ready"

"""What does the faults of a scenario to the world, and undoes them after a while."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tests.support.simulation.api_server import ApiFaults
from tests.support.simulation.host import Host
from tests.support.simulation.nats import Link, Noise
from tests.support.simulation.operators import OperatorHost
from tests.support.simulation.scenario import Fault, JobPlan, Step
from tests.support.simulation.workers import WorkerHost
from tests.support.simulation.world import World

LONGEST_SECONDS: Final = 6.0
"""Of a pause, a cut, an outage: some stay below the limits of silence, some go beyond."""

DEAF_SECONDS: Final = 8.0
"""So long a deaf connection may last until the worker's probes have found out."""


class Nemesis:
    """One for each history."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._undo: dict[int, Callable[[], None]] = {}
        self._undone = 0

    def strike(self, step: Step) -> None:
        """Let a fault happen; what is not there to be hit is spared."""
        self._world.history.faults[step.fault] += 1
        self._world.note(f"{step.fault} ({step.target}, {step.size:.2f})")
        _DO[step.fault](self, step)

    def heal(self) -> None:
        """Undo everything: from now on nothing is wrong any more."""
        self._world.note("all heals")
        for number in list(self._undo):
            self._finish(number)
        self._world.nats.noise = Noise()
        self._world.api.faults = ApiFaults()
        for host in self._hosts():
            if host.process is not None:
                host.process.fuse = 0

    # -- help ----------------------------------------------------------------------

    def _hosts(self) -> list[Host]:
        return [*self._world.operators.values(), *self._world.workers.values()]

    def _operator(self, step: Step) -> OperatorHost:
        """The leader half of the time, else any."""
        lease, operators = self._world.api.lease, self._world.operators
        leader = lease.holder.partition(".")[0] if lease is not None else ""
        if leader in operators and step.target % 2 == 0:
            return operators[leader]
        return list(operators.values())[step.target // 2 % len(operators)]

    def _worker(self, step: Step) -> WorkerHost:
        workers = list(self._world.workers.values())
        return workers[step.target % len(workers)]

    def _job(self, step: Step) -> str:
        return f"j{step.target % len(self._world.scenario.jobs)}"

    def _for(self, seconds: float, undo: Callable[[], None]) -> None:
        """Undo it after a time, or when all heals."""
        self._undone += 1
        self._undo[self._undone] = undo
        self._world.later(seconds, self._finish, self._undone)

    def _finish(self, number: int) -> None:
        undo = self._undo.pop(number, None)
        if undo is not None:
            undo()

    # -- processes -----------------------------------------------------------------

    def crash_operator(self, step: Step) -> None:
        self._operator(step).kill()

    def crash_operators(self, step: Step) -> None:
        for host in self._world.operators.values():
            host.kill()

    def fuse_operator(self, step: Step) -> None:
        process = self._operator(step).process
        if process is not None:
            process.fuse = 1 + int(40 * step.size)

    def stop_operator(self, step: Step) -> None:
        self._operator(step).stop()

    def crash_worker(self, step: Step) -> None:
        self._worker(step).kill(keeps_tasks=False)

    def crash_agent(self, step: Step) -> None:
        self._worker(step).kill(keeps_tasks=True)

    def fuse_worker(self, step: Step) -> None:
        host = self._worker(step)
        if host.process is not None:
            host.keeps_tasks = step.target % 2 == 0
            host.process.fuse = 1 + int(20 * step.size)

    def leave(self, step: Step) -> None:
        self._worker(step).leave()

    def pause_operator(self, step: Step) -> None:
        host = self._operator(step)
        host.away()
        self._pause(host, step, host.back)

    def pause_worker(self, step: Step) -> None:
        self._pause(self._worker(step), step, lambda: None)

    def _pause(self, host: Host, step: Step, back: Callable[[], None]) -> None:
        process = host.process
        if process is None or not process.alive or process.paused:
            return
        process.paused = True

        def resume() -> None:
            self._world.note(f"{process.name} goes on")
            process.paused = False
            if process.alive:
                back()
                self._world.loop.go_on(process)

        self._for(LONGEST_SECONDS * step.size, resume)

    def jump_clock(self, step: Step) -> None:
        self._operator(step).wall_ahead += 7200.0 * (step.size - 0.5)

    # -- the network ---------------------------------------------------------------

    def cut_operator_from_nats(self, step: Step) -> None:
        host = self._operator(step)
        host.away()
        link = self._world.nats.link(host.name)
        self._cut(link, step, host.back)
        self._world.nats.watch(link)

    def cut_worker_from_nats(self, step: Step) -> None:
        link = self._world.nats.link(self._worker(step).name)
        self._cut(link, step, lambda: None)
        self._world.nats.watch(link)

    def cut_operator_from_api(self, step: Step) -> None:
        host = self._operator(step)
        self._cut(host.api_link, step, host.watch_again)

    def _cut(self, link: Link, step: Step, back: Callable[[], None]) -> None:
        """Both ways, or one of them."""
        outward, inward = ((1, 1), (1, 0), (0, 1))[step.target // 2 % 3]
        link.outward_cut += outward
        link.inward_cut += inward

        def mend() -> None:
            link.outward_cut -= outward
            link.inward_cut -= inward
            back()

        self._for(LONGEST_SECONDS * step.size, mend)

    def delay_operator(self, step: Step) -> None:
        """What it sends while it still leads arrives when another does."""
        host = self._operator(replace(step, target=0))
        for connection in self._world.nats.connections:
            if connection.process is host.process:
                connection.lag = LONGEST_SECONDS * step.size
                self._for(LONGEST_SECONDS, lambda late=connection: setattr(late, "lag", 0.0))
        self._cut(host.api_link, replace(step, target=0, size=1.0), host.watch_again)

    def deafen_operator(self, step: Step) -> None:
        """For good: the operator itself finds out, and has itself replaced."""
        host = self._operator(step)
        for connection in self._world.nats.connections:
            if connection.process is host.process:
                host.away()
                connection.deaf = True

    def deafen_worker(self, step: Step) -> None:
        host = self._worker(step)
        for connection in self._world.nats.connections:
            if connection.process is host.process:
                connection.deaf = True
                self._for(DEAF_SECONDS * step.size, lambda dead=connection: dead.lose(0.0))

    def restart_nats(self, step: Step) -> None:
        nats = self._world.nats
        if not nats.up:
            return
        nats.stop()
        for host in self._world.operators.values():
            host.away()
        self._for(LONGEST_SECONDS * step.size**2, nats.start)

    def lose_journal(self, step: Step) -> None:
        self._world.nats.journal.clear()
        self.restart_nats(replace(step, size=step.size / 2))

    # -- the API server and its objects --------------------------------------------

    def stop_api(self, step: Step) -> None:
        api = self._world.api
        if not api.up:
            return
        api.up = False

        def start() -> None:
            api.up = True
            for host in self._world.operators.values():
                host.watch_again()

        self._for(LONGEST_SECONDS * step.size, start)

    def _api(self, step: Step, faults: ApiFaults) -> None:
        self._world.api.faults = faults
        self._for(LONGEST_SECONDS, lambda: setattr(self._world.api, "faults", ApiFaults()))

    def trouble_api(self, step: Step) -> None:
        size = 0.5 * step.size
        self._api(step, ApiFaults(refused=size / 2, answer_lost=size, slow=size))

    def conflict(self, step: Step) -> None:
        self._api(step, ApiFaults(conflict=step.size))

    def miss_events(self, step: Step) -> None:
        self._api(step, ApiFaults(event_missed=step.size))

    def delete_lease(self, step: Step) -> None:
        """Two may lead until the holder finds out: only the epoch fences then."""
        now = self._world.loop.time()
        for name in self._world.workers:
            self._world.ledger.trouble(name, now, now + LONGEST_SECONDS)
        self._world.api.lease = None
        self._world.api.next_version()
        self._world.api.lease_changed()

    def fill_disk(self, step: Step) -> None:
        disk = self._worker(step).disk
        disk.full = True
        self._for(LONGEST_SECONDS * step.size, lambda: setattr(disk, "full", False))

    def delete_node(self, step: Step) -> None:
        world, name = self._world, self._worker(step).name
        node = world.api.nodes.get(name)
        if node is None:
            return
        now = world.loop.time()
        world.ledger.trouble(name, now, now + LONGEST_SECONDS)
        world.api.delete_node(name)
        self._for(LONGEST_SECONDS * step.size**2, lambda: world.api.set_node(node))

    def cordon(self, step: Step) -> None:
        api, name = self._world.api, self._worker(step).name
        node = api.nodes.get(name)
        if node is None:
            return
        api.set_node(replace(node, cordoned=True))

        def uncordon() -> None:
            if name in api.nodes:
                api.set_node(replace(api.nodes[name], cordoned=False))

        self._for(LONGEST_SECONDS * step.size, uncordon)

    # -- users ---------------------------------------------------------------------

    def touch(self, step: Step) -> None:
        self._world.api.touch(self._job(step))

    def parallelism(self, step: Step) -> None:
        self._world.api.edit(self._job(step), parallelism=(0, 1, 3, 100)[int(4 * step.size)])

    def suspend(self, step: Step) -> None:
        mode = "Now" if step.size < 0.6 else "Drain"
        self._world.api.edit(self._job(step), suspend=True, suspendMode=mode)

    def resume(self, step: Step) -> None:
        self._world.api.edit(self._job(step), suspend=False)

    def cancel(self, step: Step) -> None:
        self._world.api.edit(self._job(step), cancel=True)

    def delete(self, step: Step) -> None:
        self._world.api.delete(self._job(step))

    def recreate(self, step: Step) -> None:
        name = self._job(step)
        body = self._world.api.jobs.get(name)
        if body is not None:
            plan = self._world.plans[body["metadata"]["uid"]]
            self._world.api.delete(name)
            self._for(2.0 * step.size**2, lambda: self._create_if_absent(name, plan))

    def _create_if_absent(self, name: str, plan: JobPlan) -> None:
        if name not in self._world.api.jobs:
            self._world.create_job(name, plan)

    def rerun(self, step: Step) -> None:
        token = f"t{int(step.at * 1e6)}"
        indexes = "failed" if step.size < 0.5 else "0-4"
        self._world.api.edit(self._job(step), rerun={"token": token, "indexes": indexes})


_DO: Final[dict[Fault, Callable[[Nemesis, Step], None]]] = {
    Fault.OPERATOR_CRASH: Nemesis.crash_operator,
    Fault.OPERATOR_CRASH_AT_EFFECT: Nemesis.fuse_operator,
    Fault.OPERATOR_PAUSE: Nemesis.pause_operator,
    Fault.OPERATOR_STOP: Nemesis.stop_operator,
    Fault.OPERATOR_DEAF: Nemesis.deafen_operator,
    Fault.OPERATOR_CUT_FROM_NATS: Nemesis.cut_operator_from_nats,
    Fault.OPERATOR_CUT_FROM_API: Nemesis.cut_operator_from_api,
    Fault.OPERATOR_LATE: Nemesis.delay_operator,
    Fault.OPERATORS_DOWN: Nemesis.crash_operators,
    Fault.CLOCK_JUMP: Nemesis.jump_clock,
    Fault.WORKER_CRASH: Nemesis.crash_worker,
    Fault.WORKER_CRASH_AT_EFFECT: Nemesis.fuse_worker,
    Fault.AGENT_CRASH: Nemesis.crash_agent,
    Fault.WORKER_PAUSE: Nemesis.pause_worker,
    Fault.WORKER_LEAVE: Nemesis.leave,
    Fault.WORKER_DEAF: Nemesis.deafen_worker,
    Fault.WORKER_CUT_FROM_NATS: Nemesis.cut_worker_from_nats,
    Fault.DISK_FULL: Nemesis.fill_disk,
    Fault.NODE_DELETED: Nemesis.delete_node,
    Fault.NODE_CORDONED: Nemesis.cordon,
    Fault.NATS_RESTART: Nemesis.restart_nats,
    Fault.NATS_DATA_LOSS: Nemesis.lose_journal,
    Fault.API_DOWN: Nemesis.stop_api,
    Fault.API_TROUBLE: Nemesis.trouble_api,
    Fault.API_CONFLICTS: Nemesis.conflict,
    Fault.EVENTS_MISSED: Nemesis.miss_events,
    Fault.LEASE_DELETED: Nemesis.delete_lease,
    Fault.JOB_TOUCHED: Nemesis.touch,
    Fault.PARALLELISM: Nemesis.parallelism,
    Fault.SUSPEND: Nemesis.suspend,
    Fault.RESUME: Nemesis.resume,
    Fault.CANCEL: Nemesis.cancel,
    Fault.DELETE: Nemesis.delete,
    Fault.RECREATE: Nemesis.recreate,
    Fault.RERUN: Nemesis.rerun,
}

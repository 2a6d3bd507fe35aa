"""A machine with the real agent on it: disk, tasks and connection are simulated."""

import errno
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from distributedjob_api import task_reasons
from distributedjob_api.messages import MessageError, decode_leader
from distributedjob_api.subjects import Subjects
from distributedjob_worker import spool as spools
from distributedjob_worker.agent import Agent
from distributedjob_worker.core import reports
from distributedjob_worker.core.effects import Store
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.core.worker import Identity, Worker
from tests.support.simulation.host import Host
from tests.support.simulation.ledger import How, Run
from tests.support.simulation.nats import Connection, WorkerTransport
from tests.support.simulation.process import Killed, Process
from tests.support.simulation.world import INSTALLATION, POOL, World

STOP_SECONDS = 0.3
"""A task that is told to end takes up to so long."""

ORDER_SECONDS = 0.002
"""From the agent to an executor."""

STALE_SECONDS = 0.5
"""How long a task stays ahead."""


@dataclass(slots=True)
class Disk:
    """What survives the agent."""

    data: bytes = b""
    full: bool = False


class Spool:
    """:class:`distributedjob_worker.spool.Spool` on a simulated disk, in its very format."""

    full = False

    def __init__(self, disk: Disk, process: Process) -> None:
        self._disk = disk
        self._process = process

    def load(self) -> list[Store]:
        """What earlier incarnations left; a torn tail is dropped."""
        found: dict[str, Store] = {}
        for record in spools._records(self._disk.data):
            store = Store(record.uid, record.namespace, record.name, [])
            found.setdefault(record.uid, store).entries.append(record.entry)
        return list(found.values())

    def append(self, stores: Iterable[Store]) -> None:
        """Write behind the rest; a kill in the middle of it tears the tail."""
        data = spools._encode(stores)
        try:
            self._effect()
        except Killed:
            self._disk.data += data[: len(data) // 2]
            raise
        self._disk.data += data

    def keep(self, stores: Iterable[Store]) -> None:
        """Drop what was acknowledged, once nothing else is left, as the real one does."""
        if next(iter(stores), None) is None:
            self.replace(())

    def replace(self, stores: Iterable[Store]) -> None:
        """Write the file anew; a kill leaves the old one."""
        self._effect()
        self._disk.data = spools._encode(stores)

    def _effect(self) -> None:
        self._process.effect()
        if self._disk.full:
            raise OSError(errno.ENOSPC, "No space left on device")


Follower = tuple[Task, Run] | None
"""Who took the place of a task that ended, if anybody."""

Teller = Callable[[How, Follower], None]


class Executor:
    """Runs what the core lets start, as the real one does, with tasks that only take time."""

    def __init__(self, host: "WorkerHost", process: Process, core: Worker) -> None:
        self._host = host
        self._process = process
        self._core = core
        self._runs: dict[Task, Run] = {}
        self._stops: set[Task] = set()
        self.changed: Callable[[], None] = lambda: None

    def wake(self) -> None:
        """There may be tasks to start."""
        loop = self._host.world.loop
        core = self._core
        while core.has_room and (task := core.take(loop.time())) is not None:
            self._runs[task] = self._host.start_task(task, self.teller(task))

    def stop(self, tasks: Iterable[Task]) -> None:
        """End running tasks by command."""
        for task in tasks:
            if task in self._runs and self._core.runs(task):
                self._stops.add(task)
                self._host.stop_task(task, self._runs[task], self.teller(task))

    def recall(self, tasks: Iterable[Task]) -> None:
        """Nothing is ahead where the slots ask the core."""

    def teller(self, task: Task) -> Teller:
        """How the machine tells of this task's end."""
        return lambda how, follower: self._ended(task, how, follower)

    def _ended(self, task: Task, how: How, follower: Follower) -> None:
        run = self._runs.pop(task, None)
        if run is None:
            return
        reason = ""
        if task in self._stops:
            self._stops.discard(task)
            reason = task_reasons.STOPPED
        elif how is not How.SUCCEEDED:
            reason = task_reasons.ERROR
        outcome = Outcome(run.started, run.end - run.started, reason, 1 if reason else 0)
        sooner = self._core.finish(task, outcome)
        if follower is not None:
            self._runs[follower[0]] = follower[1]
            self._core.follow(follower[0])
        self.wake()
        if sooner:
            self.changed()


class Crew(Executor):
    """Executors that have tasks ahead, which the machine starts without a word of the agent.

    Each order takes a moment, in which a task ahead may have been started.
    """

    def wake(self) -> None:
        """There may be tasks to start, and more to have ahead."""
        super().wake()
        for define in {id(task.define): task.define for task in self._runs}.values():
            for task in self._core.take_ahead(define, 1, 1):
                self._order(self._host.put_ahead, task, self._back)

    def stop(self, tasks: Iterable[Task]) -> None:
        """End tasks, running or ahead."""
        for task in tasks:
            self._stops.add(task)
            self._order(self._host.recall, task, self._back, self.teller(task))

    def recall(self, tasks: Iterable[Task]) -> None:
        """Give back tasks ahead, unless they have been started."""
        for task in tasks:
            self._order(self._host.recall, task, self._back, None)

    def _order(self, order: Callable[..., None], *arguments: object) -> None:
        def arrive() -> None:
            if self._host.process is self._process and self._process.alive:
                order(*arguments)

        self._host.world.later(ORDER_SECONDS, arrive)

    def _back(self, task: Task) -> None:
        self._stops.discard(task)
        if self._core.give_back(task):
            self.changed()
        super().wake()


class WorkerHost(Host):
    """One machine: agents come and go on it, its disk and its tasks stay."""

    def __init__(self, world: World, name: str, cpu_millis: int, *, crew: bool = False) -> None:
        super().__init__(world, name)
        self.crew = crew
        self.executor: Executor | None = None
        self._active: dict[Task, Run] = {}
        self._ahead: list[Task] = []
        self.cpu_millis = cpu_millis
        self.disk = Disk()
        self.keeps_tasks = False
        self.agent: Agent | None = None
        self.core: Worker | None = None
        self._highest = 0

    def start(self) -> None:
        """Start an agent; what an earlier one left running is ended first."""
        if not self.up:
            self._end_tasks()
        super().start()

    async def _main(self, process: Process) -> None:
        world, loop = self.world, self.world.loop
        identity = Identity(process.name, self.name, "127.0.1.1", "sim", self.cpu_millis, 2**30)
        core = self.core = Worker(identity)
        spool = Spool(self.disk, process)
        core.ledgers.adopt(spool.load())
        try:
            spool.replace(core.ledgers.kept)
        except OSError:
            # The agent cannot begin on a full disk: it is started again and again.
            process.kill()
            return
        executor = self.executor = (Crew if self.crew else Executor)(self, process, core)
        agent = Agent(core, threading.Lock(), executor, spool, None, clock=loop.time)
        executor.changed = agent.changed
        self.agent = agent
        self._highest = 0
        subjects = Subjects(INSTALLATION)
        own = {subjects.worker(POOL, self.name), subjects.announce()}
        connection = Connection(
            world.nats,
            process,
            world.nats.link(self.name),
            own.__contains__,
            lambda _, data: self._receive(agent, core, data),
            agent.connected,
        )
        agent.transport = WorkerTransport(connection, subjects, POOL, self.name)
        world.nats.open(connection)

    def _receive(self, agent: Agent, core: Worker, data: bytes) -> None:
        """Law E: what comes from an epoch lower than one seen changes nothing."""
        try:
            epoch = decode_leader(data).epoch
        except MessageError:
            epoch = self._highest
        outdated = epoch < self._highest
        before = self._state(core) if outdated else None
        agent.received(data)
        if outdated and before != self._state(core):
            self.world.violation("E", f"{self.name} obeys epoch {epoch} after {self._highest}")
        self._highest = max(self._highest, epoch)

    @staticmethod
    def _state(core: Worker) -> tuple[object, ...]:
        """What a message may change; a report that is due by now may leave beside it."""
        session = core.session
        held = [
            (one.uid, one.queued, one.running)
            for one in reports.job_states(core.queues, core.ledgers, idle=True)
        ]
        acked = [(uid, ledger.acked_seq) for uid, ledger in core.ledgers.jobs.items()]
        return session.epoch, session.number, session.applied, held, acked

    # -- tasks ---------------------------------------------------------------------

    def start_task(self, task: Task, tell: Teller) -> Run:
        """A process starts; it belongs to the machine, not to the agent."""
        world = self.world
        now = world.loop.time()
        define = task.define
        run = Run(define.uid, define.run, task.index, task.ended, self.name, now)
        world.laws.starts(run)
        self._active[task] = run
        seconds, how = world.work(define.uid, task.index, task.ended)
        self._end_after(seconds, task, run, how, tell)
        return run

    def stop_task(self, task: Task, run: Run, tell: Teller) -> None:
        """SIGTERM, which every task heeds sooner or later."""
        run.told_to_end = True
        self._end_after(STOP_SECONDS * self.world.random.random(), task, run, How.STOPPED, tell)

    def put_ahead(self, task: Task, back: Callable[[Task], None]) -> None:
        """Start a task when another of its job ends; give it back where none does."""
        if any(other.define is task.define for other in self._active):
            self._ahead.append(task)
            self.world.later(STALE_SECONDS, self.recall, task, back, None)
        else:
            self._tell(back, task)

    def recall(self, task: Task, back: Callable[[Task], None], tell: Teller | None) -> None:
        """Give back a task that is ahead; end one that runs if its end is to be told."""
        if task in self._ahead:
            self._ahead.remove(task)
            self._tell(back, task)
        elif task in self._active and tell is not None:
            self.stop_task(task, self._active[task], tell)

    def _tell(self, call: Callable[..., None], *arguments: object) -> None:
        if self.process is not None:
            self.world.loop.call_soon(call, *arguments, context=self.process.context)

    def _end_after(self, seconds: float, task: Task, run: Run, how: How, tell: Teller) -> None:
        def end() -> None:
            if run.how is How.RUNNING:
                # One that ends by itself after the signal counts as ended by command, too.
                ended = How.STOPPED if run.told_to_end else how
                self.world.ledger.finish(run, ended, self.world.loop.time())
                self._active.pop(task, None)
                self._tell(tell, how, self._follow(task))

        self.world.later(seconds, end)

    def _follow(self, ended: Task) -> Follower:
        for task in self._ahead:
            if task.define is ended.define and self.executor is not None:
                self._ahead.remove(task)
                return task, self.start_task(task, self.executor.teller(task))
        return None

    def _end_tasks(self) -> None:
        ledger = self.world.ledger
        self._active.clear()
        for run in [run for run in ledger.active if run.place == self.name]:
            ledger.finish(run, How.KILLED, self.world.loop.time())

    # -- faults --------------------------------------------------------------------

    def kill(self, *, keeps_tasks: bool) -> None:
        """SIGKILL to the agent, or to the container with all its tasks."""
        self.keeps_tasks = keeps_tasks
        if self.process is not None and self.process.alive:
            self.process.kill()

    def leave(self) -> None:
        """SIGTERM: the agent gives back what it has, and another takes its place."""
        process, agent = self.process, self.agent
        if process is None or agent is None or not process.alive:
            return

        async def leave() -> None:
            await agent.leave()
            process.kill()

        self.keeps_tasks = False
        self.world.loop.create_task(leave(), context=process.context)

    def _end(self) -> None:
        self._ahead.clear()
        now = self.world.loop.time()
        self.world.ledger.trouble(self.name, now, now)
        if not self.keeps_tasks:
            self._end_tasks()

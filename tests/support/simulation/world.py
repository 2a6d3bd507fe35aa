"""Everything that one history consists of, in one place."""

from collections.abc import Callable
from contextvars import Context
from random import Random
from typing import TYPE_CHECKING, Any, Final

from tests.support.builders import job_body
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.history import History
from tests.support.simulation.ledger import How, Ledger
from tests.support.simulation.loop import VirtualLoop
from tests.support.simulation.nats import Nats
from tests.support.simulation.process import Process
from tests.support.simulation.scenario import JobPlan, Scenario

if TYPE_CHECKING:
    from tests.support.simulation.laws import Laws
    from tests.support.simulation.operators import OperatorHost
    from tests.support.simulation.workers import WorkerHost

INSTALLATION: Final = "djob-system/distributedjob"
POOL: Final = "default"


class World:
    """The one clock, the one source of chance, and all that happens."""

    laws: "Laws"

    def __init__(self, loop: VirtualLoop, scenario: Scenario, *, traced: bool) -> None:
        self.loop = loop
        self.scenario = scenario
        self.random = Random(scenario.dice)
        self.history = History(traced=traced)
        self.ledger = Ledger()
        self.nats = Nats(loop, self.random, self.history, scenario.noise)
        self.api = ApiServer(loop, self.random, self.history)
        self.workers: dict[str, WorkerHost] = {}
        self.operators: dict[str, OperatorHost] = {}
        self.plans: dict[str, JobPlan] = {}
        self.processes: list[Process] = []
        self._created = 0
        self._nobody = Context()

    def process(self, name: str, died: Callable[[], None]) -> Process:
        """Begin a process."""
        self.note(f"{name} starts")
        self.processes.append(Process(name, died))
        return self.processes[-1]

    def note(self, text: str) -> None:
        """Tell the history."""
        self.history.note(self.loop.time(), text)

    def violation(self, law: str, text: str) -> None:
        """A law was broken; what is unwound in the end breaks none."""
        if not self.loop.closing:
            self.history.violation(self.loop.time(), law, text)

    def later(self, seconds: float, call: Callable[..., Any], *arguments: Any) -> None:
        """Do something that belongs to no process."""
        self.loop.call_later(seconds, call, *arguments, context=self._nobody)

    def create_job(self, name: str, plan: JobPlan) -> None:
        """A user creates a job, perhaps under a name that was used before."""
        self._created += 1
        uid = f"uid-{name}-{self._created}"
        self.plans[uid] = plan
        body = job_body(name, uid=uid, cpu=f"{plan.millis}m", **plan.spec())
        self.api.create(body)
        self.note(f"{uid} is created: {plan.tasks} tasks")

    def work(self, uid: str, index: int, ended: int) -> tuple[float, How]:
        """How long an attempt takes, and how it ends."""
        plan = self.plans[uid]
        fails = index in plan.hopeless or (index in plan.flaky and ended < 1)
        seconds = plan.seconds * (0.2 + 1.6 * self.random.random())
        return seconds, How.FAILED if fails else How.SUCCEEDED

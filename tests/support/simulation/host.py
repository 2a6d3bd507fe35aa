"""Where a process of the simulated system comes and goes."""

from abc import ABC, abstractmethod

from tests.support.simulation.process import Process
from tests.support.simulation.world import World


class Host(ABC):
    """Its process is started again, a moment after it has ended."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.starts = 0
        self.process: Process | None = None

    @property
    def up(self) -> bool:
        """Whether a process runs here."""
        return self.process is not None and self.process.alive

    def start(self) -> None:
        """Start a process, unless one runs."""
        if self.up:
            return
        self.starts += 1
        process = self.process = self.world.process(f"{self.name}.{self.starts}", self._died)
        self.world.loop.create_task(self._main(process), context=process.context)

    @abstractmethod
    async def _main(self, process: Process) -> None:
        """The program."""

    @abstractmethod
    def _end(self) -> None:
        """What ends here with the process."""

    def _died(self) -> None:
        self.world.note(f"{self.process.name if self.process else self.name} is dead")
        self._end()
        self.world.later(0.3 + self.world.random.random(), self.start)

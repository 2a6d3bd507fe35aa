"""A process of the simulated system: it runs, stands still, or is dead."""

import asyncio
from collections.abc import Callable
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from typing import Final, Optional


class Killed(BaseException):
    """Unwinds a process that was killed in the middle of a call; nothing may catch it."""


@dataclass(slots=True, eq=False)
class Process:
    """One incarnation of a program.

    Every call through a port counts as an effect: a fuse set to n kills the process
    just before its n-th effect from then on, wherever that is in its code.
    """

    name: str
    died: Callable[[], None]
    alive: bool = True
    paused: bool = False
    fuse: int = 0
    postponed: list[asyncio.Handle] = field(default_factory=list)
    context: Context = field(default_factory=Context)

    def __post_init__(self) -> None:
        self.context.run(PROCESS.set, self)

    @property
    def still(self) -> bool:
        """Whether none of its code runs now."""
        return self.paused or not self.alive

    def effect(self) -> None:
        """Something is about to leave the process, or to be asked for."""
        if not self.alive:
            raise Killed
        if self.fuse:
            self.fuse -= 1
            if not self.fuse:
                self.kill()
                raise Killed

    def kill(self) -> None:
        """SIGKILL: none of its code runs any more."""
        if self.alive:
            self.alive = False
            self.died()


PROCESS: Final[ContextVar[Optional[Process]]] = ContextVar("process", default=None)  # noqa: UP045
"""Whose code runs; a task, a callback and a timer inherit it from who made them."""

"""What can be started and stopped, also as a context manager."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from distributedjob_local.interrupts import STILL_ENDING, uninterrupted


class Startable(ABC):
    """Stopped at the end of its ``with`` block, also when its start fails half-way."""

    @abstractmethod
    def start(self) -> None:
        """Start, and return when it is ready."""

    @abstractmethod
    def stop(self) -> None:
        """End whatever of it runs."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            with uninterrupted(STILL_ENDING):
                self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with uninterrupted(STILL_ENDING):
            self.stop()

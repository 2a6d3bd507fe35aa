"""What the probes tell: whether a replica works, not just whether a port answers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from distributedjob_operator.leadership import DEAD_SECONDS
from distributedjob_operator.ports import Bus, Clock, Unavailable
from distributedjob_operator.troubles import Troubles

READY_SECONDS: Final = 1.0


@dataclass(slots=True)
class Readiness:
    """Whether NATS and the API server answer, asked at most once a second, and let us work."""

    bus: Bus
    ask_api: Callable[[], Awaitable[None]]
    clock: Clock
    troubles: Troubles
    _missing: str = ""
    _until: float = float("-inf")
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def missing(self) -> str:
        """What does not answer, in one line; empty when all is well."""
        async with self._asking:
            if self.clock.now().mono >= self._until:
                self._missing = await self._ask()
                self._until = self.clock.now().mono + READY_SECONDS
            return self._missing

    async def _ask(self) -> str:
        try:
            await self.bus.probe()
            await self.ask_api()
        except Unavailable as error:
            return str(error)
        return self.troubles.oldest


@dataclass(frozen=True, slots=True)
class Signs:
    """Signs of life; what does not apply to a standby is 0.

    ``expired_seconds`` is how long a Lease that is still believed to be held could have
    been taken by another, as client-go's ``LeaderElector.Check`` has it, and
    ``still_seconds`` how long ago the leader's loop came round last.
    """

    watching: bool
    expired_seconds: float
    still_seconds: float


def why_dead(signs: Signs) -> str:
    """Why only a restart would help, in one line; empty where nothing says so."""
    if not signs.watching:
        return "the watch of the API server has ended"
    if signs.expired_seconds > DEAD_SECONDS:
        return f"the Lease ran out {signs.expired_seconds:.0f} s ago and was not given up"
    if signs.still_seconds > DEAD_SECONDS:
        return f"the leader has stood still for {signs.still_seconds:.0f} s"
    return ""

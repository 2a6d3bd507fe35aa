"""The loop around ``core.election``: acquire, renew, lose, release."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from distributedjob_operator.core.election import (
    Acquire,
    Create,
    LeaseRecord,
    Observed,
    Renew,
    Wait,
    above,
    decide,
    epoch_of,
    observe,
    taken_by,
)
from distributedjob_operator.errors import LeaseLost
from distributedjob_operator.ports import Clock, Conflict, LeaseStore, NotFound, Unavailable
from distributedjob_operator.troubles import Troubles

_log = logging.getLogger(__name__)
_JITTER = 0.2
ACQUIRING = "the Lease cannot be had"
RENEWING = "the Lease cannot be renewed"
DEAD_SECONDS = 20.0
"""Longer than any request that the leader's loop or its Lease may wait for."""


@dataclass(frozen=True, slots=True)
class Timing:
    """client-go's three intervals, in seconds."""

    lease_duration: float
    renew_deadline: float
    retry_period: float


@dataclass(slots=True)
class Leadership:
    """One replica's part in the election.

    ``still_seconds`` tells how long ago the work for which the Lease is held came on.
    """

    leases: LeaseStore
    clock: Clock
    identity: str
    timing: Timing
    jitter: Callable[[], float] = random.random
    still_seconds: Callable[[], float] = lambda: 0.0
    troubles: Troubles = field(default_factory=Troubles)
    epoch: int = 0
    _observed: Observed | None = field(default=None)
    _renewed: float = float("-inf")

    @property
    def valid(self) -> bool:
        """Whether our Lease cannot have been taken by another yet.

        Checked before every write and publish; the clock goes on while the machine
        sleeps, so a process that was paused finds out here.
        """
        return self.clock.now().mono < self._renewed + self.timing.renew_deadline

    @property
    def age_seconds(self) -> float:
        """How long ago we renewed our Lease; 0 without one."""
        if not self.epoch or self._renewed == float("-inf"):
            return 0.0
        return self.clock.now().mono - self._renewed

    @property
    def expired_seconds(self) -> float:
        """How long a Lease that we have not given up could have been taken; 0 without one."""
        return max(0.0, self.age_seconds - self.timing.lease_duration)

    async def acquire(self) -> int:
        """Wait, for ever if need be, until we hold the Lease; returns the epoch."""
        while True:
            try:
                record = await self._attempt()
                self.troubles.over(ACQUIRING)
                if record is not None:
                    self.epoch = epoch_of(record)
                    return self.epoch
            except Conflict as error:
                _log.debug("the Lease could not be had: %s", error)
            except (NotFound, Unavailable) as error:
                self.troubles.note(ACQUIRING, str(error))
            await self._wait()

    async def hold(self) -> None:
        """Renew until it fails; raises :class:`LeaseLost`."""
        while True:
            await asyncio.sleep(self.timing.retry_period)
            if self.still_seconds() > DEAD_SECONDS:
                raise LeaseLost("the leader stands still, and holds the Lease for nothing")
            left = self._renewed + self.timing.renew_deadline - self.clock.now().mono
            if left <= 0:
                raise LeaseLost("the Lease could not be renewed in time")
            try:
                async with asyncio.timeout(left):
                    if await self._attempt() is None:
                        raise LeaseLost("another replica holds the Lease")
                self.troubles.over(RENEWING)
            except (Conflict, Unavailable, TimeoutError) as error:
                self.troubles.note(RENEWING, str(error) or "no answer in time")

    async def raise_epoch(self, seen: int) -> int:
        """Leave a floor above an epoch seen elsewhere; returns our new epoch."""
        record = await self.leases.read_lease()
        if record is None or record.holder != self.identity:
            raise LeaseLost("another replica holds the Lease")
        written = await self.leases.replace_lease(above(record, seen), acquired=False)
        self._observed = observe(self._observed, written, self.clock.now().mono)
        self.epoch = max(self.epoch, written.floor)
        return self.epoch

    async def release(self) -> None:
        """Give the Lease back, after the last write that it guarded."""
        self._renewed = float("-inf")
        observed = self._observed
        if observed is None or observed.record is None or observed.record.holder != self.identity:
            return
        released = replace(observed.record, holder="", duration_seconds=1.0)
        try:
            async with asyncio.timeout(self.timing.retry_period):
                await self.leases.replace_lease(released, acquired=False)
        except (Conflict, Unavailable, TimeoutError) as error:
            _log.info("the Lease was not released: %s", error)

    async def _attempt(self) -> LeaseRecord | None:
        """Read, decide, write; the record where we hold the Lease afterwards."""
        began = self.clock.now().mono
        record = await self.leases.read_lease()
        self._observed = observe(self._observed, record, self.clock.now().mono)
        match decide(self._observed, self.identity, self.clock.now().mono):
            case Wait():
                return None
            case Create():
                fresh = LeaseRecord(self.identity, self.timing.lease_duration, 0, "")
                written = await self.leases.create_lease(fresh)
            case Acquire(record=held):
                taken = taken_by(held, self.identity, self.timing.lease_duration)
                written = await self.leases.replace_lease(taken, acquired=True)
            case Renew(record=held):
                # The others go by this, so that an edit of it must not last.
                renewed = replace(held, duration_seconds=self.timing.lease_duration)
                written = await self.leases.replace_lease(renewed, acquired=False)
        # Counted from before the request: the holder must give up first.
        self._renewed = began
        self._observed = Observed(written, self.clock.now().mono)
        return written

    async def _wait(self) -> None:
        """Wait until the Lease changes or could have expired, at most a retry period.

        Jitter keeps several candidates from asking in step.
        """
        pause = self.timing.retry_period * (1 + _JITTER * self.jitter())
        observed, now = self._observed, self.clock.now().mono
        if observed is None or observed.record is None:
            await asyncio.sleep(pause)
            return
        decision = decide(observed, self.identity, now)
        if isinstance(decision, Wait):
            pause = min(pause, max(decision.until - now, 0.0))
        try:
            async with asyncio.timeout(pause):
                await self.leases.lease_changed(observed.record.version)
        except (Conflict, NotFound, Unavailable) as error:
            _log.debug("the Lease cannot be watched: %s", error)
            await asyncio.sleep(pause)
        except TimeoutError:
            return

"""The leader's shell: events in, one round, effects out.

Everything that happens is an entry of one inbox; after each batch of entries the
core settles once and its effects are performed. API requests run beside the loop
and their answers come back through the inbox, so nothing is awaited between what
the core saw and what it decided.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, assert_never

from distributedjob_api.logs import about
from distributedjob_api.messages import (
    Hello,
    LeaderMessage,
    MessageError,
    OutputReply,
    Refusal,
    Report,
    decode_worker,
    encode_message,
)
from distributedjob_api.subjects import Subjects, sender
from distributedjob_api.v1alpha1 import DistributedJob
from distributedjob_operator.api_work import ApiWork, Entry
from distributedjob_operator.core import checkpoints, relist, reporting
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import (
    Broadcast,
    Effect,
    PurgeJournal,
    RaiseEpoch,
    Send,
    TellLoss,
    TellPhase,
    WorkerKey,
)
from distributedjob_operator.core.fleet import Node
from distributedjob_operator.core.leader import Leader, Tuning
from distributedjob_operator.core.round import seconds_to_next, settle
from distributedjob_operator.errors import LeaseLost
from distributedjob_operator.leadership import Leadership
from distributedjob_operator.live import LiveOutput
from distributedjob_operator.ports import (
    Bus,
    Clock,
    Conflict,
    Denied,
    Journal,
    Kubernetes,
    Unavailable,
)
from distributedjob_operator.refused import Cause, Refused

_log = logging.getLogger(__name__)

LISTING = "jobs and nodes cannot be listed"
RETRY_LIST_SECONDS = 1.0
EVENTS_LATE_SECONDS = 2.0
WRITE_OUT_SECONDS = 2.0
SLICE_SECONDS = 0.02
"""So long the inbox is worked off before probes, answers and time limits have a turn."""


class Controller:
    """Leads for one epoch at a time; hears everything all the time."""

    def __init__(
        self,
        api: Kubernetes,
        bus: Bus,
        journal: Journal,
        leadership: Leadership,
        clock: Clock,
        subjects: Subjects,
        tuning: Tuning,
    ) -> None:
        self._api = api
        self.troubles = leadership.troubles
        self._work = ApiWork(api, self.put, lambda: leadership.valid, self.troubles)
        self._bus = bus
        self._journal = journal
        self._leadership = leadership
        self._clock = clock
        self._subjects = subjects
        self._tuning = tuning
        self._leading = False
        self._leader: Leader | None = None
        self.refused = Refused(clock)
        self.live = LiveOutput(self._send)
        self._retiring = False
        self._heard: dict[WorkerKey, float] = {}
        self._listening_since = self._proved_at = self._came_round = clock.now().mono
        self._inbox: deque[Entry] = deque()
        self._wake = asyncio.Event()
        self.on_missed: Callable[[], None] = lambda: None

    @property
    def leading(self) -> bool:
        """Whether it leads."""
        return self._leading

    @property
    def lead_now(self) -> tuple[Leader, Instant] | None:
        """What the leader knows at this moment, to be read and left as it is."""
        return None if self._leader is None else (self._leader, self._clock.now())

    @property
    def dropped_records(self) -> int:
        """Records that the journal never got, as the workers of this leader tell."""
        return sum(self._leader.dropped_records.values()) if self._leader is not None else 0

    @property
    def heard_at(self) -> float:
        """When any worker was heard last, on our clock."""
        return max(self._heard.values(), default=float("-inf"))

    @property
    def still_seconds(self) -> float:
        """How long ago the loop came round last; 0 while standing by."""
        return self._clock.now().mono - self._came_round if self._leading else 0.0

    # -- events --------------------------------------------------------------------

    def put(self, entry: Entry) -> None:
        """Add an event; while standing by there is nobody to tell."""
        if self._leading:
            self._inbox.append(entry)
            self._wake.set()

    def job_event(self, kind: str | None, body: Mapping[str, Any]) -> None:
        """A watch event of a job."""
        if kind == "DELETED":
            uid = body["metadata"]["uid"]
            self.put(lambda leader, _: leader.job_gone(uid))
        elif not self._has(body["metadata"]):
            self.put(lambda leader, now: self._work.see(leader, body, now))

    def _has(self, metadata: Mapping[str, Any]) -> bool:
        """Whether the leader holds this version already, as it does of all it wrote itself."""
        job = self._leader.jobs.get(metadata["uid"]) if self._leader is not None else None
        return job is not None and int(metadata["resourceVersion"]) <= int(job.resource_version)

    def node_event(self, kind: str | None, node: Node) -> None:
        """A watch event of a node."""
        if kind == "DELETED":
            self.put(lambda leader, now: leader.node_gone(node.name, now))
        else:
            self.put(lambda leader, now: leader.node_seen(node, now))

    def message(self, subject: str, payload: bytes) -> None:
        """A message of a worker; a standby notes who lives, for the day it takes over."""
        try:
            self._heard[sender(subject)] = self._clock.now().mono
        except (ValueError, IndexError):
            self.refused.note(subject, Cause.SUBJECT, "no worker sends on it")
            return
        self.put(lambda leader, now: self._hear(leader, subject, payload, now))

    def reconnected(self) -> None:
        """The bus is back after an interruption, in which we heard nobody."""
        self._listening_since = self._proved_at = self._clock.now().mono
        self.put(lambda leader, now: leader.reconnected(now))

    def proved(self) -> None:
        """The bus answered."""
        self._proved_at = self._clock.now().mono
        self.put(lambda leader, now: leader.proved(now))

    def _hear(self, leader: Leader, subject: str, payload: bytes, now: Instant) -> None:
        key = sender(subject)
        try:
            message = decode_worker(payload)
        except MessageError as error:
            self.refused.note(subject, Cause.MALFORMED, str(error))
            return
        match message:
            case Report():
                reporting.report(leader, key, message, now)
            case Hello():
                reporting.hello(leader, key, message, now)
                node = {"node": message.node}
                _log.info("worker %s of pool %s says hello", key[1], key[0], extra=node)
            case Refusal():
                reporting.refusal(leader, message)
            case OutputReply():
                self.live.heard(key, message)
            case _:
                assert_never(message)

    # -- the loop ------------------------------------------------------------------

    async def lead(self, epoch: int) -> None:
        """Lead until the Lease is lost, which is raised as LeaseLost."""
        self._leading = True
        self._came_round = self._clock.now().mono
        try:
            try:
                self._leader = leader = await self._take_over(epoch)
            except Unavailable:
                return  # Told to leave before it knew anything that is to be written.
            self._work.spawn(self._relist_for_ever())
            while not self._retiring:
                await self._round(leader)
                try:
                    async with asyncio.timeout(seconds_to_next(leader, self._clock.now())):
                        await self._wake.wait()
                except TimeoutError:
                    continue
            await self._write_out(leader)
        finally:
            self._leading, self._leader = False, None
            self._inbox.clear()
            self._work.cancel()

    def retire(self) -> None:
        """Stop handing out work, write what is known, and let :meth:`lead` return."""
        self._retiring = True
        self._wake.set()

    async def _round(self, leader: Leader) -> None:
        await self._handle_inbox(leader)
        # What the events ask for comes first: it may end this leader, or raise its epoch.
        await self._perform_all(leader)
        settle(leader, self._clock.now())
        await self._perform_all(leader)
        self._came_round = self._clock.now().mono

    async def _perform_all(self, leader: Leader) -> None:
        for effect in leader.take_effects():
            await self._perform(leader, effect)

    async def _write_out(self, leader: Leader) -> None:
        """The last writes: the next leader finds the newest record."""
        leader.retire()
        try:
            async with asyncio.timeout(WRITE_OUT_SECONDS):
                while True:
                    await self._handle_inbox(leader)
                    now = self._clock.now()
                    for job in leader.jobs.values():
                        if job.dirty:
                            job.touch(urgent=True)
                            checkpoints.want(leader, job)
                    for job in checkpoints.due(leader, now):
                        checkpoints.write(leader, job, now)
                    await self._perform_all(leader)
                    if not any(job.dirty or job.writing for job in leader.jobs.values()):
                        return
                    await self._wake.wait()
        except TimeoutError:
            _log.warning("not every status was written before leaving")

    async def _list(self) -> tuple[list[dict[str, Any]], list[Node]]:
        denied = False
        while True:
            try:
                found = await self._api.jobs.list_jobs(), await self._api.nodes.list_nodes()
            except Unavailable as error:
                denied = denied or isinstance(error, Denied)
                self.troubles.note(LISTING, str(error))
                if self._retiring and self._leader is None:
                    raise
                await asyncio.sleep(RETRY_LIST_SECONDS)
                continue
            self.troubles.over(LISTING)
            if denied:
                # What was not there when it began, kopf does not look for again.
                self.on_missed()
            return found

    async def _relist_for_ever(self) -> None:
        """Find what the watch missed; kopf loses deletions when it must list again."""
        while True:
            await asyncio.sleep(self._tuning.relist_seconds)
            await self._relist()

    async def _relist(self) -> None:
        began = self._clock.now().mono
        bodies, nodes = await self._list()
        # What happened just before the list may still be on its way.
        await asyncio.sleep(EVENTS_LATE_SECONDS)
        listed = {body["metadata"]["uid"] for body in bodies}
        # To read ten thousand objects anew each minute would take seconds.
        resources = await self._parse([one for one in bodies if not self._has(one["metadata"])])

        def compare(leader: Leader, now: Instant) -> None:
            if relist.make_up(leader, listed, resources, nodes, began, now):
                _log.warning("the watch of the API server had missed something")
                self.on_missed()
            for body in bodies:
                self._work.tell_set_aside(leader, body, now)

        self.put(compare)

    async def _take_over(self, epoch: int) -> Leader:
        bodies, nodes = await self._list()
        resources = await self._parse(bodies)
        now = self._clock.now()
        leader = Leader(
            epoch=epoch,
            identity=self._leadership.identity,
            installation=self._subjects.installation,
            tuning=self._tuning,
        )
        # Silence counts while the bus is proved to answer, and no longer.
        since = self._proved_at - self._tuning.silence_seconds
        alive = {worker for worker, heard in self._heard.items() if heard >= since}
        listened = self._proved_at - self._listening_since
        leader.take_over(resources, nodes, now, alive, listened=listened)
        for body in bodies:
            self._work.tell_set_aside(leader, body, now)
        _log.info("leading in epoch %d: %d jobs, %d nodes", epoch, len(resources), len(nodes))
        return leader

    async def _give_way(self, since: float) -> float:
        """Let whatever else waits have its turn; returns since when we had ours."""
        now = self._clock.now().mono
        if now - since <= SLICE_SECONDS:
            return since
        self._came_round = now
        await asyncio.sleep(0)
        return self._clock.now().mono

    async def _parse(self, bodies: list[dict[str, Any]]) -> list[DistributedJob]:
        """Read objects; those that make no sense are set aside."""
        resources, since = [], self._clock.now().mono
        for body in bodies:
            since = await self._give_way(since)
            if resource := self._work.parse(body, self._clock.now()):
                resources.append(resource)
        return resources

    async def _handle_inbox(self, leader: Leader) -> None:
        """Handle what is there now; what comes meanwhile wakes the loop again."""
        self._wake.clear()
        since = self._clock.now().mono
        for _ in range(len(self._inbox)):
            since = await self._give_way(since)
            entry = self._inbox.popleft()
            try:
                entry(leader, self._clock.now())
            except Exception:
                # One bad object or message must never stop the leader.
                _log.exception("an event could not be handled")

    async def _purge(self, uid: str) -> None:
        try:
            await self._journal.purge(uid)
        except Unavailable as error:
            # It ages out in the end.
            _log.info("%s", error)

    async def _perform(self, leader: Leader, effect: Effect) -> None:
        if not self._leadership.valid:
            raise LeaseLost("the Lease may have been taken by another replica")
        match effect:
            case Send(worker=worker, message=message):
                await self._send(worker, message)
            case Broadcast(message=message):
                await self._bus.publish(self._subjects.announce(), encode_message(message))
            case PurgeJournal(uid=uid):
                self._work.spawn(self._purge(uid))
            case RaiseEpoch(seen=seen):
                if seen >= leader.epoch:
                    await self._raise_epoch(leader, seen)
            case TellPhase():
                _tell_phase(effect)
            case TellLoss(worker=(pool, name)):
                node = {"node": effect.node}
                _log.warning("worker %s of pool %s is lost: %s", name, pool, effect.why, extra=node)
            case _:
                self._work.begin(effect)

    async def _send(self, worker: WorkerKey, message: LeaderMessage) -> None:
        await self._bus.publish(self._subjects.worker(*worker), encode_message(message))

    async def _raise_epoch(self, leader: Leader, seen: int) -> None:
        try:
            leader.new_epoch(await self._leadership.raise_epoch(seen))
        except (Conflict, Unavailable) as error:
            # Whoever speaks of it will speak of it again.
            _log.warning("epoch %d could not be looked into: %s", seen, error)


def _tell_phase(effect: TellPhase) -> None:
    why = f" ({effect.reason})" if effect.reason else ""
    _log.info(
        "%s is %s%s", effect.name, effect.phase, why, extra=about(effect.namespace, effect.name)
    )

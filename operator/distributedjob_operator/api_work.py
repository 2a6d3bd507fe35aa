"""Requests to the API server, beside the leader's loop.

Each effect becomes a task; what the server answers comes back as an entry of the
leader's inbox. Whatever was read, the core decides what it means.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, assert_never

from distributedjob_api.logs import about
from distributedjob_api.v1alpha1 import DistributedJob, ResourceError, parse
from distributedjob_operator.core import checkpoints, items
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import (
    DeleteJob,
    ReadItems,
    ReadJob,
    Tell,
    WriteStatus,
)
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.status import stalled
from distributedjob_operator.ports import Conflict, Denied, Kubernetes, NotFound, Unavailable
from distributedjob_operator.troubles import Troubles

_log = logging.getLogger(__name__)

Entry = Callable[[Leader, Instant], None]
Request = WriteStatus | ReadJob | ReadItems | DeleteJob | Tell

READS_IN_FLIGHT = 8
DELETIONS_IN_FLIGHT = 8


class ApiWork:
    """Runs requests and reports their outcomes."""

    def __init__(
        self,
        api: Kubernetes,
        put: Callable[[Entry], None],
        leading: Callable[[], bool],
        troubles: Troubles,
    ) -> None:
        self._api = api
        self._put = put
        self._leading = leading
        self._troubles = troubles
        self._tasks: set[asyncio.Task[None]] = set()
        self._reads = asyncio.Semaphore(READS_IN_FLIGHT)
        # Whoever takes over may find ten thousand jobs whose time is over.
        self._deletions = asyncio.Semaphore(DELETIONS_IN_FLIGHT)
        self._poisoned: dict[str, str] = {}

    def begin(self, request: Request) -> None:
        """Start a request and return at once."""
        match request:
            case WriteStatus():
                self.spawn(self._write(request), partial(self._not_written, request))
            case ReadJob():
                self.spawn(self._read(request))
            case ReadItems():
                self.spawn(self._read_items(request))
            case DeleteJob():
                self.spawn(self._delete(request), lambda _: self._not_deleted(request.uid))
            case Tell():
                self.spawn(self._tell(request))
            case _:
                assert_never(request)

    def spawn(
        self,
        work: Coroutine[Any, Any, None],
        failed: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        """Run something beside the loop until :meth:`cancel`.

        Where it ends as nobody foresaw, ``failed`` hears of it: what the leader waits
        for must come in every case.
        """

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and isinstance(error := task.exception(), Exception):
                _log.error("a request beside the loop failed", exc_info=error)
                failed(error)

        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(ended)

    def cancel(self) -> None:
        """End whatever is under way."""
        for task in self._tasks:
            task.cancel()

    def see(self, leader: Leader, body: Mapping[str, Any], now: Instant) -> None:
        """Show the leader an object, unless it makes no sense."""
        resource = self.parse(body, now)
        if resource is not None:
            leader.job_seen(resource, now)
            self.tell_set_aside(leader, body, now)

    def tell_set_aside(self, leader: Leader, body: Mapping[str, Any], now: Instant) -> None:
        """Let an object say in its status that it was set aside, where it was."""
        problem = leader.set_aside.get(body["metadata"]["uid"])
        if problem is not None:
            self._set_aside(body, problem, now)

    def parse(self, body: Mapping[str, Any], now: Instant) -> DistributedJob | None:
        """Read an object; one that makes no sense is set aside and says so in its status."""
        try:
            return parse(body)
        except ResourceError as error:
            self._set_aside(body, str(error), now)
            return None

    def _set_aside(self, body: Mapping[str, Any], problem: str, now: Instant) -> None:
        metadata = body["metadata"]
        seen = f"{metadata.get('generation')} {problem}"
        if self._poisoned.get(metadata["uid"]) != seen:
            self._poisoned[metadata["uid"]] = seen
            self.spawn(self._write_stalled(metadata, stalled(body, problem, now)))

    async def _write(self, effect: WriteStatus) -> None:
        if not self._leading():
            # The Lease may be renewed at the last moment all the same.
            self._put_back(effect)
            return
        try:
            version = await self._api.jobs.write_status(
                effect.namespace,
                effect.name,
                effect.uid,
                effect.resource_version,
                effect.status,
            )
        except NotFound:
            self._put(lambda leader, _: leader.job_gone(effect.uid))
            return
        except Conflict:
            await self._after_conflict(effect)
            return
        except Unavailable as error:
            self._not_written(effect, error)
            return
        self._troubles.over(_writing(effect))
        self._put(
            lambda leader, now: checkpoints.written(leader, effect.uid, version, effect.marks, now)
        )

    async def _after_conflict(self, effect: WriteStatus) -> None:
        try:
            body = await self._api.jobs.read_job(effect.namespace, effect.name)
        except NotFound:
            self._put(lambda leader, _: leader.job_gone(effect.uid))
            return
        except Unavailable as error:
            self._not_written(effect, error)
            return
        if body["metadata"]["uid"] != effect.uid:
            self._replaced(effect.uid, body)
            return
        self._put(
            lambda leader, now: checkpoints.not_written(
                leader, effect.uid, self.parse(body, now), now
            )
        )

    def _not_written(self, effect: WriteStatus, error: Exception) -> None:
        if isinstance(error, Denied):
            # The same for every job of the namespace.
            reason = str(error).replace(f' "{effect.name}"', "")
            self._troubles.note(_writing(effect), reason)
        else:
            _log.warning(
                "the status of %s was not written: %s",
                *(effect.name, error),
                extra=about(effect.namespace, effect.name),
            )
        self._put_back(effect)

    def _put_back(self, effect: WriteStatus) -> None:
        self._put(lambda leader, now: checkpoints.not_written(leader, effect.uid, None, now))

    def _replaced(self, uid: str, body: dict[str, Any]) -> None:
        """Another object has the name now."""
        self._put(lambda leader, _: leader.job_gone(uid))
        self._put(lambda leader, now: self.see(leader, body, now))

    async def _read(self, effect: ReadJob) -> None:
        """Find out about a job that a worker knows and the leader does not."""
        try:
            async with self._reads:
                body = await self._api.jobs.read_job(effect.namespace, effect.name)
        except NotFound:
            self._put(lambda leader, _: leader.job_gone(effect.uid))
        except Unavailable as error:
            named = about(effect.namespace, effect.name)
            _log.warning("%s cannot be read: %s", effect.name, error, extra=named)
        else:
            if body["metadata"]["uid"] != effect.uid:
                self._replaced(effect.uid, body)
            else:
                self._put(lambda leader, now: self.see(leader, body, now))

    async def _read_items(self, effect: ReadItems) -> None:
        try:
            async with self._reads:
                text = await self._api.config_maps.read_key(
                    effect.namespace, effect.name, effect.key
                )
        except Unavailable as error:
            why = str(error)
            _log.warning("ConfigMap %s cannot be read: %s", effect.name, why)
            self._put(lambda leader, _: items.not_read(leader, effect.uid, why))
            return
        self._put(lambda leader, _: items.were_read(leader, effect.uid, text))

    async def _delete(self, effect: DeleteJob) -> None:
        try:
            async with self._deletions:
                await self._api.jobs.delete_job(effect.namespace, effect.name, effect.uid)
        except (Conflict, NotFound):
            self._put(lambda leader, _: leader.job_gone(effect.uid))
        except Unavailable as error:
            named = about(effect.namespace, effect.name)
            _log.warning("%s was not deleted after its TTL: %s", effect.name, error, extra=named)
            self._not_deleted(effect.uid)

    def _not_deleted(self, uid: str) -> None:
        self._put(lambda leader, _: leader.not_deleted(uid))

    async def _tell(self, effect: Tell) -> None:
        try:
            await self._api.events.emit(
                effect.namespace,
                effect.name,
                effect.uid,
                effect.reason,
                effect.note,
                warning=effect.warning,
            )
        except (Conflict, NotFound, Unavailable) as error:
            named = about(effect.namespace, effect.name)
            _log.info("an Event about %s was not emitted: %s", effect.name, error, extra=named)

    async def _write_stalled(self, metadata: Mapping[str, Any], status: dict[str, Any]) -> None:
        try:
            await self._api.jobs.write_status(
                metadata["namespace"],
                metadata["name"],
                metadata["uid"],
                metadata["resourceVersion"],
                status,
            )
        except (Conflict, NotFound, Unavailable) as error:
            namespace, name = metadata["namespace"], metadata["name"]
            named = about(namespace, name)
            _log.warning("%s is invalid and cannot be told so: %s", name, error, extra=named)
            self._poisoned.pop(metadata["uid"], None)


def _writing(effect: WriteStatus) -> str:
    return f"the status of jobs in {effect.namespace} cannot be written"

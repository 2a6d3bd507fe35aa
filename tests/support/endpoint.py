"""The operator's endpoint over sources that a test chooses, and such sources."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

from distributedjob_api.indexes import BitMap
from distributedjob_api.messages import (
    JournalBatch,
    LeaderMessage,
    OutputReply,
    OutputRequest,
    TaskRecord,
)
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.endpoint import Endpoint
from distributedjob_operator.live import LiveOutput
from distributedjob_operator.ports import Expired, JobTable, Unavailable
from distributedjob_operator.results import JournalReader
from distributedjob_operator.sources import AccessPort, Sources
from tests.support.builders import at, job_body
from tests.support.fleet import World
from tests.support.worlds import last

NO_JOBS = JobTable([], [], "")
OLD_MARK = "old"
"""Behind this one no list goes on any more."""


class Stored:
    """A journal of one record, or one that does not answer."""

    def __init__(self) -> None:
        self.broken = False
        self.reason = ""

    async def read(
        self, uid: str, after: int = 0, wanted: BitMap | None = None
    ) -> AsyncGenerator[tuple[int, JournalBatch], None]:
        if self.broken:
            raise Unavailable("the journal cannot be read: no stream")
        if after < 4:
            yield 4, await self.read_one(4)

    async def read_one(self, place: int) -> JournalBatch:
        record = TaskRecord(0, 1, 5.0, 0.5, self.reason, 0, 0, b"out", b"err", 3, 3)
        return JournalBatch("uid-job", 0, "n1", [record])


class Rights:
    """``reader`` reads jobs, ``admin`` nodes as well; ``stranger`` is known and may nothing."""

    async def may_read(self, token: str, namespace: str, name: str) -> bool | None:
        return {"reader": True, "admin": True, "stranger": False}.get(token)

    async def may_get(self, token: str, namespace: str, name: str) -> bool | None:
        return await self.may_read(token, namespace, name)

    async def may_list(self, token: str, namespace: str) -> bool | None:
        return await self.may_read(token, namespace, "")

    async def may_list_nodes(self, token: str) -> bool | None:
        return {"reader": False, "admin": True, "stranger": False}.get(token)


class Served:
    """An endpoint that is asked as somebody."""

    def __init__(self, url: str, world: World, journal: Stored) -> None:
        self.url, self.world, self.journal = url, world, journal
        self.leads = True
        self.live = LiveOutput(self.answer)

    async def answer(self, worker: WorkerKey, message: LeaderMessage) -> None:
        """The worker on n1 has written eight bytes, the last three of them to stderr."""
        assert isinstance(message, OutputRequest)
        out, err = b"hello"[message.stdout_from :], b"bad"[message.stderr_from :]
        places = message.stdout_from, out, 5, message.stderr_from, err, 3
        self.live.heard(worker, OutputReply("i1", message.request, 0, 1, *places))

    def lead(self) -> tuple[Leader, Instant] | None:
        return (self.world.leader, at(self.world.now)) if self.leads else None

    async def read_job(self, namespace: str, name: str) -> dict[str, Any]:
        return {**job_body(**self.world.spec), "status": json.loads(json.dumps(last(self.world)))}


def an_endpoint(
    read_job: Callable[[str, str], Awaitable[dict[str, Any]]],
    journal: JournalReader,
    access: AccessPort,
    lead: Callable[[], tuple[Leader, Instant] | None] = lambda: None,
    table: JobTable = NO_JOBS,
    namespaces: Sequence[str] = (),
    live: LiveOutput | None = None,
) -> Endpoint:
    """One that is open and does not listen yet; without a ``lead`` it stands by."""

    async def nobody(_: WorkerKey, __: LeaderMessage) -> None:
        """No worker hears it."""

    async def ready() -> str:
        return ""

    async def list_page(namespace: str, mark: str) -> JobTable:
        if mark == OLD_MARK:
            raise Expired("HTTP 410 Gone")
        return table

    endpoint = Endpoint()
    endpoint.open(
        Sources(
            ready,
            lambda: "",
            lambda: b"",
            read_job,
            list_page,
            namespaces,
            journal,
            access,
            lead,
            (live or LiveOutput(nobody)).ask,
        )
    )
    return endpoint

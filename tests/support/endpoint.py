"""The operator's endpoint over sources that a test chooses; all else is well."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.endpoint import Endpoint
from distributedjob_operator.ports import JobTable
from distributedjob_operator.results import JournalReader
from distributedjob_operator.sources import AccessPort, Sources

NO_JOBS = JobTable([], [], "")


def an_endpoint(
    read_job: Callable[[str, str], Awaitable[dict[str, Any]]],
    journal: JournalReader,
    access: AccessPort,
    lead: Callable[[], tuple[Leader, Instant] | None] = lambda: None,
    table: JobTable = NO_JOBS,
    namespaces: Sequence[str] = (),
) -> Endpoint:
    """One that is open and does not listen yet; without a ``lead`` it stands by."""

    async def ready() -> str:
        return ""

    async def list_page(namespace: str, mark: str) -> JobTable:
        return table

    endpoint = Endpoint()
    endpoint.open(
        Sources(
            ready,
            lambda: "",
            lambda: ("text/plain", b""),
            read_job,
            list_page,
            namespaces,
            journal,
            access,
            lead,
        )
    )
    return endpoint

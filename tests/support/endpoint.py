"""The operator's endpoint over sources that a test chooses; all else is well."""

from collections.abc import Awaitable, Callable
from typing import Any

from distributedjob_api.messages import LeaderMessage
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.endpoint import AccessPort, Endpoint, Sources
from distributedjob_operator.live import LiveOutput
from distributedjob_operator.results import JournalReader


def an_endpoint(
    read_job: Callable[[str, str], Awaitable[dict[str, Any]]],
    journal: JournalReader,
    access: AccessPort,
    lead: Callable[[], tuple[Leader, Instant] | None] = lambda: None,
    live: LiveOutput | None = None,
) -> Endpoint:
    """One that is open and does not listen yet; without a ``lead`` it stands by."""

    async def nobody(_: WorkerKey, __: LeaderMessage) -> None:
        """No worker hears it."""

    async def ready() -> str:
        return ""

    endpoint = Endpoint()
    ask = (live or LiveOutput(nobody)).ask
    sources = ready, lambda: "", lambda: ("text/plain", b""), read_job, journal, access, lead, ask
    endpoint.open(Sources(*sources))
    return endpoint

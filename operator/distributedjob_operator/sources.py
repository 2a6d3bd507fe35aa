"""Where the endpoint and its page get what they answer with."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from distributedjob_api.messages import OutputReply
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.live import Place
from distributedjob_operator.ports import JobTable
from distributedjob_operator.results import JournalReader


class AccessPort(Protocol):
    """Who may read what; see ``kube.access``. None stands for a token that is nobody's."""

    async def may_read(self, token: str, namespace: str, name: str) -> bool | None:
        """Whether a bearer token opens what the tasks of a job wrote."""

    async def may_get(self, token: str, namespace: str, name: str) -> bool | None:
        """Whether a bearer token opens a job's object."""

    async def may_list(self, token: str, namespace: str) -> bool | None:
        """Whether a bearer token opens the list of a namespace's jobs, of all for an empty one."""

    async def may_list_nodes(self, token: str) -> bool | None:
        """Whether a bearer token opens the registry."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What there is to ask; what it awaits may raise :class:`Unavailable`."""

    ready: Callable[[], Awaitable[str]]
    dead: Callable[[], str]
    metrics: Callable[[], bytes]
    read_job: Callable[[str, str], Awaitable[dict[str, Any]]]
    list_page: Callable[[str, str], Awaitable[JobTable]]
    """Some jobs of a namespace, or of all for an empty one, behind a mark of the last answer."""
    namespaces: Sequence[str]
    """Those that are served; none means all."""
    journal: JournalReader
    access: AccessPort
    lead: Callable[[], tuple[Leader, Instant] | None]
    """What the leader knows, where this replica leads."""
    ask: Callable[[Leader, Job, int, Place], Awaitable[tuple[str, OutputReply] | None]]
    """Who runs a task, and what it wrote; see ``live``."""

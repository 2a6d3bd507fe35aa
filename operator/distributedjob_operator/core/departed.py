"""Jobs whose object is gone: remembered, since workers may still speak of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from distributedjob_operator.core.effects import WorkerKey

REMEMBERED: Final = 10_000


@dataclass(slots=True)
class Dying:
    """A deleted job that workers have not ended yet; its name is not free."""

    namespace: str
    name: str
    workers: set[WorkerKey]


@dataclass(slots=True)
class Departed:
    """The newest of them by uid, and which of them still run somewhere."""

    dying: dict[str, Dying] = field(default_factory=dict)
    _uids: dict[str, None] = field(default_factory=dict)

    def __contains__(self, uid: str) -> bool:
        return uid in self._uids

    def add(self, uid: str) -> None:
        """Remember a job, and forget the oldest where there are too many."""
        self._uids[uid] = None
        while len(self._uids) > REMEMBERED:
            del self._uids[next(iter(self._uids))]

    def known(self) -> set[str]:
        """The uids that are remembered."""
        return set(self._uids)

    def still_held(self, uid: str, namespace: str, name: str, worker: WorkerKey) -> None:
        """A worker has tasks of one."""
        self.dying.setdefault(uid, Dying(namespace, name, set())).workers.add(worker)

    def held_no_more(self, worker: WorkerKey, uids: Iterable[str]) -> None:
        """A worker has ended these, or is lost."""
        for uid in uids:
            dying = self.dying.get(uid)
            if dying is not None:
                dying.workers.discard(worker)
                if not dying.workers:
                    del self.dying[uid]

    def names_taken(self) -> dict[tuple[str, str], list[str]]:
        """Namespace and name of each that runs, and the nodes that hold it (protocol item 19)."""
        taken: dict[tuple[str, str], list[str]] = {}
        for dying in self.dying.values():
            nodes = taken.setdefault((dying.namespace, dying.name), [])
            nodes += sorted(name for _, name in dying.workers)
        return taken

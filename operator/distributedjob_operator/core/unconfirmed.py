"""Results folded since the last checkpoint: kept until one holds them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from distributedjob_api.messages import Entry
from distributedjob_api.packed import Packed
from distributedjob_operator.core.effects import Marks, WorkerKey


@dataclass(frozen=True, slots=True)
class Fact:
    """An entry of a worker's report, and who sent it."""

    worker: WorkerKey
    incarnation: str
    node: str
    entry: Entry


class _Kept(NamedTuple):
    worker: WorkerKey
    incarnation: str
    node: str
    packed: Packed


class Unconfirmed:
    """Facts in the order in which they were folded.

    After hours without an API server there may be a hundred thousand of them, and each
    new one asks whether older ones of its worker wait: that must not mean a search. Nor
    must they be large: a million tasks may have failed since the last checkpoint.
    """

    def __init__(self) -> None:
        self._facts: list[_Kept] = []
        self._newest: Marks = {}

    def __iter__(self) -> Iterator[Fact]:
        for kept in self._facts:
            yield Fact(kept.worker, kept.incarnation, kept.node, kept.packed.entry)

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, fact: Fact) -> None:
        """Keep one more."""
        packed = Packed.of(fact.entry)
        self._facts.append(_Kept(fact.worker, fact.incarnation, fact.node, packed))
        key = (fact.worker, fact.incarnation)
        self._newest[key] = max(self._newest.get(key, 0), packed.seq)

    def any_of(self, worker: WorkerKey, incarnation: str) -> bool:
        """Whether something that this worker reported is not in a checkpoint yet."""
        return (worker, incarnation) in self._newest

    def any_of_run(self, run: int) -> bool:
        """Whether something of a run is not in a checkpoint yet."""
        return any(kept.packed.run == run for kept in self._facts)

    def marks(self) -> Marks:
        """The newest entry of each worker's incarnation."""
        return dict(self._newest)

    def confirm(self, marks: Marks) -> None:
        """A checkpoint holds all up to these."""
        self._facts = [
            kept
            for kept in self._facts
            if kept.packed.seq > marks.get((kept.worker, kept.incarnation), 0)
        ]
        self._newest = {
            key: newest for key, newest in self._newest.items() if newest > marks.get(key, 0)
        }

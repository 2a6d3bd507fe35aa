"""What the endpoint says of a job's tasks, made of its standing and of the journal.

Long answers are lines of JSON and come piece by piece, in bounded memory.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from msgspec import json

from distributedjob_api import task_reasons
from distributedjob_api.indexes import BitMap, take
from distributedjob_api.views import Failures, State, TaskView
from distributedjob_operator.core.failure_groups import FailureGroups
from distributedjob_operator.core.standing import Standing
from distributedjob_operator.results import (
    PIECE_BYTES,
    Contents,
    Found,
    JournalReader,
    gather,
    rank_of,
    trimmed,
)

_ROWS: Final = 1000
"""Tasks without a record that are written between two turns of the loop."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which tasks, and what of them; None and empty stand for all of them."""

    indexes: BitMap | None = None
    states: frozenset[str] = frozenset()
    reason: str = ""
    node: str = ""
    streams: frozenset[str] = frozenset()
    limit: int = 2**63
    """So many lines at most."""

    def admits(self, view: TaskView) -> bool:
        """Whether what the standing does not tell is as asked."""
        return (not self.reason or view.reason == self.reason) and (
            not self.node or view.node == self.node
        )


def chosen(standing: Standing, query: Query) -> BitMap:
    """The indexes whose lines are looked for: no more than the limit where none may drop out."""
    found = standing.chosen(query.states)
    if query.indexes is not None:
        found = found & query.indexes
    return found if query.reason or query.node else take(found, query.limit)


async def tasks(
    journal: JournalReader, contents: Contents, standing: Standing, query: Query
) -> AsyncGenerator[bytes, None]:
    """A line for each task in index order, with its attempt that counts.

    One whose record the journal dropped since it was surveyed has a line without.

    Args:
        journal: what was surveyed.
        contents: what it holds of the chosen tasks.
        standing: where they stand.
        query: which of them are asked for.

    Raises:
        Unavailable: the journal does not answer.
    """
    rows = _Rows(query)
    left = iter(chosen(standing, query))
    async with aclosing(gather(journal, contents, lossy=True)) as windows:
        async for some in windows:
            for found in some:
                for index in left:
                    with_it = index == found.record.index
                    rows.add(_task(standing, index, found if with_it else None))
                    if with_it:
                        break
                if rows.many:
                    yield rows.take()
                    await asyncio.sleep(0)
            if rows.enough:
                break
    for number, index in enumerate(left):
        if rows.enough:
            break
        rows.add(_task(standing, index, None))
        if number % _ROWS == 0 and rows.some:
            yield rows.take()
            await asyncio.sleep(0)
    yield rows.take()


async def attempts(
    journal: JournalReader, uid: str, query: Query, after: int
) -> AsyncGenerator[bytes, None]:
    """A line for each attempt behind a place of the journal, as they were stored.

    Raises:
        Unavailable: the journal does not answer.
    """
    rows = _Rows(query)
    async with aclosing(journal.read(uid, after, query.indexes)) as batches:
        async for place, batch in batches:
            for record in batch.records:
                if query.indexes is not None and record.index not in query.indexes:
                    continue
                state = _ended(record.reason)
                if not query.states or state in query.states:
                    kept = trimmed(record, query.streams)
                    rows.add(_recorded(Found(place, batch.run, batch.node, kept), state))
            yield rows.take()
            if rows.enough:
                break
            await asyncio.sleep(0)


async def failures(journal: JournalReader, uid: str, failed: BitMap) -> Failures:
    """The attempts that failed, grouped; raises Unavailable."""
    groups = FailureGroups(failed)
    async with aclosing(journal.read(uid)) as batches:
        async for _, batch in batches:
            for record in batch.records:
                groups.note(rank_of(batch.run, record), batch.node, record)
            await asyncio.sleep(0)
    return groups.result()


class _Rows:
    """Lines that gather until they are taken, no more than were asked for."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._left = query.limit
        self._lines = bytearray()

    def add(self, view: TaskView) -> None:
        """A line, where it is asked for."""
        if self._left > 0 and self._query.admits(view):
            self._left -= 1
            self._lines += _line(view)

    @property
    def enough(self) -> bool:
        """Whether all that were asked for are there."""
        return self._left <= 0

    @property
    def some(self) -> bool:
        """Whether there is anything to take."""
        return bool(self._lines)

    @property
    def many(self) -> bool:
        """Whether it is time to take them."""
        return len(self._lines) >= PIECE_BYTES

    def take(self) -> bytes:
        """The lines since the last time."""
        lines = bytes(self._lines)
        self._lines.clear()
        return lines


def _task(standing: Standing, index: int, found: Found | None) -> TaskView:
    state, node = standing.of(index)
    ended = standing.attempts.get(index, 0)
    if node:
        # The attempt under way has no record: what the last one left is not its own.
        return TaskView(index, state, attempt=ended + 1, node=node)
    return _recorded(found, state) if found else TaskView(index, state, attempt=ended)


def _recorded(found: Found, state: str) -> TaskView:
    record = found.record
    return TaskView(
        index=record.index,
        state=state,
        run=found.run,
        attempt=record.attempt,
        node=found.node,
        started=record.started,
        duration=record.duration,
        reason=record.reason,
        exit_code=record.exit_code,
        signal=record.signal,
        stdout_bytes=record.stdout_bytes,
        stderr_bytes=record.stderr_bytes,
        stdout=record.stdout,
        stderr=record.stderr,
        place=found.place,
    )


def _ended(reason: str) -> str:
    """How an attempt ended; one ended by command is nobody's failure."""
    if not reason:
        return State.SUCCEEDED
    return State.CANCELLED if reason == task_reasons.STOPPED else State.FAILED


_encoder: Final = json.Encoder()


def _line(view: TaskView) -> bytes:
    return _encoder.encode(view) + b"\n"

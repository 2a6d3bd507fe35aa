"""What the endpoint says of a job's tasks, made of its standing and of the journal.

Long answers are lines of JSON and come piece by piece, in bounded memory.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from msgspec import json

from distributedjob_api import task_reasons
from distributedjob_api.indexes import BitMap
from distributedjob_api.views import Failures, State, TaskView
from distributedjob_operator.core.failure_groups import FailureGroups
from distributedjob_operator.core.standing import Standing
from distributedjob_operator.results import (
    PIECE_BYTES,
    Found,
    JournalReader,
    gather,
    rank_of,
    survey,
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

    def admits(self, view: TaskView) -> bool:
        """Whether what the standing does not tell is as asked."""
        return (not self.reason or view.reason == self.reason) and (
            not self.node or view.node == self.node
        )


async def tasks(
    journal: JournalReader, uid: str, standing: Standing, query: Query
) -> AsyncIterator[bytes]:
    """A line for each task in index order, with its attempt that counts.

    Raises:
        Unavailable: the journal does not answer, or dropped some of it in the meantime.
    """
    chosen = standing.chosen(query.states)
    if query.indexes is not None:
        chosen = chosen & query.indexes
    contents = await survey(journal, uid, query.streams, chosen, silent=True)
    part = bytearray()
    left = iter(chosen)
    async for some in gather(journal, contents):
        for found in some:
            for index in left:
                with_it = index == found.record.index
                _add(part, standing, query, index, found if with_it else None)
                if with_it:
                    break
            if len(part) >= PIECE_BYTES:
                yield bytes(part)
                part.clear()
                await asyncio.sleep(0)
    for number, index in enumerate(left):
        _add(part, standing, query, index, None)
        if number % _ROWS == 0 and part:
            yield bytes(part)
            part.clear()
            await asyncio.sleep(0)
    if part:
        yield bytes(part)


async def attempts(
    journal: JournalReader, uid: str, query: Query, after: int
) -> AsyncIterator[bytes]:
    """A line for each attempt behind a place of the journal, as they were stored.

    Raises:
        Unavailable: the journal does not answer.
    """
    async for place, batch in journal.read(uid, after):
        lines = bytearray()
        for record in batch.records:
            if query.indexes is not None and record.index not in query.indexes:
                continue
            kept = trimmed(record, query.streams)
            state = _ended(record.reason)
            view = _recorded(Found(place, batch.run, batch.node, kept), state)
            if query.admits(view) and (not query.states or state in query.states):
                lines += _line(view)
        yield bytes(lines)
        await asyncio.sleep(0)


async def failures(journal: JournalReader, uid: str, failed: BitMap) -> Failures:
    """The attempts that failed, grouped; raises Unavailable."""
    groups = FailureGroups(failed)
    async for _, batch in journal.read(uid):
        for record in batch.records:
            groups.note(rank_of(batch.run, record), batch.node, record)
        await asyncio.sleep(0)
    return groups.result()


def _add(
    part: bytearray, standing: Standing, query: Query, index: int, found: Found | None
) -> None:
    view = _task(standing, index, found)
    if query.admits(view):
        part += _line(view)


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

"""Commands cut to what a message bus carries: NATS refuses above 1 MiB, unless told otherwise.

What the resource's schema lets through, and what a worker's queue may hold, keep every
other command below :data:`MESSAGE_BYTES`; an assignment's items may be a whole ConfigMap.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from distributedjob_api.indexes import from_ranges, ranges, take
from distributedjob_api.messages import Assign, Command, command_size

MESSAGE_BYTES: Final = 512 * 1024
"""Commands in one message, at most, unless one alone is more."""

ASSIGN_BYTES: Final = 256 * 1024
"""One assignment, at most."""


def messages(commands: Iterable[Command]) -> Iterator[list[Command]]:
    """Commands in their order, as many messages as they need."""
    part: list[Command] = []
    size = 0
    for command in commands:
        weight = command_size(command)
        if part and size + weight > MESSAGE_BYTES:
            yield part
            part, size = [], 0
        part.append(command)
        size += weight
    if part:
        yield part


def parts(command: Assign) -> Iterator[Assign]:
    """An assignment as several that say the same, all with its number."""
    fresh = from_ranges(command.fresh)
    count = len(fresh) + len(command.retries)
    if count < 2 or command_size(command) <= ASSIGN_BYTES:
        yield command
        return
    # Items stand in the order of fresh indexes and then of retries: any place is a cut.
    half = count // 2
    first = take(fresh, half)
    retries = half - len(first)
    for indexes, tried, items in (
        (first, command.retries[:retries], command.items[:half]),
        (fresh - first, command.retries[retries:], command.items[half:]),
    ):
        yield from parts(
            Assign(
                command.number,
                command.uid,
                command.run,
                ranges(indexes),
                tried,
                items,
                command.parallelism,
                command.priority,
            )
        )

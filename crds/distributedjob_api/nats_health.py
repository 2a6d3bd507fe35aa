"""How a process stands with NATS, in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NatsHealth:
    """What the client counts, and what its process does.

    ``errors`` are those that the server or the connection reported;
    ``round_trip_seconds`` is the last one that was measured, 0 before.
    """

    connected: bool
    reconnects: int
    errors: int
    round_trip_seconds: float
    messages_in: int
    messages_out: int
    bytes_in: int
    bytes_out: int


NOBODY: NatsHealth = NatsHealth(False, 0, 0, 0.0, 0, 0, 0, 0)
"""Before there is a client."""


def health(
    stats: Mapping[str, int], *, connected: bool, errors: int, round_trip_seconds: float
) -> NatsHealth:
    """The numbers of a client whose ``stats`` these are."""
    return NatsHealth(
        connected,
        stats["reconnects"],
        errors,
        round_trip_seconds,
        stats["in_msgs"],
        stats["out_msgs"],
        stats["in_bytes"],
        stats["out_bytes"],
    )

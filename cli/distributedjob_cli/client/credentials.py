"""A user's bearer token: kept while it holds, had anew when it is old or refused."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MARGIN_SECONDS: Final = 10.0
"""So long before its end a token is old: a request must still arrive (as in client-go)."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A bearer token, and when it ends, in Unix seconds."""

    token: str
    expires: float = math.inf


class Tokens:
    """The token of a source that may give another one later.

    Whatever the source raises passes through.
    """

    def __init__(
        self, source: Callable[[], Credential], clock: Callable[[], float] = time.time
    ) -> None:
        self._source, self._clock = source, clock
        self._held: Credential | None = None

    def current(self) -> str:
        """The token to send now."""
        if self._held is None or self._clock() >= self._held.expires - MARGIN_SECONDS:
            self._held = self._source()
        return self._held.token

    def renewed(self) -> bool:
        """Ask the source again after a refusal; whether it gives another token."""
        refused = self._held
        self._held = self._source()
        return refused is None or refused.token != self._held.token


def fixed(token: str) -> Tokens:
    """A token that the user gave, and that nobody renews."""
    return Tokens(lambda: Credential(token))

"""Who is logged in: a random name in the browser's cookie, the token here alone."""

import secrets
from collections import OrderedDict
from typing import Final

IDLE_SECONDS: Final = 3600.0
AT_MOST: Final = 1000


class Sessions:
    """Tokens by session, in memory: a replica that starts anew asks everybody again.

    A browser keeps cookies on disk and sends them to every port of a host: the name of
    a session is worth nothing beyond this replica and this hour, a token would be.
    """

    def __init__(self) -> None:
        self._tokens: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def open(self, token: str, now: float) -> str:
        """A new session, at the cost of the one idle longest where there are too many."""
        self._close_idle(now)
        name = secrets.token_urlsafe(32)
        self._tokens[name] = (token, now)
        if len(self._tokens) > AT_MOST:
            self._tokens.popitem(last=False)
        return name

    def token(self, name: str, now: float) -> str:
        """Its token, which keeps it open; empty where there is no such session."""
        self._close_idle(now)
        token, _ = self._tokens.pop(name, ("", now))
        if token:
            self._tokens[name] = (token, now)
        return token

    def close(self, name: str) -> None:
        """Forget a session."""
        self._tokens.pop(name, None)

    def _close_idle(self, now: float) -> None:
        """Forget those not used for long, as the form says when it asks for a token."""
        while self._tokens:
            name, (_, used) = next(iter(self._tokens.items()))
            if now - used <= IDLE_SECONDS:
                return
            del self._tokens[name]

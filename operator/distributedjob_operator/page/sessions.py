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
        name = secrets.token_urlsafe(32)
        self._tokens[name] = (token, now)
        if len(self._tokens) > AT_MOST:
            self._tokens.popitem(last=False)
        return name

    def token(self, name: str, now: float) -> str:
        """Its token, which keeps it open; empty where there is no such session."""
        token, used = self._tokens.pop(name, ("", now))
        if not token or now - used > IDLE_SECONDS:
            return ""
        self._tokens[name] = (token, now)
        return token

    def close(self, name: str) -> None:
        """Forget a session."""
        self._tokens.pop(name, None)

"""What keeps a replica from its work now: told once, and shown by ``/readyz`` until it is over."""

import logging

_log = logging.getLogger(__name__)


class Troubles:
    """Each thing that does not work, with the reason given last; any thread may look."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self._told: dict[str, set[str]] = {}

    def note(self, what: str, reason: str) -> None:
        """Something does not work; each reason is told once while it lasts."""
        self._reasons[what] = reason
        told = self._told.setdefault(what, set())
        if reason not in told:
            told.add(reason)
            _log.warning("%s: %s; trying on", what, reason)

    def over(self, what: str) -> None:
        """It works, whether it did before or not."""
        self._told.pop(what, None)
        if self._reasons.pop(what, None) is not None:
            _log.info("no longer: %s", what)

    @property
    def oldest(self) -> str:
        """What has not worked for longest, in one line; empty when all is well."""
        for what, reason in [*self._reasons.items()]:
            return f"{what}: {reason}"
        return ""

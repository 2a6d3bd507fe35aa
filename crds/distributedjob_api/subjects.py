"""The subjects messages travel on; nothing else knows these strings.

``djob.v1.<installation>.announce`` (leader to every worker), and
``djob.v1.<installation>.<pool>.`` followed by ``worker.<worker>`` (leader to one
worker), ``leader.<worker>`` (worker to leader) or ``journal.<job uid>``. The
installation is the Lease's ``namespace/name``, so that two operators in one cluster
never mix.
"""

import re
from dataclasses import dataclass
from typing import Final

_PREFIX: Final = "djob.v1"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9-]")
_ESCAPE: Final = re.compile(r"_([0-9a-f]{2})")


def encode_token(name: str) -> str:
    """A name as one subject token, injectively.

    Node names contain dots, which NATS reads as separators; every byte that is not
    a letter, a digit or ``-`` becomes ``_`` and its two hex digits.
    """
    return _UNSAFE.sub(lambda found: "".join(f"_{byte:02x}" for byte in found[0].encode()), name)


def decode_token(token: str) -> str:
    """The inverse of :func:`encode_token`."""
    raw = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), token)
    return raw.encode("latin-1").decode()


@dataclass(frozen=True, slots=True)
class Subjects:
    """The subjects of one installation."""

    installation: str

    @property
    def _base(self) -> str:
        return f"{_PREFIX}.{encode_token(self.installation)}"

    def worker(self, pool: str, worker: str) -> str:
        """Commands and acknowledgements for one worker."""
        return f"{self._base}.{encode_token(pool)}.worker.{encode_token(worker)}"

    def announce(self) -> str:
        """Announcements of a new leader to every worker of every pool."""
        return f"{self._base}.announce"

    def leader(self, pool: str, worker: str) -> str:
        """Hellos and reports of one worker."""
        return f"{self._base}.{encode_token(pool)}.leader.{encode_token(worker)}"

    def every_leader(self) -> str:
        """The wildcard under which operators hear every worker of every pool."""
        return f"{self._base}.*.leader.*"

    def journal(self, pool: str, uid: str) -> str:
        """The journal of one job."""
        return f"{self._base}.{encode_token(pool)}.journal.{encode_token(uid)}"

    def journal_of(self, uid: str) -> str:
        """The wildcard for one job's journal whatever pool wrote it."""
        return f"{self._base}.*.journal.{encode_token(uid)}"

    def every_journal(self) -> str:
        """The wildcard that the journal's stream stores."""
        return f"{self._base}.*.journal.*"

    def journal_stream(self) -> str:
        """The name of the JetStream stream that holds the journal."""
        return f"DJOB_{encode_token(self.installation)}"


def sender(subject: str) -> tuple[str, str]:
    """The ``(pool, worker)`` that published on a leader subject."""
    parts = subject.split(".")
    return decode_token(parts[3]), decode_token(parts[5])

"""One process of the cluster: started, watched until ready, ended, started again."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, TypeVar

import requests

from distributedjob_local import launch
from distributedjob_local.errors import ComponentDiedError, LocalError, NotReadyError
from distributedjob_local.interrupts import uninterrupted
from distributedjob_local.records import GRACE_SECONDS, Identity, end
from distributedjob_local.state import StateDirectory

POLL_SECONDS = 0.05
RECORD_SECONDS = 0.002
TAIL_BYTES = 2000
PORT_TRIES = 5
IP_FREEBIND: Final = 15
"""Linux's number for it; Python has no name."""

INHERITED: Final = (
    *("PATH", "HOME", "LANG", "LC_*", "TMPDIR", "SSL_CERT_FILE"),
    *("LD_LIBRARY_PATH", "PYTHONPATH"),  # Without them this very Python may not run.
    # To look closer, and to test.
    *("DJOB_LOG_FORMAT", "DJOB_LOG_LEVEL", "DJOB_METRICS_PER_JOB", "DJOB_SILENCE_SECONDS"),
)
"""All that components see of the user's environment: other settings of operators and
workers must not leak in from it, and between components there is no proxy."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Host:
    """Where a component listens, and the absolute command that moves it there.

    That command replaces itself by the component, so the pid stays the same.
    """

    address: str = "127.0.0.1"
    enter: tuple[str | Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """Where components live and who looks after them.

    Attended ones are killed by the kernel when the process that started them ends;
    the others outlive it. Supervised operators and workers are started again when they
    end by themselves, once the whole cluster is up. A component without a host of its
    own is on loopback.
    """

    state: StateDirectory
    attended: bool
    supervised: bool = False
    hosts: Mapping[str, Host] = field(default_factory=dict)

    def host(self, name: str) -> Host:
        """The host of a component."""
        return self.hosts.get(name, Host())


@dataclass(slots=True)
class Component:
    """A program with its arguments; ``rank`` orders starting, backwards ending.

    A ``ready_file`` is removed at each start, so that only this start can write it.
    ``orphan_signal`` is what an attended one gets when its starter has died.
    """

    setting: Setting
    name: str
    rank: int
    command: Sequence[str | Path]
    ready: Callable[[], bool]
    address: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_file: Path | None = None
    orphan_signal: signal.Signals = signal.SIGKILL
    identity: Identity | None = None

    @property
    def log(self) -> Path:
        """Output of the process, appended to at each start."""
        return self.setting.state.log(self.name)

    @property
    def pid(self) -> int:
        """The pid of the process that was started last."""
        if self.identity is None:
            raise LocalError(f"{self.name} was never started")
        return self.identity.pid

    @property
    def alive(self) -> bool:
        """Whether it runs now."""
        return self.identity is not None and self.identity.alive

    @property
    def record(self) -> Path:
        """Where the process that was started last is recorded."""
        return self.setting.state.records / f"{self.name}.json"

    def start(self) -> None:
        """Start the process and return once it is recorded.

        Whatever ends the caller afterwards, the records name every process there is.
        """
        with uninterrupted():
            try:
                self._spawn()
            except OSError as error:
                raise LocalError(f"cannot start {self.name}: {error}") from error
            while self.alive and not self.record.exists():
                time.sleep(RECORD_SECONDS)

    def _spawn(self) -> None:
        for stale in (self.ready_file, self.record):
            if stale is not None:
                stale.unlink(missing_ok=True)
        facts = {"name": self.name, "rank": self.rank, "address": self.address}
        parent = os.getpid() if self.setting.attended else 0
        command = [sys.executable, "-I", "-S", launch.__file__, self.record, json.dumps(facts)]
        there = (*self.setting.host(self.name).enter, *self.command)
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        pid = os.posix_spawn(
            sys.executable,
            [str(word) for word in (*command, parent, int(self.orphan_signal), *there)],
            {**inherited(os.environ), **self.environment},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self.log), append, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            # A session of its own: Ctrl-C is for the one who ends all in order.
            setsid=True,
        )
        self.identity = Identity.of(pid)

    def wait_ready(self, seconds: float) -> None:
        """Wait until it serves.

        Raises:
            ComponentDiedError: it ended instead.
            NotReadyError: the time is over.
        """
        deadline = time.monotonic() + seconds
        while not self.ready():
            if not self.alive:
                raise ComponentDiedError(self.name, self.log, self._tail())
            if time.monotonic() > deadline:
                raise NotReadyError(
                    f"{self.name} is not ready after {seconds:.0f} s; the end of {self.log}:\n"
                    f"{self._tail()}"
                )
            time.sleep(POLL_SECONDS)

    def ends_within(self, seconds: float) -> bool:
        """Whether it has ended, or does so within this time."""
        return self.identity is None or self.identity.wait(seconds)

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """End it in order, and by force where it takes too long."""
        if self.identity is not None:
            end([self.identity], grace)
        self.record.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it as a crash would."""
        if self.identity is not None:
            self.identity.signal(signal.SIGKILL)
            self.identity.wait(GRACE_SECONDS)

    def _tail(self) -> str:
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
        return "\n".join(f"  {line}" for line in text.splitlines()[-12:])


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that components get."""
    return {
        name: value
        for name, value in environment.items()
        if any(fnmatchcase(name, each) for each in INHERITED)
    }


def serves(url: str, *, authority: Path | None = None, token: str = "") -> bool:
    """Whether there is a 200 at this address, with no proxy in between."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {token}"
            return bool(
                session.get(url, timeout=2, verify=str(authority) if authority else True).ok
            )
    except (requests.RequestException, OSError):
        return False


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on now; somebody may take it before it is used.

    The address may be another host's, where only one of ours could have taken it.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        listener.bind((host, 0))
        port: int = listener.getsockname()[1]
        return port


def on_free_ports(start: Callable[[], T]) -> T:
    """Run a start that picks free ports, again where a port was taken meanwhile."""
    for _ in range(PORT_TRIES - 1):
        try:
            return start()
        except ComponentDiedError as error:
            if not error.port_was_taken:
                raise
    return start()

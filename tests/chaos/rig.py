"""The cluster of a run: real servers and agents, each on a host of its own."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from distributedjob_local.cluster import Cluster
from distributedjob_local.component import Component, Setting
from distributedjob_local.size import Size
from distributedjob_local.startable import Startable
from distributedjob_local.state import StateDirectory
from tests.chaos.history import JOBS, LEASES, History
from tests.chaos.network import Network
from tests.support.waiting import wait_until

SILENCE_SECONDS: Final = 8.0
"""How long a worker may be silent here; by default it is 20 s."""

LEASE_SECONDS: Final = 6.0
SERVERS: Final = ("etcd", "kube-apiserver", "nats-server")
HELPERS: Final = ("api-proxy", "bad-wire")
"""Hosts of what stands between others while some rows run."""

HELPER_RANK: Final = 6
RESTART_SECONDS: Final = 0.5
READY_SECONDS: Final = 60.0
LEAVE_SECONDS: Final = 15.0


class Rig(Startable):
    """Everything a trial can break, and what mends it again."""

    def __init__(
        self, folder: Path, programs: Mapping[str, Path], *, operators: int = 3, workers: int = 4
    ) -> None:
        self.operators = [f"operator-{number}" for number in range(1, operators + 1)]
        self.workers = [f"worker-{number}" for number in range(1, workers + 1)]
        self.network = Network([*SERVERS, *HELPERS, *self.operators, *self.workers])
        self.folder = folder
        self.state = StateDirectory(folder / "cluster")
        self.setting = Setting(self.state, attended=True, hosts=self.network.hosts())
        self.cluster = Cluster(
            self.setting, programs, Size(nodes=workers, cpus="1", operators=operators)
        )
        self.jobs: History
        self.leases: History
        self.ended: list[str] = []
        self._held: set[str] = set()
        self._paused: set[str] = set()
        self._leaving: set[str] = set()
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True, name="keeper")

    # -- life --------------------------------------------------------------------------

    def start(self) -> None:
        """Build the network and start every process on its host."""
        os.environ["DJOB_SILENCE_SECONDS"] = str(SILENCE_SECONDS)
        self.network.build()
        self.cluster.start()
        self.jobs = History(self.cluster.api, JOBS)
        self.leases = History(self.cluster.api, LEASES)
        self.jobs.start()
        self.leases.start()
        self._keeper.start()
        self.leader()

    def stop(self) -> None:
        """End every process; the devices go with the namespaces."""
        self._ending.set()
        if self._keeper.is_alive():
            self._keeper.join()
            self.resume_all()
            self.jobs.stop()
            self.leases.stop()
        self.cluster.stop()

    def _keep(self) -> None:
        """Start again what ended by itself, as a Deployment and a DaemonSet would."""
        while not self._ending.wait(RESTART_SECONDS):
            with self._lock:
                for name in (*self.operators, *self.workers):
                    component = self.component(name)
                    if name not in self._held and not component.alive:
                        self.ended.append(name)
                        component.start()

    # -- who is who --------------------------------------------------------------------

    def component(self, name: str) -> Component:
        """A process by its host's name."""
        nats = self.cluster.nats.component
        known = [
            *self.cluster.operators,
            *self.cluster.workers,
            *self.cluster.control_plane.components,
        ]
        return next(one for one in (*known, *([nats] if nats else ())) if one.name == name)

    def holder(self) -> str:
        """Who holds the Lease by the newest that was seen of it."""
        changes = self.leases.changes()
        if not changes or changes[-1].kind == "DELETED":
            return ""
        return str(changes[-1].body["spec"].get("holderIdentity") or "")

    def leader(self) -> str:
        """The operator that leads; waits for one."""

        def find() -> str:
            name = self.holder().split("_")[0]
            return name if name in self.operators and self.component(name).alive else ""

        return wait_until(find, bool, READY_SECONDS, "an operator leads")

    def standbys(self) -> list[str]:
        """The operators that do not lead."""
        leader = self.leader()
        return [name for name in self.operators if name != leader]

    def helper(self, name: str, command: list[str | Path], ready: Path) -> Component:
        """A process that stands between others; it says by a file that it is ready."""
        return Component(self.setting, name, HELPER_RANK, command, ready.exists, ready_file=ready)

    # -- processes ---------------------------------------------------------------------

    def hold(self, name: str) -> None:
        """Nobody starts it again until it is revived."""
        with self._lock:
            self._held.add(name)

    def kill(self, name: str) -> None:
        """End a process as a crash does; it stays away until it is revived."""
        self.hold(name)
        self.component(name).kill()

    def terminate(self, name: str) -> None:
        """Ask a process to end, and do not wait for it."""
        self.hold(name)
        self._leaving.add(name)
        self.signal(name, signal.SIGTERM)

    def pause(self, name: str) -> None:
        """Stop a process in the middle of whatever it does."""
        self._paused.add(name)
        self.signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let it go on as if nothing had been."""
        self.signal(name, signal.SIGCONT)
        self._paused.discard(name)

    def resume_all(self) -> None:
        """Let every paused process go on."""
        for name in list(self._paused):
            self.resume(name)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process."""
        identity = self.component(name).identity
        assert identity is not None
        identity.signal(number)

    def revive(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a process that ended, or was ended, and let it be kept alive again."""
        component = self.component(name)
        with self._lock:
            if name in self._leaving and component.identity is not None:
                # A second signal would end it at once.
                component.identity.wait(LEAVE_SECONDS)
            self._leaving.discard(name)
            if component.alive:
                component.stop()
            if environment is not None:
                component.environment = environment
            component.start()
            self._held.discard(name)
        if name in SERVERS:
            component.wait_ready(READY_SECONDS)

    @contextmanager
    def with_environment(self, names: list[str], extra: Mapping[str, str]) -> Iterator[None]:
        """Processes that run with more variables, and without them afterwards."""
        before = {name: self.component(name).environment for name in names}
        for name in names:
            self.revive(name, {**before[name], **extra})
        self.ready()
        try:
            yield
        finally:
            for name in names:
                self.revive(name, before[name])

    # -- mending -----------------------------------------------------------------------

    def heal(self) -> None:
        """Undo whatever is still broken, and start whoever is away."""
        self.network.heal()
        self.resume_all()
        with self._lock:
            for name in (*SERVERS, *self.operators, *self.workers):
                if not self.component(name).alive:
                    self.revive(name)
            self._held.clear()

    def ready(self) -> None:
        """Wait until everything runs, somebody leads and every worker has a session."""
        deadline = time.monotonic() + READY_SECONDS
        for name in (*SERVERS, *self.operators, *self.workers):
            wait_until(lambda name=name: self.component(name).alive, bool, 10, f"{name} runs")
            self.component(name).wait_ready(max(1.0, deadline - time.monotonic()))
        self.leader()

"""The whole cluster: control plane, NATS, operators, and a worker for each node."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from pykube.http import HTTPClient

from distributedjob_api.constants import DEFAULT_POOL
from distributedjob_local import api, bootstrap, supervise
from distributedjob_local.component import Component, Setting, free_port, on_free_ports, serves
from distributedjob_local.control_plane import ControlPlane
from distributedjob_local.errors import ComponentLostError, LocalError
from distributedjob_local.installation import INSTALLATION, LEASE_NAME, SYSTEM_NAMESPACE
from distributedjob_local.leftovers import end_leftovers
from distributedjob_local.nats_server import NatsServer
from distributedjob_local.size import Size
from distributedjob_local.startable import Startable

OPERATOR_RANK, WORKER_RANK = 4, 5
READY_SECONDS: Final = 60.0
DYING_SECONDS: Final = 0.5


class Cluster(Startable):
    """Everything a job needs, on one machine; a context manager, or start and stop."""

    def __init__(
        self,
        setting: Setting,
        programs: Mapping[str, Path],
        size: Size,
        *,
        controller_manager: bool = False,
    ) -> None:
        self._setting = setting
        self._size = size
        self.control_plane = ControlPlane(setting, programs, controller_manager=controller_manager)
        self.nats = NatsServer(setting, programs["nats-server"])
        self.operators: list[Component] = []
        self.workers: list[Component] = []

    @property
    def api(self) -> HTTPClient:
        """A client of the API server, as administrator."""
        return self.control_plane.client

    @property
    def kubeconfig(self) -> Path:
        """The file that plain ``kubectl`` uses."""
        return self.control_plane.kubeconfig

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002 - as in subprocess.run
    ) -> subprocess.CompletedProcess[str]:
        """Run ``kubectl`` as a user would, and return what it said."""
        return self.control_plane.kubectl(*arguments, input=input)

    def start(self) -> None:
        """Start everything and return when jobs can be applied and will run."""
        self.control_plane.start()
        self.nats.start()
        bootstrap.apply_resource(self.api)
        bootstrap.apply_namespace(self.api, SYSTEM_NAMESPACE)
        bootstrap.apply_nodes(self.api, self._size.nodes, self._size.cpus)
        # Workers wait for a leader by themselves: both sides start up side by side.
        for number in range(1, self._size.nodes + 1):
            worker = self._worker(number)
            self.workers.append(worker)
            worker.start()
        started = [self._operator(number) for number in range(1, self._size.operators + 1)]
        for number, operator in enumerate(started, start=1):
            ready = on_free_ports(partial(self._ready_operator, number, [operator]))
            self.operators.append(ready)
        if self.operators:
            for worker in self.workers:
                worker.wait_ready(READY_SECONDS)

    def stop(self) -> None:
        """End everything: all workers together, then operators, NATS, control plane."""
        end_leftovers(self._setting.state)
        self.workers.clear()
        self.operators.clear()
        self.nats.stop()
        self.control_plane.stop()

    def read(self, *paths: str) -> list[dict[str, Any]]:
        """The objects or lists at these paths, from a cluster that is whole.

        Raises:
            ComponentLostError: something has ended, be it the API server that was asked.
        """
        self.check()
        try:
            return [api.read(self.api, path) for path in paths]
        except LocalError:
            # A process that dies hangs up a little earlier than it has ended.
            self.check(DYING_SECONDS)
            raise

    def check(self, dying_seconds: float = 0.0) -> None:
        """See that everything still runs, servers included.

        Raises:
            ComponentLostError: something has ended.
        """
        nats = [self.nats.component] if self.nats.component else []
        servers = [*self.control_plane.components, *nats]
        ended = [each.name for each in servers if each.ends_within(dying_seconds)]
        ended += [each.name for each in (*self.operators, *self.workers) if not each.alive]
        if ended:
            # What stands on a server ends with it: the first of them is the cause.
            raise ComponentLostError(f"{ended[0]} ended while jobs were running")

    def _ready_operator(self, number: int, started: list[Component]) -> Component:
        """Wait until an operator serves: the one that was started, at first, else another."""
        operator = started.pop() if started else self._operator(number)
        operator.wait_ready(READY_SECONDS)
        return operator

    def _operator(self, number: int) -> Component:
        name = f"operator-{number}"
        host = self._setting.host(name).address
        listen = f"{host}:{free_port(host)}"
        url = f"http://{listen}"

        environment = {
            **self.nats.environment("operator"),
            "KUBECONFIG": str(self.kubeconfig),
            "DJOB_LEASE_NAMESPACE": SYSTEM_NAMESPACE,
            "DJOB_LEASE_NAME": LEASE_NAME,
            "DJOB_IDENTITY": name,
            "DJOB_ENDPOINT_LISTEN": listen,
            "DJOB_ENDPOINT_URL": url,
        }
        command = self._command("distributedjob_operator")
        operator = Component(
            self._setting,
            name,
            OPERATOR_RANK,
            command,
            lambda: serves(f"{url}/readyz"),
            url,
            environment=environment,
        )
        operator.start()
        return operator

    def _command(self, module: str) -> list[str | Path]:
        """The command of one of our own programs, with a supervisor where one is wanted."""
        command: list[str | Path] = [sys.executable, "-m", module]
        if not self._setting.supervised:
            return command
        return [*command[:2], supervise.__name__, self._setting.state.settings, *command]

    def _worker(self, number: int) -> Component:
        node = f"node-{number}"
        directory = self._setting.state.data(node)
        host = self._setting.host(f"worker-{number}").address
        ready_file = directory / "ready"
        address = bootstrap.node_address(number)
        environment = {
            **self.nats.environment("worker"),
            "DJOB_INSTALLATION": INSTALLATION,
            "DJOB_POOL": DEFAULT_POOL,
            "DJOB_NODE": node,
            "DJOB_ADDRESS": address,
            "DJOB_CPU": self._size.cpus,
            "DJOB_STATE_DIR": str(directory),
            "DJOB_READY_FILE": str(ready_file),
            "DJOB_METRICS_LISTEN": f"{host}:{free_port(host)}",
        }
        return Component(
            self._setting,
            f"worker-{number}",
            WORKER_RANK,
            self._command("distributedjob_worker"),
            ready_file.exists,
            address,
            environment=environment,
            ready_file=ready_file,
            # It has tasks to end before it ends itself.
            orphan_signal=signal.SIGTERM,
        )

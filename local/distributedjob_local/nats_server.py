"""The NATS server with JetStream, and its two users."""

import json
import socket
from pathlib import Path
from typing import Any, Final

from distributedjob_local.component import Component, Setting, free_port, on_free_ports
from distributedjob_local.startable import Startable

NAME: Final = "nats-server"
NATS_RANK = 3
READY_SECONDS: Final = 30.0
WORKER_INBOX: Final = "_INBOX_worker"

# A worker speaks to the leader and the journal, and hears what is meant for workers;
# it can neither command another worker nor read a job's output.
WORKER_PERMISSIONS: Final[dict[str, Any]] = {
    "publish": ["djob.v1.*.*.leader.*", "djob.v1.*.*.journal.*"],
    "subscribe": ["djob.v1.*.*.worker.*", "djob.v1.*.announce", f"{WORKER_INBOX}.>"],
}


class NatsServer(Startable):
    """One server on loopback; ``url`` and the password files are how one connects."""

    def __init__(self, setting: Setting, program: Path) -> None:
        self._setting = setting
        self._state = setting.state
        self._program = program
        self.component: Component | None = None
        self.url = ""

    def password_file(self, user: str) -> Path:
        """The file with the password of ``operator`` or ``worker``."""
        return self._state.secret(f"nats-{user}")

    def environment(self, user: str) -> dict[str, str]:
        """What a process needs to connect as this user."""
        return {
            "DJOB_NATS_URL": self.url,
            "DJOB_NATS_USER": user,
            "DJOB_NATS_PASSWORD_FILE": str(self.password_file(user)),
        }

    def start(self) -> None:
        """Start the server and return when it serves."""
        self._state.create()
        on_free_ports(self._start)

    def stop(self) -> None:
        """End the server."""
        if self.component is not None:
            self.component.stop()

    def _start(self) -> None:
        host = self._setting.host(NAME).address
        port = free_port(host)
        self.url = f"nats://{host}:{port}"
        configuration = self._state.data("nats") / "nats.conf"
        self._state.write_private(configuration, self._configuration(host, port))

        def ready() -> bool:
            try:
                with socket.create_connection((host, port), timeout=2) as connection:
                    return b'"jetstream":true' in connection.recv(4096)
            except OSError:
                return False

        component = Component(
            self._setting,
            NAME,
            NATS_RANK,
            [self._program, "--config", configuration],
            ready,
            address=self.url,
        )
        self.component = component
        component.start()
        try:
            component.wait_ready(READY_SECONDS)
        except BaseException:
            component.stop()
            raise

    def _configuration(self, host: str, port: int) -> str:
        def user(name: str, permissions: dict[str, Any]) -> dict[str, Any]:
            password = self.password_file(name).read_text(encoding="utf-8")
            return {"user": name, "password": password, "permissions": permissions}

        everything = {"publish": ">", "subscribe": ">"}
        document = {
            "listen": f"{host}:{port}",
            "max_payload": 8 * 1024 * 1024,
            "jetstream": {"store_dir": str(self._state.data("nats") / "jetstream")},
            "authorization": {
                "users": [user("operator", everything), user("worker", WORKER_PERMISSIONS)]
            },
        }
        return json.dumps(document, indent=2)  # The server's own format contains JSON.

"""What the stories need of a cluster, and which one it is on this machine."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from distributedjob_local.errors import LocalError
from tests.e2e.engine import docker_works


class Provider(Protocol):
    """A cluster that is made, gets images, and goes away again."""

    @property
    def title(self) -> str:
        """How it is called in a line to the user."""

    @property
    def kubeconfig(self) -> Path:
        """Its administrator's."""

    def start(self) -> None:
        """Return when the nodes are ready."""

    def load(self, images: Mapping[str, Path]) -> None:
        """Bring images, each with its archive, to every node."""

    def collect(self, folder: Path) -> None:
        """Keep what only the provider can see, after a failure."""

    def stop(self) -> None:
        """Take everything away that ``start`` made."""


def choice(environment: Mapping[str, str] = os.environ) -> str:
    """Which provider this machine has: ``existing``, ``kind`` or ``nodes``.

    Raises:
        LocalError: none of them.
    """
    if environment.get("USE_EXISTING_CLUSTER"):
        return "existing"
    if docker_works():
        return "kind"
    if os.geteuid() == 0:
        return "nodes"
    raise LocalError(
        "there is no cluster to test on: start Docker, or run as root (sudo make e2e), or set"
        " USE_EXISTING_CLUSTER=1 to use that of your kubeconfig"
    )

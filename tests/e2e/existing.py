"""The cluster of the current kubeconfig, which is neither made nor taken away."""

import os
from collections.abc import Mapping
from pathlib import Path

from distributedjob_local.errors import LocalError
from tests.e2e.engine import run


class Existing:
    """A cluster that stands already; images come to it by a registry, or are there."""

    title = "the cluster of your kubeconfig"

    def __init__(self, kubectl: Path) -> None:
        self._kubectl = str(kubectl)

    @property
    def kubeconfig(self) -> Path:
        """That of the user."""
        first = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
        return Path(first) if first else Path.home() / ".kube" / "config"

    def start(self) -> None:
        """See whether it answers."""
        if not self.kubeconfig.exists():
            raise LocalError(f"{self.kubeconfig} does not exist; set KUBECONFIG")
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        run(self._kubectl, "version", "--request-timeout=10s", environment=environment)

    def load(self, images: Mapping[str, Path]) -> None:
        """Nothing: they were pushed, or stand on the nodes."""

    def collect(self, folder: Path) -> None:
        """Nothing that the objects do not say."""

    def stop(self) -> None:
        """Nothing: it is not ours."""

"""The cluster of the current kubeconfig, which is neither made nor taken away."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from distributedjob_api.constants import CRD_NAME
from distributedjob_local.errors import LocalError
from tests.e2e.engine import run
from tests.e2e.release import NAME, NAMESPACE

OURS: Final = (("namespace", NAMESPACE), ("customresourcedefinition", CRD_NAME))
"""What README's commands make, and those that uninstall remove."""


class Existing:
    """A cluster that stands already; images come to it by a registry, or are there."""

    title = "the cluster of your kubeconfig"

    def __init__(self, kubectl: Path, helm: Path) -> None:
        self._programs = {"kubectl": str(kubectl), "helm": str(helm)}
        self._begun = False

    @property
    def kubeconfig(self) -> Path:
        """That of the user."""
        first = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
        return Path(first) if first else Path.home() / ".kube" / "config"

    def start(self) -> None:
        """See whether it answers, and has nothing that would be removed in the end.

        Raises:
            LocalError: it does not, or has.
        """
        if not self.kubeconfig.exists():
            raise LocalError(f"{self.kubeconfig} does not exist; set KUBECONFIG")
        self._run("kubectl", "version", "--request-timeout=10s")
        for kind, name in OURS:
            if self._run("kubectl", "get", kind, name, "--ignore-not-found", "--output=name"):
                raise LocalError(
                    f"the {kind} {name} is there already, and this run would remove it:"
                    " remove it yourself, or use another cluster"
                )
        self._begun = True

    def load(self, images: Mapping[str, Path]) -> None:
        """Nothing: they were pushed, or stand on the nodes."""

    def collect(self, folder: Path) -> None:
        """Nothing that the objects do not say."""

    def stop(self) -> None:
        """Remove what a run that failed has left; the cluster is not ours."""
        if not self._begun:
            return
        where = ("--namespace", NAMESPACE, "--ignore-not-found", "--wait", "--timeout=3m")
        self._run("helm", "uninstall", NAME, *where)
        for kind, name in reversed(OURS):
            self._run("kubectl", "delete", kind, name, "--ignore-not-found", "--timeout=3m")

    def _run(self, program: str, *arguments: str) -> str:
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        return run(self._programs[program], *arguments, environment=environment)

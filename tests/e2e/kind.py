"""The cluster that kind makes, where Docker works."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.e2e.engine import run

NAME: Final = "djob-e2e"
SETTINGS: Final = """\
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
  - role: control-plane
  - role: worker
  - role: worker
"""
READY: Final = "180s"


class Kind:
    """Two workers and a control plane, as containers."""

    title = "kind"
    programs: Final = frozenset({"kind"})

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = str(program)
        self._folder = folder

    @property
    def kubeconfig(self) -> Path:
        """The administrator's, in a file of its own."""
        return self._folder / "kubeconfig"

    def start(self) -> None:
        """Create the cluster, in place of one that was left."""
        self.stop()
        self._folder.mkdir(parents=True)
        settings = self._folder / "kind.yaml"
        settings.write_text(SETTINGS, encoding="utf-8")
        self._run("create", "cluster", "--config", str(settings), "--wait", READY)

    def load(self, images: Mapping[str, Path]) -> None:
        """Load each archive."""
        for archive in images.values():
            self._run("load", "image-archive", str(archive))

    def collect(self, folder: Path) -> None:
        """Keep the logs of the nodes."""
        self._run("export", "logs", str(folder / "kind"))

    def stop(self) -> None:
        """Delete the cluster."""
        self._run("delete", "cluster")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, *arguments: str) -> None:
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        run(self._program, *arguments, "--name", NAME, environment=environment)

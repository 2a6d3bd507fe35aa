"""People with a kubeconfig of a ServiceAccount's token, as a cluster's owner hands them out."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.e2e.cluster import PROJECT, Cluster

INSTALL: Final = PROJECT / "docs" / "install.md"
_YAML: Final = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def reach_role() -> dict[str, Any]:
    """The Role of docs/install.md that lets people reach the operator."""
    text = INSTALL.read_text(encoding="utf-8")
    found = [yaml.safe_load(block) for block in _YAML.findall(text) if "pods/portforward" in block]
    (role,) = found
    return dict(role)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who runs ``djob`` and has no more rights than they were given."""

    cluster: Cluster
    name: str
    namespace: str
    folder: Path
    token: str

    def djob(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``djob`` to its end."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def command(self, verb: str, *arguments: str) -> list[str]:
        """The command line of ``djob`` in the user's namespace."""
        return [sys.executable, "-m", "distributedjob_cli", verb, "-n", self.namespace, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """With a kubeconfig of their own, and kubectl in PATH."""
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "KUBECONFIG": str(self.folder / "kubeconfig"), "PATH": path}

    def bind(self, role: str, kind: str = "clusterrole") -> None:
        """Give a role in the user's namespace."""
        account = f"--serviceaccount={self.namespace}:{self.name}"
        self.cluster.kubectl(
            *("create", "rolebinding", f"{self.name}-{role}", "-n", self.namespace),
            *(f"--{kind}={role}", account),
        )


@contextmanager
def new_user(cluster: Cluster, name: str, namespace: str, folder: Path) -> Iterator[User]:
    """One without any right; afterwards the account and what was bound to it are gone."""
    cluster.kubectl("create", "serviceaccount", name, "-n", namespace)
    token = cluster.kubectl("create", "token", name, "-n", namespace).stdout.strip()
    view = ("config", "view", "--raw", "--minify", "--flatten", "-o", "json")
    config = json.loads(cluster.kubectl(*view).stdout)
    config["users"] = [{"name": each["name"], "user": {"token": token}} for each in config["users"]]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kubeconfig").write_text(json.dumps(config), encoding="utf-8")
    (folder / "kubectl").symlink_to(Path(cluster.programs["kubectl"]).resolve())
    try:
        yield User(cluster, name, namespace, folder, token)
    finally:
        bindings = cluster.items("rolebindings", "-n", namespace)
        bound = [
            each["metadata"]["name"]
            for each in bindings
            if each["metadata"]["name"].startswith(f"{name}-")
        ]
        cluster.kubectl(
            *("delete", "-n", namespace, "--ignore-not-found"),
            *(f"serviceaccount/{name}", *(f"rolebinding/{each}" for each in bound)),
        )

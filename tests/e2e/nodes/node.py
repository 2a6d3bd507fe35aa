"""One node: namespaces, containerd, kubelet and kube-proxy of its own on this machine."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from distributedjob_local.component import Component, Host, Setting
from tests.e2e.nodes import cgroups, init, network, settings
from tests.e2e.nodes.network import Place

READY_SECONDS: Final = 60.0
KINDS: Final = ("--mount", "--pid", "--net", "--uts", "--ipc")
RUNTIME_RANK, AGENT_RANK = 4, 5
NAMESPACE: Final = "k8s.io"
"""Where kubelet's containerd looks for images."""


class Node:
    """Started with a kubeconfig for kubelet and one for kube-proxy."""

    def __init__(
        self, setting: Setting, programs: Mapping[str, Path], plugins: Path, place: Place
    ) -> None:
        self._setting = setting
        self._programs = programs
        self._plugins = plugins
        self._path = f"{programs['containerd'].parent}:{os.environ['PATH']}"
        self._parent = 0
        self.place = place

    @property
    def directory(self) -> Path:
        """Where the node keeps everything."""
        return self._setting.state.data(self.place.name)

    @property
    def socket(self) -> Path:
        """Where containerd listens."""
        return self.directory / "containerd.sock"

    def make(self, others: list[Place]) -> None:
        """Make the namespaces, wire them up, and start containerd."""
        ready = self.directory / "ready"
        command = [
            *(tool("unshare"), *KINDS, "--mount-proc", "--fork", "--kill-child"),
            *(sys.executable, "-I", "-S", init.__file__, self.directory, self.place.name),
        ]
        self._parent = self._start("namespaces", 3, command, ready.exists, inside=False).pid
        network.connect(self.place, self._first_process(), others)
        (self.directory / "cni").mkdir()
        network_file = self.directory / "cni" / "e2e.conflist"
        network_file.write_text(settings.pod_network(self.place), encoding="utf-8")
        text = settings.containerd(self.directory, self._plugins)
        (self.directory / "containerd.toml").write_text(text, encoding="utf-8")
        command = [self._programs["containerd"], "--config", self.directory / "containerd.toml"]
        self._start("containerd", RUNTIME_RANK, command, self._runtime_answers)

    def start(self, authority: Path) -> None:
        """Start what makes it a node of the cluster; both kubeconfigs are written."""
        groups = cgroups.make(self.place.name)
        text = settings.kubelet(self.directory, groups, authority)
        (self.directory / "kubelet.yaml").write_text(text, encoding="utf-8")
        (self.directory / "resolv.conf").write_text("", encoding="utf-8")
        kubelet = [
            self._programs["kubelet"],
            f"--config={self.directory / 'kubelet.yaml'}",
            f"--kubeconfig={self.kubeconfig('kubelet')}",
            f"--root-dir={self.directory / 'kubelet'}",
            f"--cert-dir={self.directory / 'kubelet' / 'pki'}",
            f"--hostname-override={self.place.name}",
            f"--node-ip={self.place.address}",
        ]
        self._start("kubelet", AGENT_RANK, kubelet, lambda: True)
        proxy = [
            self._programs["kube-proxy"],
            f"--kubeconfig={self.kubeconfig('kube-proxy')}",
            f"--hostname-override={self.place.name}",
            "--proxy-mode=nftables",
            f"--cluster-cidr={network.PODS}",
            # These are settings of the whole machine.
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
        ]
        self._start("kube-proxy", AGENT_RANK, proxy, lambda: True)

    def kubeconfig(self, component: str) -> Path:
        """Where a component's kubeconfig stands."""
        return self.directory / f"{component}.kubeconfig"

    def import_images(self, archive: Path) -> None:
        """Bring the images of a docker archive to the node."""
        self._ctr("images", "import", "--snapshotter=overlayfs", str(archive))

    def _ctr(self, *arguments: str) -> None:
        command: list[str | Path] = [self._programs["ctr"], "--address", self.socket]
        done = subprocess.run(
            [*self._enter(), *command, "--namespace", NAMESPACE, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"ctr {' '.join(arguments)}: {done.stderr.strip()}")

    def _runtime_answers(self) -> bool:
        if not self.socket.exists():
            return False
        try:
            self._ctr("version")
        except RuntimeError:
            return False
        return True

    def _enter(self) -> tuple[str | Path, ...]:
        target = ("--target", str(self._first_process()))
        return (tool("nsenter"), *target, *KINDS, "--")

    def _first_process(self) -> int:
        children = Path(f"/proc/{self._parent}/task/{self._parent}/children")
        (child,) = children.read_text(encoding="utf-8").split()
        return int(child)

    def _start(
        self,
        name: str,
        rank: int,
        command: list[str | Path],
        ready: Callable[[], bool],
        *,
        inside: bool = True,
    ) -> Component:
        full = f"{self.place.name}-{name}"
        hosts = {full: Host(enter=self._enter())} if inside else {}
        setting = Setting(self._setting.state, self._setting.attended, hosts=hosts)
        component = Component(setting, full, rank, command, ready, environment={"PATH": self._path})
        component.start()
        component.wait_ready(READY_SECONDS)
        return component


def tool(name: str) -> str:
    """The absolute path of a tool that was found before."""
    return shutil.which(name) or name

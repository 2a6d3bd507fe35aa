"""etcd and kube-apiserver, and the controller manager where it is wanted."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from distributedjob_local import api
from distributedjob_local.component import Component, Setting, free_port, on_free_ports, serves
from distributedjob_local.keys import new_private_key
from distributedjob_local.startable import Startable

if TYPE_CHECKING:
    from pykube.http import HTTPClient

ETCD_RANK, API_SERVER_RANK, CONTROLLER_MANAGER_RANK = 0, 1, 2
READY_SECONDS: Final = 90.0
CONTROLLERS: Final = (
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
)


class ControlPlane(Startable):
    """A real API server on real storage; ``kubeconfig`` is its administrator's."""

    def __init__(
        self, setting: Setting, programs: Mapping[str, Path], *, controller_manager: bool = False
    ) -> None:
        self._setting = setting
        self._state = setting.state
        self._programs = programs
        self._with_controllers = controller_manager
        self.components: list[Component] = []
        self.url = ""
        self.client: HTTPClient

    @property
    def kubeconfig(self) -> Path:
        """The file that plain ``kubectl`` uses."""
        return self._state.kubeconfig

    def start(self) -> None:
        """Start everything and return when the API server serves."""
        self._state.create()
        # A serving certificate is made anew at each start, so it never expires in use.
        certificates = self._state.data("kube-apiserver")
        for name in ("apiserver.crt", "apiserver.key"):
            (certificates / name).unlink(missing_ok=True)
        etcd = on_free_ports(self._start_etcd)
        on_free_ports(lambda: self._start_api_server(etcd.address))
        self._write_kubeconfig()
        if self._with_controllers:
            on_free_ports(self._start_controller_manager)

    def stop(self) -> None:
        """End everything, storage last."""
        while self.components:
            self.components.pop().stop()

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002 - as in subprocess.run
    ) -> subprocess.CompletedProcess[str]:
        """Run ``kubectl`` as a user would, and return what it said."""
        return subprocess.run(
            [self._programs["kubectl"], *arguments],
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            input=input,
            capture_output=True,
            text=True,
            check=False,
        )

    def _started(self, component: Component) -> Component:
        component.start()
        try:
            component.wait_ready(READY_SECONDS)
        except BaseException:
            component.stop()
            raise
        self.components.append(component)
        return component

    def _start_etcd(self) -> Component:
        host = self._setting.host("etcd").address
        client, peer = (f"http://{host}:{free_port(host)}" for _ in range(2))
        command: list[str | Path] = [
            self._programs["etcd"],
            "--name=local",
            f"--data-dir={self._state.data('etcd')}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=local={peer}",
            "--log-level=warn",
        ]
        return self._started(
            Component(
                self._setting,
                "etcd",
                ETCD_RANK,
                command,
                lambda: serves(f"{client}/readyz"),
                client,
            )
        )

    def _start_api_server(self, etcd: str) -> Component:
        host = self._setting.host("kube-apiserver").address
        port = free_port(host)
        certificates = self._state.data("kube-apiserver")
        token = self._state.secret("token").read_text(encoding="utf-8")
        tokens = certificates / "tokens.csv"
        self._state.write_private(tokens, f"{token},admin,admin,system:masters\n")
        key = self._state.root / "secrets" / "service-account.pem"
        if not key.exists():
            self._state.write_private(key, new_private_key())
        self.url = f"https://{host}:{port}"
        command: list[str | Path] = [
            self._programs["kube-apiserver"],
            f"--etcd-servers={etcd}",
            f"--bind-address={host}",
            f"--secure-port={port}",
            f"--cert-dir={certificates}",
            f"--token-auth-file={tokens}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            # Nobody would ever take the not-ready taint off a node without a kubelet.
            "--disable-admission-plugins=TaintNodesByCondition",
        ]
        authority = certificates / "apiserver.crt"

        def ready() -> bool:
            return serves(f"{self.url}/readyz", authority=authority, token=token)

        name = "kube-apiserver"
        started = self._started(
            Component(self._setting, name, API_SERVER_RANK, command, ready, self.url)
        )
        self.client = api.connect(self.url, authority, token)
        return started

    def _start_controller_manager(self) -> Component:
        port = free_port()
        key = self._state.root / "secrets" / "service-account.pem"
        command: list[str | Path] = [
            self._programs["kube-controller-manager"],
            f"--kubeconfig={self.kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--cert-dir={self._state.data('kube-controller-manager')}",
            # No kubelet renews a lease here: the node controllers would evict all.
            f"--controllers={','.join(CONTROLLERS)}",
            "--leader-elect=false",
            f"--service-account-private-key-file={key}",
            f"--root-ca-file={self._state.data('kube-apiserver') / 'apiserver.crt'}",
        ]

        def ready() -> bool:
            accounts = "/api/v1/namespaces/default/serviceaccounts/default"
            return api.answers(self.client, accounts)

        name = "kube-controller-manager"
        address = f"https://127.0.0.1:{port}"
        return self._started(
            Component(self._setting, name, CONTROLLER_MANAGER_RANK, command, ready, address)
        )

    def _write_kubeconfig(self) -> None:
        # A path: of data, each client makes a temporary file, which outlives its kill -9.
        authority = self._state.data("kube-apiserver") / "apiserver.crt"
        cluster = {"server": self.url, "certificate-authority": str(authority)}
        token = self._state.secret("token").read_text(encoding="utf-8")
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "djob-local", "cluster": cluster}],
            "users": [{"name": "djob-local", "user": {"token": token}}],
            "contexts": [
                {"name": "djob-local", "context": {"cluster": "djob-local", "user": "djob-local"}}
            ],
            "current-context": "djob-local",
        }
        self._state.write_private(self.kubeconfig, yaml.safe_dump(document, sort_keys=False))
        link = self._state.programs / "kubectl"
        link.unlink(missing_ok=True)
        link.symlink_to(shutil.which(self._programs["kubectl"]) or self._programs["kubectl"])

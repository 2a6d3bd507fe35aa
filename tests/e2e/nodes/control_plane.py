"""etcd, API server, controller manager and scheduler, each with rights of its own."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from distributedjob_local.component import Component, Setting, serves
from distributedjob_local.keys import new_private_key
from tests.chaos.isolation import run
from tests.e2e.nodes import network

READY_SECONDS: Final = 120.0
ETCD: Final = f"http://{network.CONTROL}:2379"
URL: Final = f"https://{network.CONTROL}:6443"
USERS: Final = {
    "admin": "system:masters",
    "system:kube-controller-manager": "",
    "system:kube-scheduler": "",
    "system:kube-proxy": "",
}
"""Names and groups to which Kubernetes itself grants what they need."""

Arguments = Sequence[str | Path]


class ControlPlane:
    """Real servers on the control plane's address; ``kubeconfig`` is the administrator's."""

    def __init__(
        self, setting: Setting, programs: Mapping[str, Path], nodes: Sequence[str]
    ) -> None:
        self._setting = setting
        self._programs = programs
        self._state = setting.state
        self._groups = {**USERS, **{f"system:node:{name}": "system:nodes" for name in nodes}}
        self._tokens = {user: secrets.token_urlsafe(24) for user in self._groups}

    @property
    def kubeconfig(self) -> Path:
        """What plain ``kubectl`` uses."""
        return self._state.kubeconfig

    @property
    def kubelet_client(self) -> Path:
        """The certificate by which kubelets know the API server."""
        return self._data("kube-apiserver", "kubelet-client.crt")

    def start(self) -> None:
        """Start everything; return when all of it is at work."""
        self._write_secrets()
        self._start("etcd", 0, self._etcd(), lambda: serves(f"{ETCD}/readyz"))
        token = self._tokens["admin"]
        self._start(
            "kube-apiserver",
            1,
            self._api_server(),
            lambda: serves(f"{URL}/readyz", authority=self._authority, token=token),
        )
        self.write_kubeconfig(self.kubeconfig, "admin")
        controllers = (
            f"--service-account-private-key-file={self._signing_key}",
            f"--root-ca-file={self._authority}",
            "--use-service-account-credentials",
            # Pods of a node that is drained or gone are soon made anew elsewhere.
            "--node-monitor-grace-period=20s",
        )
        self._start_client("kube-controller-manager", 10257, controllers)
        self._start_client("kube-scheduler", 10259, ())

    def write_kubeconfig(self, path: Path, user: str) -> None:
        """Write a kubeconfig of one of the users."""
        cluster = {"server": URL, "certificate-authority": str(self._authority)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "e2e", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self._tokens[user]}}],
            "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": user}}],
            "current-context": "e2e",
        }
        self._state.write_private(path, yaml.safe_dump(document, sort_keys=False))

    @property
    def _authority(self) -> Path:
        return self._data("kube-apiserver", "apiserver.crt")

    @property
    def _signing_key(self) -> Path:
        return self._data("kube-apiserver", "service-account.pem")

    def _data(self, component: str, file: str) -> Path:
        return self._state.data(component) / file

    def _start(self, name: str, rank: int, arguments: Arguments, ready: Callable[[], bool]) -> None:
        command = [self._programs[name], *arguments]
        component = Component(self._setting, name, rank, command, ready)
        component.start()
        component.wait_ready(READY_SECONDS)

    def _start_client(self, name: str, port: int, arguments: Arguments) -> None:
        own = self._data(name, "kubeconfig")
        self.write_kubeconfig(own, f"system:{name}")
        common = (
            f"--kubeconfig={own}",
            f"--authentication-kubeconfig={own}",
            f"--authorization-kubeconfig={own}",
            "--bind-address=127.0.0.1",
            f"--cert-dir={own.parent}",
            "--leader-elect=false",
        )
        certificate = self._data(name, f"{name}.crt")
        url = f"https://127.0.0.1:{port}/healthz"
        self._start(name, 2, (*common, *arguments), lambda: serves(url, authority=certificate))

    def _write_secrets(self) -> None:
        rows = [
            f'{self._tokens[user]},{user},{user},"{self._groups[user]}"' for user in self._tokens
        ]
        self._state.write_private(self._data("kube-apiserver", "tokens.csv"), "\n".join(rows))
        self._state.write_private(self._signing_key, new_private_key())
        certificate = self.kubelet_client
        run(
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=kube-apiserver"),
            *("-keyout", str(certificate.with_suffix(".key")), "-out", str(certificate)),
        )

    def _etcd(self) -> Arguments:
        peer = f"http://{network.CONTROL}:2380"
        return (
            "--name=e2e",
            f"--data-dir={self._state.data('etcd')}",
            f"--listen-client-urls={ETCD}",
            f"--advertise-client-urls={ETCD}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=e2e={peer}",
            "--log-level=warn",
        )

    def _api_server(self) -> Arguments:
        return (
            f"--etcd-servers={ETCD}",
            f"--bind-address={network.CONTROL}",
            f"--advertise-address={network.CONTROL}",
            "--secure-port=6443",
            f"--cert-dir={self._authority.parent}",
            f"--token-auth-file={self._data('kube-apiserver', 'tokens.csv')}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged",
            f"--service-cluster-ip-range={network.SERVICES}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self._signing_key}",
            f"--service-account-signing-key-file={self._signing_key}",
            f"--kubelet-client-certificate={self.kubelet_client}",
            f"--kubelet-client-key={self.kubelet_client.with_suffix('.key')}",
            # The names of the nodes resolve nowhere.
            "--kubelet-preferred-address-types=InternalIP",
        )

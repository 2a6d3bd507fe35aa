"""Operators that speak to the API server through a proxy of ours."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from distributedjob_local.component import free_port
from tests.chaos.faults import Injection
from tests.chaos.rig import Rig

NAME: Final = "api-proxy"
SCRIPT: Final = Path(__file__).with_name("api_proxy.py")
STATUS: Final = "/status"
LEASES: Final = "/leases/"


@dataclass(frozen=True, slots=True)
class ApiProxy:
    """What the proxy does is in one file."""

    path: Path

    def follow(self, *rules: dict[str, Any]) -> None:
        """Take these rules, in place of those before."""
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(rules))
        new.replace(self.path)

    def rules(self, kind: str, *rules: dict[str, Any]) -> Injection:
        """These rules for the time of a fault."""
        return Injection(kind, NAME, lambda: self.follow(*rules), self.follow)


@contextmanager
def proxied(rig: Rig) -> Iterator[ApiProxy]:
    """All operators behind the proxy, and in front of it again afterwards."""
    proxy = ApiProxy(rig.folder / "api-rules.json")
    proxy.follow()
    address = rig.network.stations[NAME].address
    port = free_port(address)
    plane, ready = rig.cluster.control_plane, rig.folder / "api-proxy-ready"
    authority = rig.state.data("kube-apiserver") / "apiserver.crt"
    words = [SCRIPT, address, str(port), plane.url, authority, proxy.path, ready]
    process = rig.helper(NAME, [sys.executable, *words], ready)
    process.start()
    try:
        process.wait_ready(20)
        document = yaml.safe_load(plane.kubeconfig.read_text(encoding="utf-8"))
        document["clusters"][0]["cluster"] = {"server": f"http://{address}:{port}"}
        kubeconfig = rig.folder / "kubeconfig-proxied"
        rig.state.write_private(kubeconfig, yaml.safe_dump(document))
        with rig.with_environment(rig.operators, {"KUBECONFIG": str(kubeconfig)}):
            yield proxy
    finally:
        process.stop()

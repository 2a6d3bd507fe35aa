"""The chart as the tests see it: rendered, installed, and its containers as processes.

No kubelet runs here: what it would hand a container, a process gets instead.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from distributedjob_local import versions
from distributedjob_local.component import Component, Setting, serves
from distributedjob_local.control_plane import ControlPlane
from distributedjob_local.programs import find_programs
from distributedjob_local.progress import Progress

CHART: Final = Path(__file__).parents[2] / "helm" / "distributedjob"
RELEASE: Final = "distributedjob"
NAMESPACE: Final = "djob-system"
Document = dict[str, Any]


def helm(*arguments: str, kubeconfig: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run helm; what it said."""
    program = find_programs({"helm"}, Progress())["helm"]
    environment = {**os.environ, **({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {})}
    return subprocess.run(
        [program, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def render(*arguments: str, release: str = RELEASE) -> list[Document]:
    """What the chart renders to."""
    done = helm(
        *("template", release, str(CHART), "--namespace", NAMESPACE),
        *("--kube-version", versions.kubernetes(), *arguments),
    )
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def container(workload: Document) -> Document:
    """The first container of a Deployment, DaemonSet or StatefulSet."""
    found: Document = workload["spec"]["template"]["spec"]["containers"][0]
    return found


class Kubelet:
    """Turns the workloads of an installed release into processes of this machine."""

    def __init__(self, setting: Setting, api: ControlPlane) -> None:
        self.setting = setting
        self._api = api
        self.started: list[Component] = []

    def get(self, kind: str, name: str) -> Document:
        """An object of the release."""
        done = self._api.kubectl("get", kind, name, "-n", NAMESPACE, "-o", "json")
        assert done.returncode == 0, done.stderr
        found: Document = json.loads(done.stdout)
        return found

    def start(self, component: Component) -> Component:
        """Start a process that is stopped in the end."""
        component.start()
        self.started.append(component)
        return component

    def stop(self, name: str = "") -> None:
        """Stop what was started, the last first; or only what has this name."""
        for component in reversed([*self.started]):
            if name in ("", component.name):
                component.stop()
                self.started.remove(component)

    def key(self, name: str) -> Path:
        """A key of the release's Secret as a file."""
        secret = self.get("secret", f"{RELEASE}-nats-keys")
        file = self.setting.state.data("keys") / name
        file.write_bytes(base64.b64decode(secret["data"][name]))
        return file

    def nats(self, program: Path, port: int) -> str:
        """Start NATS with the release's configuration; its URL."""
        for name in self.get("secret", f"{RELEASE}-nats-keys")["data"]:
            self.key(name)
        folder = self.setting.state.data("nats")
        files = self.get("configmap", f"{RELEASE}-nats")["data"]
        for name, text in files.items():
            (folder / name).write_text(text)
        configuration = folder / "complete.json"
        keys = self.setting.state.data("keys")
        script = [sys.executable, "-I", folder / "nats_config.py"]
        subprocess.run([*script, folder / "nats.json", keys, configuration], check=True)
        # A container has its addresses and its volume for itself.
        settings = json.loads(configuration.read_text())
        settings |= {"listen": f"127.0.0.1:{port}"}
        del settings["http"]
        settings["jetstream"] |= {"store_dir": str(folder / "data"), "max_file_store": 1 << 28}
        configuration.write_text(json.dumps(settings))
        self.start(Component(self.setting, "nats", 1, [program, "-c", configuration], lambda: True))
        return f"nats://127.0.0.1:{port}"

    def operator(self, nats: str, listen: str) -> Component:
        """Start an operator with the variables, the key and the account of the release."""
        environment = {
            **literals(self.get("deployment", f"{RELEASE}-operator")),
            "KUBECONFIG": str(self.token(f"{RELEASE}-operator")),
            "DJOB_NATS_URL": nats,
            "DJOB_NATS_PASSWORD_FILE": str(self.key("operator")),
            "DJOB_IDENTITY": "operator-1",
            "DJOB_ENDPOINT_LISTEN": listen,
        }
        command = [sys.executable, "-m", "distributedjob_operator"]
        return self.start(
            Component(
                self.setting,
                "operator",
                2,
                command,
                lambda: serves(f"http://{listen}/readyz"),
                environment=environment,
            )
        )

    def worker(self, nats: str, pool: str) -> Component:
        """Start a worker of a pool with the variables and the key of the release."""
        folder = self.setting.state.data(pool)
        environment = {
            **literals(self.get("daemonset", f"{RELEASE}-worker-{pool}")),
            "DJOB_NATS_URL": nats,
            "DJOB_NATS_PASSWORD_FILE": str(self.key(f"pool-{pool}")),
            "DJOB_NODE": "node-1",
            "DJOB_CPU": "2",
            "DJOB_STATE_DIR": str(folder),
            "DJOB_READY_FILE": str(folder / "ready"),
        }
        command = [sys.executable, "-m", "distributedjob_worker"]
        ready = folder / "ready"
        return self.start(
            Component(
                self.setting,
                f"worker-{pool}",
                3,
                command,
                ready.exists,
                environment=environment,
                ready_file=ready,
            )
        )

    def token(self, account: str) -> Path:
        """A kubeconfig of a service account of the release."""
        done = self._api.kubectl("create", "token", account, "-n", NAMESPACE)
        assert done.returncode == 0, done.stderr
        document = yaml.safe_load(self._api.kubeconfig.read_text())
        document["users"][0]["user"] = {"token": done.stdout.strip()}
        file = self.setting.state.data("accounts") / account
        file.write_text(yaml.safe_dump(document))
        return file


def literals(workload: Document) -> Mapping[str, str]:
    """The variables of its container that are written out."""
    return {each["name"]: each["value"] for each in container(workload)["env"] if "value" in each}

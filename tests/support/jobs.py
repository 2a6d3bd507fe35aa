"""Jobs as a user handles them: applied with kubectl, followed by their status."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from distributedjob_local.cluster import Cluster
from tests.support.waiting import wait_until

FINISHED = ("Complete", "Failed", "Cancelled")


@dataclass
class Jobs:
    """The jobs of one namespace of a cluster."""

    cluster: Cluster
    namespace: str

    def apply(self, name: str, command: list[str], **spec: Any) -> None:
        """``kubectl apply`` a job of one command; further fields in camelCase."""
        template = {"command": command, **spec.pop("template", {})}
        if not spec.keys() & {"completions", "items", "itemsFrom"}:
            spec["completions"] = 1
        manifest = {
            "apiVersion": "distributedjob.dev/v1alpha1",
            "kind": "DistributedJob",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {**spec, "template": template},
        }
        self.kubectl("apply", "-f", "-", input=yaml.safe_dump(manifest))

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002
        """Run kubectl in the namespace; what it prints."""
        done = self.cluster.kubectl("-n", self.namespace, *arguments, input=input)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def patch(self, name: str, spec: dict[str, Any]) -> None:
        """Change the spec of a job."""
        patch = json.dumps({"spec": spec})
        self.kubectl("patch", "distributedjob", name, "--type=merge", "-p", patch)

    def status(self, name: str) -> dict[str, Any]:
        """The status as it stands; empty before the operator wrote one."""
        body = json.loads(self.kubectl("get", "distributedjob", name, "-o", "json"))
        return dict(body.get("status", {}))

    def wait_for(self, name: str, condition: str) -> dict[str, Any]:
        """``kubectl wait`` for a condition of a job; its status then."""
        self.kubectl("wait", f"--for=condition={condition}", f"djob/{name}", "--timeout=60s")
        return self.status(name)

    def wait_seen(self, name: str, timeout: float = 30) -> dict[str, Any]:
        """Wait until the spec as it stands was seen; the status then."""
        return wait_until(
            lambda: json.loads(self.kubectl("get", "distributedjob", name, "-o", "json")),
            lambda job: (
                job.get("status", {}).get("observedGeneration") == job["metadata"]["generation"]
            ),
            timeout,
            f"the spec of {name} is seen",
        )["status"]

    def wait_phase(self, name: str, *phases: str, timeout: float = 60) -> dict[str, Any]:
        """Wait until a job is in one of these phases; its status then."""
        return wait_until(
            lambda: self.status(name),
            lambda status: status.get("phase") in phases,
            timeout,
            f"{name} reaches {' or '.join(phases)}",
        )

    def wait_reason(self, name: str, reason: str, timeout: float = 30) -> dict[str, Any]:
        """Wait until the Reconciling condition gives a reason; its status then."""
        return wait_until(
            lambda: self.status(name),
            lambda status: condition(status, "Reconciling").get("reason") == reason,
            timeout,
            f"{name} says {reason}",
        )

    def wait_kept_off(self, node: str) -> None:
        """Wait until the operator has seen that a node takes nothing new, if by a job only.

        The probe asks for more than any node has, so that it never runs.
        """
        huge = {"resources": {"requests": {"cpu": "1000"}}}
        hostname = {"kubernetes.io/hostname": node}
        self.apply("probe", ["true"], template=huge, nodeSelector=hostname)
        self.wait_reason("probe", "NoMatchingNode")
        self.kubectl("delete", "djob", "probe")

    def wait_running(self, name: str, count: int = 1, timeout: float = 30) -> dict[str, Any]:
        """Wait until so many tasks are reported to run."""
        return wait_until(
            lambda: self.status(name),
            lambda status: status.get("running", 0) >= count,
            timeout,
            f"{name} runs {count} tasks",
        )


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    """One condition of a status, or an empty one."""
    return next((c for c in status.get("conditions", ()) if c["type"] == kind), {})


def marked(mark: str) -> list[int]:
    """Pids of live processes whose environment holds ``mark``."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (
                mark.encode() in (entry / "environ").read_bytes()
                and " Z " not in (entry / "stat").read_text()
            ):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def lines(path: Path) -> list[str]:
    """The lines of a ledger that tasks append to."""
    return path.read_text().splitlines() if path.exists() else []

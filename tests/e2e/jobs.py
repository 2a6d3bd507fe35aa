"""Jobs as a user of a cluster has them: applied, watched, and accounted for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import yaml

from tests.e2e.cluster import Cluster
from tests.support.waiting import wait_until

FINISHED: Final = ("Complete", "Failed", "Cancelled")
TASKS: Final = 2_000
"""At four at a time they last over four minutes, with all CPU less than half a one."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of one namespace."""

    cluster: Cluster
    namespace: str

    def apply(self, name: str, command: list[str], **spec: Any) -> None:
        """``kubectl apply`` a job; further fields of its spec in camelCase."""
        template = {"command": command, **spec.pop("template", {})}
        manifest = {
            "apiVersion": "distributedjob.dev/v1alpha1",
            "kind": "DistributedJob",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {**spec, "template": template},
        }
        self.cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(manifest))

    def status(self, name: str) -> dict[str, Any]:
        """The status as it stands."""
        found: dict[str, Any] = self.cluster.get("djob", name, "-n", self.namespace)
        return dict(found.get("status", {}))

    def wait_for(
        self,
        name: str,
        accept: Callable[[dict[str, Any]], bool],
        what: str,
        timeout: float = 120,
    ) -> dict[str, Any]:
        """Wait for a status like this, and return it."""
        return wait_until(lambda: self.status(name), accept, timeout, f"{name} {what}")

    def start(self, name: str) -> None:
        """Start a long job that runs few tasks at a time; return when some have succeeded."""
        self.apply(
            name,
            ["sleep", "0.5"],
            completions=TASKS,
            parallelism=4,
            template={"resources": {"requests": {"cpu": "50m"}}},
        )
        self.wait_for(name, lambda status: status.get("succeeded", 0) > 0, "is on its way")

    def start_endless(self, name: str, tasks: int, workers: list[str]) -> None:
        """Start tasks that end on no worker of these, and at once on any other.

        Told to end, one takes its time and then fails, which the job does not bear.
        """
        script = (
            'case " $* " in *" $(cat /etc/hostname) "*)'
            " trap 'sleep 2; exit 3' TERM; sleep 3600 & wait ;; esac"
        )
        self.apply(
            name,
            ["sh", "-c", script, "sh", *workers],
            completions=tasks,
            backoffLimitPerIndex=0,
            template={"resources": {"requests": {"cpu": "500m"}}},
        )
        self.wait_for(name, lambda status: status.get("running") == tasks, "runs")

    def finish(self, name: str) -> dict[str, Any]:
        """See that the job has not finished, let it use all CPU, and wait for its end."""
        before = self.status(name)
        assert before["phase"] not in FINISHED, f"{name} was too short to disturb: {before}"
        patch = '{"spec": {"parallelism": null}}'
        self.cluster.kubectl(
            *("patch", "djob", name, "-n", self.namespace, "--type=merge", "-p", patch)
        )
        return self.all_succeeded(name, TASKS)

    def all_succeeded(self, name: str, tasks: int, timeout: float = 240) -> dict[str, Any]:
        """Wait for the end: every index succeeded, and none failed meanwhile."""
        status = self.wait_for(
            name, lambda status: status.get("phase") in FINISHED, "finishes", timeout
        )
        assert status["phase"] == "Complete", status
        assert status["succeeded"] == tasks, status
        assert status["completedIndexes"] == (f"0-{tasks - 1}" if tasks > 1 else "0"), status
        assert status.get("failures", 0) == 0, status
        return status

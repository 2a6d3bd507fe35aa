"""``make demo``: the examples on a cluster of their own, with answers that are checked.

Starts etcd, kube-apiserver, NATS, the operator and three workers in a temporary
directory, applies the examples with kubectl, shows how they go, compares what they
print with what is known, and ends everything again, also after Ctrl-C.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import checks
import stdlib
import yaml
from progress import Display

from distributedjob_api.constants import API_VERSION, PLURAL
from distributedjob_local.cluster import Cluster
from distributedjob_local.errors import LocalError
from distributedjob_local.interrupts import ended_in_order
from distributedjob_local.programs import EVERYTHING, find_programs
from distributedjob_local.progress import Progress
from distributedjob_local.size import Size
from distributedjob_local.throwaway import throwaway_cluster
from distributedjob_worker.core.program import DEFAULT_PATH

EXAMPLES = ("hello", "primes", "flaky", "cancelled")
SIZE = Size(nodes=3, cpus="1")
POLL_SECONDS = 0.25
PATIENCE_SECONDS = 600.0


def main() -> int:
    """Run the demo; returns the exit code."""
    began = time.monotonic()
    progress = Progress()
    try:
        programs = find_programs(EVERYTHING, progress)
        print(f"Starting a cluster: {SIZE}.", flush=True)
        with throwaway_cluster(programs, SIZE, progress) as cluster:
            failed = show(cluster)
            print("\nEnding the cluster.", flush=True)
    except (LocalError, checks.CheckFailed) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    took = time.monotonic() - began
    if failed:
        print(f"demo: FAILED: {', '.join(failed)}, after {took:.0f} s", file=sys.stderr)
        return 1
    print(f"The demo is over, every check passed, in {took:.0f} s.")
    return 0


def show(cluster: Cluster) -> list[str]:
    """Apply, follow and check the examples; returns the names of those that fail."""
    texts = [_with_python(Path(__file__).with_name(f"{name}.yaml")) for name in EXAMPLES]
    for text in (*texts, json.dumps(stdlib.manifest())):
        print(_kubectl(cluster, "apply", "--filename=-", text=text), end="", flush=True)
    processes = follow(cluster)
    print("\nComparing the results with what they must be:", flush=True)
    documents = {each["metadata"]["name"]: each for each in _jobs(cluster)}
    failed = []
    for name, check in checks.CHECKS.items():
        try:
            verdict, said = "ok", check(cluster.kubeconfig, documents[name], processes)
        except checks.CheckFailed as error:
            verdict, said = "FAILED", str(error)
            failed.append(name)
        print(f"  {name:<10} {verdict:<7} {said}", flush=True)
    print("\n$ kubectl get distributedjobs")
    print(_kubectl(cluster, "get", "distributedjobs"), end="")
    return failed


def follow(cluster: Cluster) -> int:
    """Show progress until every job is finished, and cancel one on the way.

    Returns:
        How many processes of the cancelled job ran just before.
    """
    processes = 0
    deadline = time.monotonic() + PATIENCE_SECONDS
    with Display() as display:
        while True:
            jobs = _jobs(cluster)
            display.update(jobs)
            processes = processes or _cancel_running(cluster, jobs)
            if all(checks.holds(job, "Finished") for job in jobs):
                return processes
            if time.monotonic() > deadline:
                raise checks.CheckFailed(f"not finished after {PATIENCE_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)


def _cancel_running(cluster: Cluster, jobs: list[dict[str, Any]]) -> int:
    """Cancel the job that waits for it once its processes are there; returns their number."""
    (job,) = (each for each in jobs if each["metadata"]["name"] == "cancelled")
    processes = checks.count_processes(job["metadata"]["uid"])
    if processes and job.get("status", {}).get("running"):
        patch = '--patch={"spec":{"cancel":true}}'
        _kubectl(cluster, "patch", "djob", "cancelled", "--type=merge", patch)
        return processes
    return 0


def _jobs(cluster: Cluster) -> list[dict[str, Any]]:
    path = f"/apis/{API_VERSION}/namespaces/default/{PLURAL}"
    (listed,) = cluster.read(path)
    items: list[dict[str, Any]] = listed["items"]
    return items


def _kubectl(cluster: Cluster, *arguments: str, text: str | None = None) -> str:
    done = cluster.kubectl(*arguments, input=text)
    if done.returncode != 0:
        raise checks.CheckFailed(f"kubectl {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def _with_python(file: Path) -> str:
    """The manifest; where workers find no python3, they are told where this one is."""
    text = file.read_text(encoding="utf-8")
    if "python3" not in text or shutil.which("python3", path=DEFAULT_PATH):
        return text
    folder = os.path.dirname(os.path.realpath(sys.executable))
    print(f"There is no python3 in {DEFAULT_PATH}: the tasks get the one of {folder}.")
    document = yaml.safe_load(text)
    document["spec"]["template"]["env"] = [{"name": "PATH", "value": f"{folder}:{DEFAULT_PATH}"}]
    return json.dumps(document)


if __name__ == "__main__":
    with ended_in_order():
        sys.exit(main())

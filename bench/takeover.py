"""How long nobody leads: 20 leaders killed and 20 stopped, on a whole embedded cluster.

For each: from the signal until another replica holds the Lease, and until it has
written its first checkpoint of a job that runs all the while.
"""

import argparse
import signal
import statistics
import time
from collections.abc import Callable
from typing import Any

import yaml

from bench.embedded import running
from distributedjob_local.cluster import Cluster
from distributedjob_local.component import Component
from distributedjob_local.size import Size

POLL_SECONDS = 0.01
LIMIT_SECONDS = 60
LEASE = "/apis/coordination.k8s.io/v1/namespaces/djob-system/leases/distributedjob"
JOB = "/apis/distributedjob.dev/v1alpha1/namespaces/default/distributedjobs/takeover"
MANIFEST = {
    "apiVersion": "distributedjob.dev/v1alpha1",
    "kind": "DistributedJob",
    "metadata": {"name": "takeover"},
    "spec": {"completions": 1_000_000, "template": {"command": ["sleep", "0.05"]}},
}


def read(cluster: Cluster, path: str) -> dict[str, Any]:
    """One object, as JSON."""
    answer = cluster.api.session.get(cluster.api.url + path)
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    return body


def until(accept: Callable[[], bool]) -> float:
    """The moment at which something holds."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not accept():
        if time.monotonic() > deadline:
            raise SystemExit("takeover: nobody took over within a minute")
        time.sleep(POLL_SECONDS)
    return time.monotonic()


def holder(cluster: Cluster) -> str:
    """Who holds the Lease; empty while nobody does."""
    return str(read(cluster, LEASE)["spec"].get("holderIdentity") or "")


def one_round(cluster: Cluster, end: Callable[[Component], None]) -> tuple[float, float]:
    """End the leader; seconds to the next holder, and to its first checkpoint."""
    before = holder(cluster)
    leader = next(one for one in cluster.operators if one.name == before.split("_")[0])
    began = time.monotonic()
    end(leader)
    held = until(lambda: holder(cluster) not in ("", before))
    after = holder(cluster)
    wrote = until(lambda: read(cluster, JOB)["status"]["leader"] == after)
    leader.stop()
    leader.start()
    leader.wait_ready(LIMIT_SECONDS)
    return held - began, wrote - began


def show(kind: str, seconds: list[float]) -> None:
    """One line of the table."""
    ordered = sorted(seconds)
    print(
        f"{kind:34} {ordered[0]:6.2f} {statistics.median(ordered):6.2f} {ordered[-1]:6.2f}",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--operators", type=int, default=3)
    options = parser.parse_args()
    print(f"{'seconds from the signal until':34} {'min':>6} {'median':>6} {'max':>6}")
    with running(Size(nodes=2, operators=options.operators)) as cluster:
        applied = cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(MANIFEST))
        if applied.returncode:
            raise SystemExit(applied.stderr)
        until(lambda: read(cluster, JOB).get("status", {}).get("running", 0) > 0)
        for kind, end in (("kill -9", Component.kill), ("SIGTERM", _terminate)):
            rounds = [one_round(cluster, end) for _ in range(options.rounds)]
            show(f"{kind}: another holds the Lease", [held for held, _ in rounds])
            show(f"{kind}: its first checkpoint", [wrote for _, wrote in rounds])


def _terminate(component: Component) -> None:
    """Ask it to leave; it still ends its own affairs when another leads already."""
    if component.identity is not None:
        component.identity.signal(signal.SIGTERM)


if __name__ == "__main__":
    main()

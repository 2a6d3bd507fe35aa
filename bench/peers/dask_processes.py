"""Dask with two worker processes of one thread: ``dask_processes.py TASKS``."""

import json
import subprocess
import sys
import time

from distributed import Client, LocalCluster

TASKS = int(sys.argv[1])


def run(_: int) -> int:
    """Exit code of one task."""
    return subprocess.run(["/bin/true"], capture_output=True).returncode


if __name__ == "__main__":
    workers = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with workers as cluster, Client(cluster) as client:
        client.gather(client.map(run, range(20), pure=False))
        began = time.perf_counter()
        codes = client.gather(client.map(run, range(TASKS), pure=False))
        seconds = time.perf_counter() - began
    assert codes == [0] * TASKS
    print(json.dumps({"tasks": TASKS, "seconds": seconds}))

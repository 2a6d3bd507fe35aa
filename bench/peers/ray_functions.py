"""Ray with a remote function for each task: ``ray_functions.py TASKS``."""

import json
import subprocess
import sys
import time

import ray

TASKS = int(sys.argv[1])


@ray.remote(num_cpus=1)
def run() -> int:
    """Exit code of one task."""
    return subprocess.run(["/bin/true"], capture_output=True).returncode


ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR")
ray.get([run.remote() for _ in range(20)])
began = time.perf_counter()
codes = ray.get([run.remote() for _ in range(TASKS)])
seconds = time.perf_counter() - began
assert codes == [0] * TASKS
print(json.dumps({"tasks": TASKS, "seconds": seconds}))

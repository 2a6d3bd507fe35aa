"""Ray with two actors that run 100 tasks a call: ``ray_actors.py TASKS``."""

import json
import subprocess
import sys
import time

import ray

TASKS = int(sys.argv[1])
BATCH = 100


@ray.remote(num_cpus=1)
class Runner:
    """One slot."""

    def run(self, tasks: int) -> list[int]:
        """Exit codes of so many tasks."""
        command = ["/bin/true"]
        return [subprocess.run(command, capture_output=True).returncode for _ in range(tasks)]


ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR")
runners = [Runner.remote() for _ in range(2)]
ray.get([runner.run.remote(10) for runner in runners])
began = time.perf_counter()
calls = [
    runners[at % 2].run.remote(min(BATCH, TASKS - at * BATCH)) for at in range(-(-TASKS // BATCH))
]
codes = [code for batch in ray.get(calls) for code in batch]
seconds = time.perf_counter() - began
assert codes == [0] * TASKS
print(json.dumps({"tasks": TASKS, "seconds": seconds}))

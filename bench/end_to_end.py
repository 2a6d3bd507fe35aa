"""``make bench``: 20,000 x /bin/true from kubectl apply to Complete, beside xargs.

Each round runs the job on an embedded cluster with two workers of one CPU, then ``xargs -P2
-n1``, then two threads in C that do nothing but spawn and wait, one after the other on the same
machine. ``ROUNDS`` and ``TASKS`` are read from the environment.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from distributedjob_api.constants import API_VERSION, KIND, PLURAL
from distributedjob_local.cluster import Cluster
from distributedjob_local.component import Setting
from distributedjob_local.errors import LocalError
from distributedjob_local.programs import EVERYTHING, find_programs
from distributedjob_local.progress import Progress
from distributedjob_local.size import Size
from distributedjob_local.state import StateDirectory

ROUNDS = int(os.environ.get("ROUNDS", "3"))
TASKS = int(os.environ.get("TASKS", "20000"))
COMMAND = "/bin/true"
PATIENCE_SECONDS = 120
REPORT = Path("build/bench.json")
JOBS = f"/apis/{API_VERSION}/namespaces/default/{PLURAL}"


def main() -> int:
    """Measure, print a table, write the report; returns the exit code."""
    programs = find_programs(EVERYTHING, Progress())
    with tempfile.TemporaryDirectory(prefix="djob-bench-") as folder:
        runs = _contenders(Path(folder))
        setting = Setting(StateDirectory(Path(folder, "cluster")), attended=True)
        with Cluster(setting, programs, Size(nodes=2, cpus="1")) as cluster:
            seconds: dict[str, list[float]] = {"distributedjob": [], **{name: [] for name in runs}}
            run_job(cluster, "warm-up", 100)
            for number in range(1, ROUNDS + 1):
                seconds["distributedjob"].append(run_job(cluster, f"round-{number}", TASKS))
                for name, run in runs.items():
                    seconds[name].append(_timed(run))
                print(f"round {number} of {ROUNDS} is over", file=sys.stderr, flush=True)
    report = _report(seconds)
    _print(report["end_to_end"])
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten to {REPORT}")
    return 0


def run_job(cluster: Cluster, name: str, tasks: int) -> float:
    """Seconds from the start of kubectl until a watch shows the job as Complete."""
    job = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name},
        "spec": {"completions": tasks, "template": {"command": [COMMAND]}},
    }
    parameters = {
        "watch": "true",
        "fieldSelector": f"metadata.name={name}",
        "timeoutSeconds": str(PATIENCE_SECONDS),
    }
    client = cluster.api
    with client.session.get(
        client.url + JOBS, params=parameters, stream=True, timeout=PATIENCE_SECONDS
    ) as watch:
        began = time.perf_counter()
        applied = cluster.kubectl("apply", "--filename=-", input=json.dumps(job))
        if applied.returncode != 0:
            raise LocalError(applied.stderr.strip())
        for line in watch.iter_lines(chunk_size=None):
            status = json.loads(line)["object"].get("status", {})
            if status.get("phase") in ("Complete", "Failed"):
                break
        took = time.perf_counter() - began
    if status.get("succeeded") != tasks:
        raise LocalError(f"{name} did not run all of its {tasks} tasks: {status}")
    cluster.kubectl("delete", "djob", name)
    return took


def _contenders(folder: Path) -> dict[str, Callable[[], object]]:
    numbers = folder / "numbers"
    numbers.write_text("".join(f"{number}\n" for number in range(TASKS)), encoding="utf-8")

    def xargs() -> object:
        with numbers.open("rb") as file:
            return subprocess.run(["xargs", "-P2", "-n1", COMMAND], stdin=file, check=True)

    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        print("no C compiler: the ceiling is not measured", file=sys.stderr)
        return {"xargs -P2 -n1": xargs}
    program = folder / "ceiling"
    source = Path(__file__).with_name("ceiling.c")
    subprocess.run([compiler, "-O2", "-pthread", "-o", program, source], check=True)
    ceiling = [program, str(TASKS), "2", COMMAND]
    return {"xargs -P2 -n1": xargs, "C ceiling": lambda: subprocess.run(ceiling, check=True)}


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _report(seconds: dict[str, list[float]]) -> dict[str, dict[str, object]]:
    rates = {name: TASKS / statistics.median(each) for name, each in seconds.items()}
    ours, peers = rates["distributedjob"], {"xargs -P2 -n1": "xargs", "C ceiling": "ceiling"}
    end_to_end: dict[str, object] = {
        "tasks": TASKS,
        "command": COMMAND,
        "seconds": seconds,
        "tasks_per_second": rates,
    }
    for name, short in peers.items():
        if name in rates:
            end_to_end[f"ratio_to_{short}"] = ours / rates[name]
    machine: dict[str, object] = {
        "cores": len(os.sched_getaffinity(0)),
        "architecture": platform.machine(),
        "processor": _processor(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_at_end": os.getloadavg()[0],
    }
    return {"end_to_end": end_to_end, "machine": machine}


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def _print(figures: dict[str, object]) -> None:
    seconds, rates = figures["seconds"], figures["tasks_per_second"]
    assert isinstance(seconds, dict)
    assert isinstance(rates, dict)
    print(f"{TASKS:,} x {COMMAND}, 2 at a time, {ROUNDS} rounds, medians\n")
    print(f"{'':<16}{'seconds':>9}{'tasks/s':>10}{'we are':>9}")
    for name, rate in rates.items():
        median = statistics.median(seconds[name])
        times = "" if name == "distributedjob" else f"{rates['distributedjob'] / rate:.2f} x"
        print(f"{name:<16}{median:>9.2f}{rate:>10,.0f}{times:>9}".rstrip())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except LocalError as error:
        sys.exit(f"bench: {error}")

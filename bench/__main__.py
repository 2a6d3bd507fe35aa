"""``make bench``: every figure the project is held to, measured on the whole real system.

An embedded cluster (etcd with fsync, kube-apiserver, NATS, one operator, two workers of
one CPU each) runs real jobs beside xargs, GNU parallel and a loop in C. Writes
``build/bench.json`` and the tables and plots; exits with 1 where a ratio is worse than
the accepted ones. The machine should do nothing else meanwhile.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench import end_to_end, ending, figures, gate, growth, latency, many_jobs, plots
from bench.embedded import running
from distributedjob_local.errors import LocalError
from distributedjob_local.size import Size

BUILD: Final = Path("build")
DOCS: Final = Path("docs")
PAGE: Final = DOCS / "performance.md"
BEGIN, END = "<!-- figures: written by make bench ACCEPT=1 -->\n", "<!-- end of figures -->"
SMALL_SIMULATION: Final = ("--nodes", "100", "--cpus", "16", "--tasks", "100000")


def main() -> int:
    """Measure, show, compare; returns the exit code."""
    options = _options()
    BUILD.mkdir(exist_ok=True)
    found: dict[str, Any] = {"machine": _machine()}
    found |= _beside("bench.leader")
    found |= _beside("bench.journal", "--rounds", str(options.rounds))
    if options.full:
        found["simulation"] = _beside("bench.simulate")
    else:
        found["small_simulation"] = _beside("bench.simulate", *SMALL_SIMULATION)
    found |= _on_a_cluster(options)
    found = _named(found)
    _write(found)
    print(figures.table(found))
    print(f"\nwritten to {BUILD}/bench.json, bench.md and the plots beside them")
    if options.accept:
        gate.accept(found["end_to_end"])
        _publish(found)
        return 0
    worse = gate.check(found["end_to_end"])
    for line in worse:
        print(f"bench: {line}", file=sys.stderr)
    return 1 if worse else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each interleaved measurement")
    parser.add_argument("--tasks", type=int, default=20_000, help="of each job beside xargs")
    parser.add_argument("--jobs", type=int, default=1000, help="of one task each")
    parser.add_argument("--lives", type=int, default=200, help="one-task jobs timed hop by hop")
    parser.add_argument("--full", action="store_true", help="a million tasks, 10,000 jobs as well")
    parser.add_argument(
        "--accept", action="store_true", help="hold later runs to these ratios, and show them"
    )
    return parser.parse_args()


def _on_a_cluster(options: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = {}
    size = Size(nodes=2, cpus="1")
    with tempfile.TemporaryDirectory(prefix="djob-bench-") as folder:
        with running(size) as cluster, _step("latency"):
            found["latency_ms"] = latency.measure(cluster, options.lives)
            found["ending_ms"] = ending.measure(cluster, min(20, options.lives))
        with running(size) as cluster, _step("beside xargs, GNU parallel and the ceiling"):
            found["end_to_end"] = end_to_end.measure(
                cluster, Path(folder), options.tasks, options.rounds
            )
        with running(size) as cluster, _step("many jobs"):
            found["many_jobs"] = many_jobs.measure(cluster, options.jobs, min(3, options.rounds))
        sizes = {10_000: min(3, options.rounds), 100_000: 1}
        if options.full:
            sizes[1_000_000] = 1
        with running(size) as cluster, _step("growth"):
            found["growth"] = growth.measure(cluster, sizes)
        if options.full:
            with running(size) as cluster, _step("10,000 queued jobs"):
                found["many_jobs"] += many_jobs.measure(cluster, 10_000, 1)
    return found


@contextmanager
def _step(title: str) -> Iterator[None]:
    """Say what is being measured, and how long it took."""
    began = time.monotonic()
    print(f"{title} ...", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print(f"{title}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def _beside(module: str, *arguments: str) -> dict[str, Any]:
    """What a measurement of the core alone finds, in a process of its own."""
    file = BUILD / f"{module.rpartition('.')[2]}.json"
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", module, "--output", str(file), *arguments]
    with _step(module):
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    if done.returncode != 0 or not file.exists():
        raise LocalError(f"{module} exited with {done.returncode}")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _named(found: dict[str, Any]) -> dict[str, Any]:
    """The figures under the names that they are asked for by."""
    sizes = found["growth"]
    costs = {size: figures.at(sizes, f"{size}.cost_us_per_task") for size in ("10k", "100k", "1m")}
    jobs = sorted(one["jobs_per_second"] for one in found["many_jobs"] if one["jobs"] < 10_000)
    named = {
        "end_to_end": found["end_to_end"],
        "latency_ms": found["latency_ms"],
        "jobs_per_second": jobs[len(jobs) // 2],
        "writes_a_job": max(one["writes_a_job"] for one in found["many_jobs"]),
        "leader": found["leader"],
        "object_bytes_at_1m": found["object_bytes_at_1m"],
        "planning_ms_5000_nodes": found.get(
            "planning_ms_5000_nodes", figures.at(found, "simulation.planning_ms.median")
        ),
        "cost_us_per_task": costs,
    }
    named["cost_growth"] = figures.cost_growth(named)
    return {**named, **{name: one for name, one in found.items() if name not in named}}


def _write(found: dict[str, Any]) -> None:
    (BUILD / "bench.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (BUILD / "bench.md").write_text(figures.markdown(found), encoding="utf-8")
    _plot(found, BUILD)


def _plot(found: dict[str, Any], folder: Path) -> None:
    (folder / "performance-rates.svg").write_text(plots.rates(found), encoding="utf-8")
    (folder / "performance-latency.svg").write_text(plots.latencies(found), encoding="utf-8")


def _publish(found: dict[str, Any]) -> None:
    """Put the tables into the page and the plots beside it."""
    _plot(found, DOCS)
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n{figures.markdown(found)}\n{END}{tail}", encoding="utf-8")


def _machine() -> dict[str, Any]:
    return {
        "cores": len(os.sched_getaffinity(0)),
        "architecture": platform.machine(),
        "processor": _processor(),
        "kernel": ".".join(platform.release().split(".")[:2]),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "an unknown processor"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except LocalError as error:
        sys.exit(f"bench: {error}")

"""``make bench-peers``: Ray, Dask and Celery run N x /bin/true on 2 slots, every exit status kept.

Each is what a registry has, in ``build/peers``; one that cannot be had is named and left
out. A script for each prints its tasks and seconds. Writes ``build/peers.json``.
"""

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.spread import Spread, spread

ENVIRONMENT: Final = Path("build/peers")
REPORT: Final = Path("build/peers.json")
PATIENCE_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer: its script, what it needs, and how many tasks it gets."""

    title: str
    script: str
    packages: tuple[str, ...]
    tasks: int
    program: str = ""
    package: str = ""


PEERS: Final = (
    Peer("Ray, 2 actors, 100 tasks a call", "ray_actors.py", ("ray",), 20_000),
    Peer("Ray, a remote function each", "ray_functions.py", ("ray",), 5_000),
    Peer("Dask, 2 worker processes", "dask_processes.py", ("distributed",), 5_000),
    Peer(
        "Celery with Redis, results stored",
        "celery_stored.py",
        ("celery", "redis"),
        5_000,
        program="redis-server",
        package="redis-server",
    ),
)


def main() -> int:
    """Install, run each in turns, print and write; returns the exit code."""
    parser = argparse.ArgumentParser(prog="bench.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", type=int, help="of each, instead of its own number")
    options = parser.parse_args()
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        _uv("venv", "--python", sys.executable, str(ENVIRONMENT))
    found: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for peer in PEERS:
        why = _why_not(peer, python)
        if why:
            missing[peer.title] = why
            continue
        tasks = options.tasks or peer.tasks
        try:
            rates = [_rate(peer, python, tasks) for _ in range(options.rounds)]
        except (subprocess.SubprocessError, ValueError) as error:
            missing[peer.title] = f"it did not run: {error}"
            continue
        found[peer.title] = {"tasks": tasks, "tasks_per_second": rates}
    for title, figures in found.items():
        summary = spread(figures["tasks_per_second"])
        print(f"{title:<40}{summary!s:>24} tasks/s{_beside_ours(summary)}")
    for title, why in missing.items():
        print(f"{title:<40}  not measured: {why}")
    REPORT.write_text(json.dumps({"peers": found, "missing": missing}, indent=2) + "\n", "utf-8")
    return 0


def _beside_ours(theirs: Spread) -> str:
    """Our rate by theirs, where ``make bench`` has measured ours."""
    report = REPORT.with_name("bench.json")
    if not report.exists():
        return ""
    rates = json.loads(report.read_text("utf-8"))["end_to_end"]["rates"]["DistributedJob"]
    return f"   we are {spread(rates).median / theirs.median:.2f} x"


def _uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "uv", *arguments, "--quiet"]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def _why_not(peer: Peer, python: Path) -> str:
    """Install what a peer needs; why it cannot be measured, if so."""
    if peer.program and shutil.which(peer.program) is None:
        return f"apt-get install {peer.package}"
    done = _uv("pip", "install", "--python", str(python), *peer.packages)
    if done.returncode == 0:
        return ""
    return f"{', '.join(peer.packages)} cannot be installed: {done.stderr.strip()[-200:]}"


def _rate(peer: Peer, python: Path, tasks: int) -> float:
    """Tasks a second, by the peer's script.

    Raises:
        subprocess.SubprocessError: it failed, or took too long.
        ValueError: its last line is no report.
    """
    script = Path(__file__).with_name(peer.script)
    done = subprocess.run(
        [str(python), str(script), str(tasks)],
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    report = json.loads(done.stdout.strip().splitlines()[-1])
    return round(float(report["tasks"]) / float(report["seconds"]), 1)


if __name__ == "__main__":
    sys.exit(main())

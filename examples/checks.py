"""What the examples must have come to, found in another way than by running them."""

import ast
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import stdlib

PRIMES_BELOW_TEN_MILLION = 664_579
CHUNK = 40
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class CheckFailed(Exception):
    """A result is not what it must be; the text says which."""


def holds(job: dict[str, Any], condition: str) -> bool:
    """Whether a job has this condition."""
    conditions = job.get("status", {}).get("conditions") or []
    return any(each["type"] == condition and each["status"] == "True" for each in conditions)


def count_processes(uid: str) -> int:
    """How many processes of a job run on this machine: each has its uid in its environment."""
    mark = f"DJOB_UID={uid}".encode()
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found += mark in (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # It has just ended, or belongs to somebody else.
    return found


def check_hello(kubeconfig: Path, job: dict[str, Any], _: int) -> str:
    """The output stands in the order of the indexes."""
    _expect(job, "Complete")
    lines = _output(kubeconfig, "hello")
    if lines != [f"hello from task {index}" for index in range(10)]:
        raise CheckFailed(f"printed {lines}")
    return f"{len(lines)} lines, in order"


def check_primes(kubeconfig: Path, job: dict[str, Any], _: int) -> str:
    """The sum of all counts is known."""
    _expect(job, "Complete")
    total = sum(map(int, _output(kubeconfig, "primes")))
    if total != PRIMES_BELOW_TEN_MILLION:
        raise CheckFailed(f"counted {total:,} primes, not {PRIMES_BELOW_TEN_MILLION:,}")
    return f"{total:,} primes below 10,000,000"


def check_flaky(kubeconfig: Path, job: dict[str, Any], _: int) -> str:
    """Ten tasks failed once and one of them twice; all succeeded in the end."""
    _expect(job, "Complete")
    retries, lines = job["status"]["retries"], _output(kubeconfig, "flaky")
    again = [line for line in lines if not line.endswith("attempt 1")]
    if retries < 11 or len(lines) != 30 or len(again) != 10:
        raise CheckFailed(f"{retries} retries, printed {lines}")
    return f"{len(lines)} tasks succeeded, {len(again)} of them after {retries} retries"


def check_cancelled(kubeconfig: Path, job: dict[str, Any], processes: int) -> str:
    """Cancelled means that nothing of it runs any more."""
    _expect(job, "Cancelled")
    left = count_processes(job["metadata"]["uid"])
    if left or not processes:
        raise CheckFailed(f"{processes} processes ran before, {left} are left")
    return f"{processes} processes ran before, none is left"


def check_stdlib(kubeconfig: Path, job: dict[str, Any], _: int) -> str:
    """The totals of all lines equal a count without any cluster."""
    _expect(job, "Complete")
    rows = [line.split(" ", 2) for line in _output(kubeconfig, "stdlib")]
    found = (len(rows), sum(int(row[0]) for row in rows), sum(int(row[1]) for row in rows))
    direct = count_library()
    if found != direct:
        raise CheckFailed(f"files, lines and definitions are {found}, counted directly {direct}")
    files, lines, definitions = found
    return f"{files:,} files, {lines:,} lines, {definitions:,} definitions, as counted directly"


CHECKS: dict[str, Callable[[Path, dict[str, Any], int], str]] = {
    "hello": check_hello,
    "primes": check_primes,
    "flaky": check_flaky,
    "cancelled": check_cancelled,
    "stdlib": check_stdlib,
}


def count_library() -> tuple[int, int, int]:
    """Files, lines and definitions of the standard library."""
    files = list(stdlib.modules())
    chunks = [files[first : first + CHUNK] for first in range(0, len(files), CHUNK)]
    pool = ProcessPoolExecutor(initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))
    try:
        counted = list(pool.map(_count, chunks))
    finally:
        pool.shutdown(cancel_futures=True)
    return len(files), sum(lines for lines, _ in counted), sum(count for _, count in counted)


def _count(files: list[str]) -> tuple[int, int]:
    warnings.simplefilter("ignore")
    lines = definitions = 0
    for file in files:
        source = Path(stdlib.LIBRARY, file).read_bytes()
        lines += len(source.splitlines())
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            continue
        definitions += sum(isinstance(node, DEFINITIONS) for node in ast.walk(tree))
    return lines, definitions


def _expect(job: dict[str, Any], condition: str) -> None:
    if not holds(job, condition):
        raise CheckFailed(f"not {condition}: {job.get('status')}")


def _output(kubeconfig: Path, name: str) -> list[str]:
    command = [sys.executable, "-m", "distributedjob_cli", "output", name]
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CheckFailed(done.stderr.strip())
    return done.stdout.splitlines()

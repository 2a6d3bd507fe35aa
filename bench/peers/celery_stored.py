"""Celery on Redis, prefork with two processes, results stored: ``celery_stored.py TASKS``."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from celery import Celery, group

PORT = int(os.environ.get("BENCH_REDIS_PORT", "0"))
URL = f"redis://127.0.0.1:{PORT}/0"
app = Celery("celery_stored", broker=URL, backend=URL)
app.conf.worker_prefetch_multiplier = 4


@app.task
def run() -> int:
    """Exit code of one task."""
    return subprocess.run(["/bin/true"], capture_output=True).returncode


def main(tasks: int) -> None:
    """Measure with a server and a worker of our own."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = {**os.environ, "BENCH_REDIS_PORT": str(port)}
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )
        worker = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "celery",
                "-A",
                "celery_stored",
                "worker",
                "-c",
                "2",
                "-l",
                "error",
            ],
            cwd=Path(__file__).parent,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        client = subprocess.run(
            [sys.executable, __file__, "client", str(tasks)], env=environment, check=False
        )
        for process in (worker, server):
            process.send_signal(signal.SIGTERM)
            process.wait()
    sys.exit(client.returncode)


def submit(tasks: int) -> None:
    """Submit, wait for every result, and print."""
    group(run.s() for _ in range(20)).apply_async().get(timeout=60)
    began = time.perf_counter()
    codes = group(run.s() for _ in range(tasks)).apply_async().get(timeout=240)
    seconds = time.perf_counter() - began
    assert codes == [0] * tasks
    print(json.dumps({"tasks": tasks, "seconds": seconds}))


if __name__ == "__main__":
    if sys.argv[1] == "client":
        submit(int(sys.argv[2]))
    else:
        main(int(sys.argv[1]))

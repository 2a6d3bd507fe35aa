"""A port of a pod on this machine, for as long as a command runs: ``kubectl port-forward``.

kubectl is there wherever ``kubectl djob`` is, speaks every version of the protocol, and
proves who the user is in every way that a kubeconfig can name.
"""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

from distributedjob_cli.client.http import EndpointError
from distributedjob_cli.client.way import Forward, refused

START_SECONDS: Final = 20.0
POD_SECONDS: Final = 10
"""A pod that is not running by then is no leader."""

LINES: Final = 5
_READY: Final = re.compile(r"Forwarding from (127\.0\.0\.1:\d+) ")


class Tunnel:
    """A ``kubectl port-forward`` that runs."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self._process, self.url = process, url

    @property
    def open(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it, and wait until it has ended."""
        _end(self._process)


def open_tunnel(kubectl: Sequence[str], way: Forward) -> Tunnel:
    """Forward a free port of this machine.

    Args:
        kubectl: the program and the options that say which cluster, and as whom.
        way: the pod and its port.

    Raises:
        Unreachable: there is no such pod, or not now.
        EndpointError: the user may not.
    """
    process = subprocess.Popen(
        [
            *kubectl,
            *("port-forward", f"--namespace={way.namespace}", "--address=127.0.0.1"),
            *(f"--pod-running-timeout={POD_SECONDS}s", f"pod/{way.pod}", f":{way.port}"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=_tied(),
    )
    said: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(process.stdout, said), daemon=True).start()
    try:
        return Tunnel(process, _address(said, way))
    except BaseException:
        _end(process)
        raise


def _tied() -> Callable[[], None] | None:
    """Where the kernel can do that, it ends with us, even by ``kill -9``."""
    if sys.platform != "linux":
        return None
    from distributedjob_local.launch import die_with

    return partial(die_with, os.getpid(), signal.SIGTERM)


def _listen(stream: IO[str], said: "queue.SimpleQueue[str]") -> None:
    """Hand on what is said before it is ready, and nothing of each connection after that."""
    ready = False
    for line in stream:
        if not ready:
            said.put(line.strip())
            ready = bool(_READY.match(line))
    if not ready:
        said.put("")


def _address(said: "queue.SimpleQueue[str]", way: Forward) -> str:
    words: list[str] = []
    while True:
        try:
            line = said.get(timeout=START_SECONDS)
        except queue.Empty:
            raise refused(way, f"kubectl said nothing for {START_SECONDS:.0f} s") from None
        if found := _READY.match(line):
            return f"http://{found[1]}"
        if not line:
            raise refused(way, " ".join(words[-LINES:]) or "kubectl ended")
        words.append(line)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(timeout=START_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def written(cluster: Mapping[str, Any], token: str) -> Iterator[Path]:
    """A kubeconfig of one token, in a folder that nobody else may read.

    On a command line everybody on the machine could read it.
    """
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": dict(cluster)}],
        "users": [{"name": "it", "user": {"token": token}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "current-context": "it",
    }
    with tempfile.TemporaryDirectory(prefix="djob-") as folder:
        file = Path(folder) / "kubeconfig"
        try:
            file.write_text(json.dumps(document), encoding="utf-8")
        except OSError as error:
            raise EndpointError(f"cannot write to {folder}: {error.strerror}") from error
        yield file

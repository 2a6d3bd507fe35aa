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
from typing import IO, Any, Final, cast

from distributedjob_cli.client.http import EndpointError
from distributedjob_cli.client.way import Forward, refused

START_SECONDS: Final = 20.0
POD_SECONDS: Final = 10
"""A pod that is not running by then is no leader."""

LINES: Final = 5
_READY: Final = re.compile(r"Forwarding from (127\.0\.0\.1:\d+) ")


class Tunnel:
    """A ``kubectl port-forward`` that runs; see :func:`open_tunnel`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._said: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.url = ""

    @property
    def open(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it, and wait until it has ended."""
        self._process.terminate()
        try:
            self._process.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # A credential plugin of kubectl's may have its output a little longer.
        self._listener.join(timeout=START_SECONDS)

    def await_address(self, way: Forward) -> None:
        """Return when it listens; raises as :func:`open_tunnel` does."""
        words: list[str] = []
        while not self.url:
            try:
                line = self._said.get(timeout=START_SECONDS)
            except queue.Empty:
                raise refused(way, f"kubectl said nothing for {START_SECONDS:.0f} s") from None
            if found := _READY.match(line):
                self.url = f"http://{found[1]}"
            elif line:
                words.append(line)
            else:
                raise refused(way, " ".join(words[-LINES:]) or "kubectl ended")

    def _listen(self) -> None:
        """Hand on what is said before it is ready, and nothing of each connection after that."""
        ready = False
        stream = cast("IO[str]", self._process.stdout)
        with stream:
            for line in stream:
                if not ready and line.strip():
                    self._said.put(line.strip())
                    ready = bool(_READY.match(line))
        self._said.put("")


def open_tunnel(kubectl: Sequence[str], way: Forward) -> Tunnel:
    """Forward a free port of this machine.

    Args:
        kubectl: the program and the options that say which cluster, and as whom.
        way: the pod and its port.

    Raises:
        Unreachable: there is no such pod, or not now.
        EndpointError: the user may not.
    """
    command = [
        *kubectl,
        *("port-forward", f"--namespace={way.namespace}", "--address=127.0.0.1"),
        *(f"--pod-running-timeout={POD_SECONDS}s", f"pod/{way.pod}", f":{way.port}"),
    ]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            preexec_fn=_tied(),
        )
    except OSError as error:
        raise EndpointError(f"cannot run {command[0]}: {error.strerror}") from error
    tunnel = Tunnel(process)
    try:
        tunnel.await_address(way)
    except BaseException:
        tunnel.close()
        raise
    return tunnel


def _tied() -> Callable[[], None] | None:
    """Where the kernel can do that, it ends with us, even by ``kill -9``."""
    if sys.platform != "linux":
        return None
    from distributedjob_local.launch import die_with

    return partial(die_with, os.getpid(), signal.SIGTERM)


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

"""Named points at which an operator dies, or crawls: patches of a test's own making.

They are applied from outside to the operators that are started while a point is armed:
a ``sitecustomize`` on their ``PYTHONPATH``. Each kills one process, once, as SIGKILL
does, and leaves a file that says so. Nothing of this ships.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from distributedjob_local.cluster import Cluster
from tests.support.waiting import wait_until

HOLDS_A_VERDICT: Final = (
    "any(c['status'] == 'True' and c['type'] in ('SuccessCriteriaMet', 'FailureTarget')"
    " for c in status['conditions'])"
)
HOLDS_AN_OUTCOME: Final = "status['succeeded'] + status['failed'] > 0"
HOLDS_A_RUNNING_TASK: Final = "status['running'] > 0"
HOLDS_A_RETRY: Final = "status['retries'] > 0"
IS_SUSPENDED: Final = "status['phase'] == 'Suspended'"

_ONLY_OPERATORS: Final = """
import sys
if "distributedjob_operator" in sys.orig_argv:
"""

_DIE: Final = """
    import os, signal
    from distributedjob_operator.kube.distributedjobs import DistributedJobs

    def die_once(path):
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    write_status_{number} = DistributedJobs.write_status

    async def dying_{number}(self, namespace, name, uid, version, status):
        struck = {condition}
        if struck and {before}:
            die_once({path!r})
        version = await write_status_{number}(self, namespace, name, uid, version, status)
        if struck and not {before}:
            die_once({path!r})
        return version

    DistributedJobs.write_status = dying_{number}
"""

_CRAWL: Final = """
    import asyncio
    from kubernetes.aio.client.rest import RESTClientObject

    request = RESTClientObject.request

    async def crawling(self, *arguments, **options):
        await asyncio.sleep({seconds})
        return await request(self, *arguments, **options)

    RESTClientObject.request = crawling
"""


_DEAF: Final = """
    import functools
    from pathlib import Path
    from distributedjob_operator import app
    from distributedjob_operator.watch import Watch

    begin = Watch._begin

    def begin_from_the_second_time_on(self):
        starts = Path({path!r})
        with starts.open("a") as file:
            file.write("begun\\n")
        if len(starts.read_text().splitlines()) > 1:
            begin(self)

    Watch._begin = begin_from_the_second_time_on
    app.Tuning = functools.partial(app.Tuning, relist_seconds={seconds})
"""


@dataclass(frozen=True)
class CrashPoint:
    """A point that one operator does not survive."""

    path: Path

    @property
    def reached(self) -> bool:
        """Whether it has struck."""
        return self.path.exists()


class CrashPoints:
    """The points that the operators started from now on have."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._code = folder / "sitecustomize.py"
        self._count = 0
        folder.mkdir()
        self._code.write_text(_ONLY_OPERATORS + "    pass\n")
        monkeypatch.setenv("PYTHONPATH", str(folder))

    def before_the_write(self, condition: str) -> CrashPoint:
        """Die just before the write of a status of which ``condition`` is true."""
        return self._add(condition, before=True)

    def after_the_write(self, condition: str) -> CrashPoint:
        """Die when such a write was answered and before any worker is told so."""
        return self._add(condition, before=False)

    def slow_api(self, seconds: float) -> None:
        """Let every request to the API server take so much longer."""
        self._append(_CRAWL.format(seconds=seconds))

    def deaf_watch(self, relist_seconds: float) -> Path:
        """Let the first watch hear nothing, as a dead one of kopf; a line for each start."""
        path = self._folder / "watches"
        self._append(_DEAF.format(path=str(path), seconds=relist_seconds))
        return path

    def _add(self, condition: str, *, before: bool) -> CrashPoint:
        self._count += 1
        point = CrashPoint(self._folder / f"struck-{self._count}")
        code = _DIE.format(
            number=self._count, condition=condition, before=before, path=str(point.path)
        )
        self._append(code)
        return point

    def _append(self, code: str) -> None:
        with self._code.open("a") as file:
            file.write(code)


def wait_struck(cluster: Cluster, point: CrashPoint) -> None:
    """Wait until the operator of a cluster has died at a point."""
    operator = cluster.operators[0]
    wait_until(lambda: operator.alive, lambda alive: not alive, 60, "the operator dies")
    assert point.reached


def start_operator(cluster: Cluster) -> None:
    """Start the operator again, and return when it serves."""
    cluster.operators[0].start()
    cluster.operators[0].wait_ready(60)

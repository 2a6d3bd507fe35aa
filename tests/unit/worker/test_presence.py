"""Who holds a place in a state directory, as the kernel tells it."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from sys import executable

from distributedjob_worker.execution import presence

PROGRAM = """
import sys, time
from pathlib import Path
from distributedjob_worker.execution import presence
presence.hold(Path(sys.argv[1]), int(sys.argv[2]))
print(flush=True)
time.sleep(60)
"""


@contextmanager
def _holder(home: Path, place: int) -> Iterator[int]:
    with Popen([executable, "-c", PROGRAM, home, str(place)], stdout=PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"\n"
            yield process.pid
        finally:
            process.kill()


def test_holders_are_found_in_whatever_order_they_came_and_while_they_live(tmp_path: Path) -> None:
    assert presence.holders(tmp_path) == []
    with ExitStack() as stack:
        places = (2, 0, presence.PLACES - 1, 1)
        pids = [stack.enter_context(_holder(tmp_path, place)) for place in places]
        assert presence.holders(tmp_path) == sorted(pids)
        os.kill(pids[0], signal.SIGSTOP)
        assert presence.holders(tmp_path) == sorted(pids)
        os.kill(pids[0], signal.SIGKILL)
        os.waitid(os.P_PID, pids[0], os.WEXITED | os.WNOWAIT)
        assert presence.holders(tmp_path) == sorted(pids[1:])
    assert presence.holders(tmp_path) == []

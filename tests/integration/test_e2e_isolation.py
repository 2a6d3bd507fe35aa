"""The namespaces of ``make e2e``: with the run goes everything in them, even if it is killed."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e import inventory
from tests.support.waiting import wait_until

RUN = "from tests.e2e import isolation; import sys; isolation.enter(sys.argv[1:])"
MAKE = """
set -e
ip link add e2e-probe type bridge
mount -t tmpfs tmpfs "$1/mounted"
setsid sh -c 'sleep 1000' "$1/mounted" &
touch "$1/ready"
wait
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_run_made_ends_with_it(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "mounted").mkdir()
    marks = [tmp_path / "mounted"]
    before = inventory.take(marks, machine=True)
    run = subprocess.Popen([sys.executable, "-c", RUN, "sh", "-c", MAKE, "sh", str(tmp_path)])
    wait_until((tmp_path / "ready").exists, bool, 60, "the run has made everything")
    # It is there, for those who are inside.
    seen = inventory.take(marks, machine=True)
    assert any("sleep 1000" in line for line in seen)

    run.send_signal(number)
    run.wait()

    wait_until(
        lambda: inventory.take(marks, machine=True) - before,
        lambda left: not left,
        30,
        "it is gone",
    )

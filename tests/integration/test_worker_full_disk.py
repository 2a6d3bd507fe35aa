"""A disk that tasks have filled, as a small file system of its own shows it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from distributedjob_api.messages import Entry
from distributedjob_worker.core.effects import Store
from distributedjob_worker.spool import Spool
from tests.support.worker_driver import agent_process, no_nats


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """The state directory of an agent in ``tmp_path``: a file system of 64 KiB."""
    state = tmp_path / "state"
    state.mkdir()
    options = ["-t", "tmpfs", "-o", "size=64k"]
    if subprocess.run(["mount", *options, "djob-test", state], check=False).returncode:
        pytest.skip("this user may not mount")
    try:
        yield state
    finally:
        subprocess.run(["umount", "--lazy", state], check=True)


def test_an_agent_starts_where_its_earlier_tasks_filled_the_disk(
    state: Path, tmp_path: Path
) -> None:
    spool = Spool(state)
    spool.append([Store("uid", "default", "job", [Entry(1, 0, [(0, 9)], [], [], 0.1)])])
    spool.close()
    left = state / "scratch" / "1" / "left"
    left.parent.mkdir(parents=True)
    filled = subprocess.run(["dd", "if=/dev/zero", f"of={left}"], capture_output=True, check=False)
    assert b"No space left" in filled.stderr
    with no_nats() as (url, attempts), agent_process(url, tmp_path):
        attempts(1)
    assert not left.exists()

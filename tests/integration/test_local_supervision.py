"""Operators and workers of ``djob local up`` are started again, and end for good with it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from distributedjob_local import supervise
from tests.support.jobs import lines
from tests.support.waiting import wait_until


class Supervised:
    """A supervisor whose command notes each of its starts."""

    def __init__(self, folder: Path) -> None:
        self.starts, self.wanted = folder / "starts", folder / "wanted"
        self.process: subprocess.Popen[bytes]

    def run(self, then: str) -> None:
        shell = f"echo $$ >> {self.starts}; {then}"
        command = [sys.executable, "-m", supervise.__name__, self.wanted, "/bin/sh", "-c", shell]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def wait_started(self, times: int) -> list[str]:
        return wait_until(
            lambda: lines(self.starts), lambda found: len(found) >= times, 30, f"{times} starts"
        )

    def wait_gone(self) -> None:
        pid = lines(self.starts)[-1]
        wait_until(Path("/proc", pid).exists, lambda there: not there, 10, "the command ends")


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    made = Supervised(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()


def test_a_command_that_ends_is_started_again_until_it_is_asked_to_end(
    supervised: Supervised,
) -> None:
    supervised.wanted.touch()
    supervised.run(f"[ $(wc -l < {supervised.starts}) -lt 3 ] && exit 7; exec sleep 60")
    supervised.wait_started(3)
    supervised.process.terminate()

    supervised.process.wait(10)
    supervised.wait_gone()
    assert len(lines(supervised.starts)) == 3


def test_a_start_that_fails_is_not_repeated(supervised: Supervised) -> None:
    supervised.run("exit 7")

    assert supervised.process.wait(10) == 7
    assert len(lines(supervised.starts)) == 1


def test_the_command_ends_with_a_supervisor_that_is_killed(supervised: Supervised) -> None:
    supervised.wanted.touch()
    supervised.run("exec sleep 60")
    supervised.wait_started(1)
    supervised.process.kill()

    supervised.wait_gone()

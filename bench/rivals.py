"""What runs the same commands on this machine without us: xargs, GNU parallel, a loop in C."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.embedded import TRUE

SLOTS: Final = 2
PARALLEL_TASKS: Final = 2000
"""GNU parallel takes ten times as long a task as the others."""


@dataclass(frozen=True, slots=True)
class Rival:
    """One of them: what it is called in the figures, and how many tasks it gets."""

    name: str
    title: str
    tasks: int
    run: Callable[[], object]

    def seconds(self) -> float:
        """How long it takes."""
        began = time.perf_counter()
        self.run()
        return time.perf_counter() - began


def find(folder: Path, tasks: int) -> list[Rival]:
    """Those that this machine has; says on stderr how to get one that is missing."""
    found = [_xargs(folder, tasks), _parallel(folder, min(tasks, PARALLEL_TASKS))]
    found.append(_ceiling(folder, tasks))
    return [rival for rival in found if rival is not None]


def _numbers(folder: Path, tasks: int) -> Path:
    file = folder / f"numbers-{tasks}"
    file.write_text("".join(f"{number}\n" for number in range(tasks)), encoding="utf-8")
    return file


def _fed(command: list[str], numbers: Path) -> Callable[[], object]:
    def run() -> object:
        with numbers.open("rb") as file:
            return subprocess.run(command, stdin=file, check=True, stdout=subprocess.DEVNULL)

    return run


def _xargs(folder: Path, tasks: int) -> Rival:
    command = ["xargs", f"-P{SLOTS}", "-n1", *TRUE]
    return Rival("xargs", "xargs -P2 -n1", tasks, _fed(command, _numbers(folder, tasks)))


def _parallel(folder: Path, tasks: int) -> Rival | None:
    if shutil.which("parallel") is None:
        print("GNU parallel is not measured: apt-get install parallel", file=sys.stderr)
        return None
    command = ["parallel", "--will-cite", f"-j{SLOTS}", *TRUE]
    return Rival("parallel", "GNU parallel -j2", tasks, _fed(command, _numbers(folder, tasks)))


def _ceiling(folder: Path, tasks: int) -> Rival | None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        print("the C ceiling is not measured: apt-get install gcc libc6-dev", file=sys.stderr)
        return None
    program = folder / "ceiling"
    source = Path(__file__).with_name("ceiling.c")
    subprocess.run([compiler, "-O2", "-pthread", "-o", str(program), str(source)], check=True)
    command = [str(program), str(tasks), str(SLOTS), *TRUE]
    return Rival("ceiling", "C ceiling", tasks, lambda: subprocess.run(command, check=True))

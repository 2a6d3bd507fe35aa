"""Namespaces for a whole run: its network, mounts and processes are nobody else's.

The run becomes the only inhabitant of fresh namespaces, so the kernel removes every
device, mount and process of it when it ends, whatever ends it, ``kill -9`` included.
Nothing in them leads out of the machine: there is no route and no device but our own.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from distributedjob_local.launch import die_with

INSIDE: Final = "DJOB_CHAOS_INSIDE"
KINDS: Final = ("--net", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc")
TOOLS: Final = ("ip", "ss", "nsenter", "unshare", "mount")


def refusal() -> str:
    """Why no run is possible here, in one line; empty when one is."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"needs {', '.join(missing)}: install iproute2, util-linux and mount"
    if os.geteuid() != 0 and subprocess.run([*unshare(), "true"], capture_output=True).returncode:
        return "needs root, for network namespaces and mounts: sudo make chaos"
    return ""


def unshare() -> list[str]:
    """The command that makes namespaces; without root, a user namespace is one of them."""
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return [shutil.which("unshare") or "unshare", *as_root, *KINDS]


def enter(arguments: Sequence[str]) -> int:
    """Run ``tests.chaos`` with these arguments inside fresh namespaces; its exit code."""
    process = subprocess.Popen(
        [*unshare(), sys.executable, "-m", "tests.chaos", *arguments],
        env={**os.environ, INSIDE: "1"},
        preexec_fn=partial(die_with, os.getpid(), signal.SIGKILL),
    )
    # It blocks both signals itself, so they go to the first process inside.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: _pass_on(process.pid, number))
    return process.wait()


def _pass_on(pid: int, number: int) -> None:
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        os.kill(int(child), number)


def inside() -> bool:
    """Whether this process is the first one inside."""
    return os.environ.get(INSIDE) == "1" and os.getpid() == 1


def as_init() -> None:
    """Return in a child; the first process itself stays, and reaps whoever is orphaned."""
    child = os.fork()
    if child == 0:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _leave)
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os.kill(child, number))
    while True:
        pid, status = os.wait()
        if pid == child:
            # With the first process ends every other one.
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _leave(number: int, _: FrameType | None) -> NoReturn:
    """End in order; whoever asks twice, as a terminal does, interrupts no tidying up."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def prepare() -> None:
    """Names of network namespaces, and a loopback device, of our own."""
    mount_tmpfs(Path("/run"), "1m")
    Path("/run/netns").mkdir()
    run("ip", "link", "set", "lo", "up")


def mount_tmpfs(path: Path, size: str) -> None:
    """An empty file system of this size, that only this run sees."""
    run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path))


def unmount(path: Path) -> None:
    """Take a file system away again."""
    run("umount", "--lazy", str(path))


def run(*command: str) -> str:
    """Run a tool; what it says, or an error with what it complained about."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def processes() -> dict[int, str]:
    """Every living process of the run but the run itself: pid and command line."""
    found = {}
    own = {1, os.getpid()}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in own:
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found[int(entry.name)] = b" ".join(words).decode(errors="replace").strip()
        except OSError:
            continue
    return found

"""What stands on the machine, to compare before with after."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.e2e import scratch
from tests.e2e.nodes import cgroups


def take(marks: Iterable[Path], *, machine: bool) -> set[str]:
    """One line for each thing that a run here could have left.

    Of processes and mounts those are seen that have one of the marked directories in
    them: the machine may be busy with others that come and go.

    Args:
        marks: directories of the run.
        machine: whether the run would be to blame for a device, a rule or a setting that
            is new; Docker comes with some of its own.
    """
    return {
        *(f"control group {path}" for path in cgroups.present()),
        *(f"mount {line}" for line in _mounts(Path("/proc/self/mountinfo"), marks)),
        *(f"process {line}" for line in _processes(marks)),
        *(f"directory {path}" for path in (*marks, *scratch.left()) if path.exists()),
        *(_machine() if machine else ()),
    }


def _machine() -> list[str]:
    folders = map(Path, ("/var/lib/kubelet", "/var/lib/cni", "/etc/cni"))
    return [
        *(f"device {name}" for name in os.listdir("/sys/class/net")),
        *(f"rule {line}" for line in _rules()),
        *(f"network namespace {path.name}" for path in _children(Path("/run/netns"))),
        *(f"setting {name}={value}" for name, value in _settings()),
        *(f"file {path}" for path in folders if path.exists()),
    ]


def _rules() -> list[str]:
    """Those of the packet filter, old and new, without what they have counted."""
    commands = (["nft", "--stateless", "list", "ruleset"], ["iptables-legacy-save"])
    lines = []
    for command in commands:
        if os.geteuid() == 0 and shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            lines += [re.sub(r"\[\d+:\d+\]", "", line) for line in done.stdout.splitlines()]
    return [line for line in lines if not line.startswith("#")]


def _children(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _mounts(table: Path, marks: Iterable[Path]) -> list[str]:
    try:
        lines = table.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # A process that ended meanwhile.
        return []
    return [line for line in lines if any(str(mark) in line for mark in marks)]


def _processes(marks: Iterable[Path]) -> list[str]:
    """Those that were started from there, or live on mounts from there."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        named = any(str(mark) in words for mark in marks)
        if named or _mounts(folder / "mountinfo", marks):
            found.append(f"{folder.name} {words.strip()}")
    return found


def _settings() -> list[tuple[str, str]]:
    """Those of the whole machine that kubelet and kube-proxy are known to change."""
    names = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops")
    more = ("net/ipv4/ip_forward", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes")
    files = [Path("/proc/sys") / name for name in (*names, *more)]
    return [(str(file), file.read_text(encoding="utf-8").strip()) for file in files]

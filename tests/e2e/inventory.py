"""What stands on the machine, to compare before with after."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.e2e.nodes import cgroups


def take(marks: Iterable[Path]) -> set[str]:
    """One line for each thing that a cluster here could have left.

    Of processes and mounts those are seen that have one of the marked directories
    in them: the machine may be busy with others that come and go.
    """
    return {
        *(f"device {name}" for name in os.listdir("/sys/class/net")),
        *(f"nftables {line}" for line in _nftables()),
        *(f"network namespace {path.name}" for path in _children(Path("/run/netns"))),
        *(f"control group {path}" for path in cgroups.present()),
        *(f"mount {line}" for line in _mounts(Path("/proc/self/mountinfo"), marks)),
        *(f"process {line}" for line in _processes(marks)),
        *(f"directory {mark}" for mark in marks if mark.exists()),
        *(f"setting {name}={value}" for name, value in _settings()),
        *(
            f"file {path}"
            for path in map(Path, ("/var/lib/kubelet", "/var/lib/cni", "/etc/cni"))
            if path.exists()
        ),
    }


def _nftables() -> list[str]:
    nft = shutil.which("nft")
    if nft is None:
        return []
    done = subprocess.run([nft, "list", "tables"], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


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

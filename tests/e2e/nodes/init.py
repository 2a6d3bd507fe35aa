"""The first process of a node: arranges what only the node sees, then reaps orphans.

Run as a script in fresh namespaces: ``init.py NODE_DIRECTORY HOSTNAME``. The file
``ready`` appears in the directory when other processes may enter. With this process
every other one of the node ends, and so do its mounts, its devices and its nftables.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

WRITTEN: Final = ("/var/lib", "/var/log")
"""Where kubelet and CNI plugins write, whatever they are told."""
TUNED: Final = {
    "kernel/keys/root_maxbytes": "25000000",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
}
"""Settings of the whole machine that kubelet would change, as kubelet wants to find them."""


def mount(*arguments: str | Path) -> None:
    """Mount, or end with what ``mount`` complained about."""
    subprocess.run(["mount", *arguments], check=True)


def arrange(node: Path, hostname: str) -> None:
    """Put layers of the node's own over the machine's directories and settings."""
    Path("/proc/sys/kernel/hostname").write_text(hostname, encoding="utf-8")
    mount("--make-rshared", "/")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    kept = Path("/run/node")
    kept.mkdir()
    mount("--bind", node, kept)
    for path in map(Path, WRITTEN):
        upper, work = (node / "layers" / path.name / part for part in ("upper", "work"))
        for part in (upper, work):
            part.mkdir(parents=True)
        layers = f"lowerdir={path},upperdir={upper},workdir={work}"
        mount("-t", "overlay", "-o", layers, "overlay", path)
    # The node's directory may lie below one of those, and must not be under a layer.
    mount("--bind", kept, node)
    for name, value in TUNED.items():
        file = node / "layers" / name.replace("/", ".")
        file.write_text(f"{value}\n", encoding="utf-8")
        mount("--bind", file, Path("/proc/sys") / name)


def reap() -> NoReturn:
    """Collect every orphan; end when asked to."""
    while True:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if signal.sigwait((signal.SIGCHLD, signal.SIGTERM)) == signal.SIGTERM:
            sys.exit()


def main(directory: str, hostname: str) -> None:
    """Arrange the node and stay."""
    arrange(Path(directory), hostname)
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD, signal.SIGTERM))
    (Path(directory) / "ready").touch()
    reap()


if __name__ == "__main__":
    main(*sys.argv[1:])

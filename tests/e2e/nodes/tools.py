"""The tools a node on this machine needs: from ``PATH``, or from Debian's packages."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from distributedjob_local.errors import LocalError
from distributedjob_local.progress import Progress

PACKAGES: Final = {
    "buildah": "buildah",
    "cc": "gcc",
    "chromedriver": "chromium-driver",
    "chromium": "chromium",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "nft": "nftables",
    "openssl": "openssl",
    "runc": "runc",
}
"""Program: the package of Debian that has it. None of these starts anything."""
CONTAINERD: Final = ("containerd", "containerd-shim-runc-v2", "ctr")
CNI_PLUGINS: Final = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
NEEDED_PLUGINS: Final = ("ptp", "portmap", "host-local", "loopback")
REMEDY: Final = "install them, or use a machine with Docker, or set USE_EXISTING_CLUSTER=1"


def install(cache: Path, progress: Progress) -> tuple[Path, Path]:
    """Install what is missing; the directories of containerd and of the CNI plugins.

    containerd itself is only unpacked: as an installed package it would start a service.

    Raises:
        LocalError: something is missing and there is no apt-get.
    """
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if plugins_directory() is None:
        missing.append("containernetworking-plugins")
    unpack = containerd_directory(cache) is None
    if (missing or unpack) and shutil.which("apt-get") is None:
        words = ", ".join([*missing, *(["containerd"] if unpack else [])])
        raise LocalError(f"a node on this machine needs {words}; {REMEDY}")
    if missing or unpack:
        with progress.step(f"installing {' '.join([*missing, 'containerd'])}"):
            _apt("update", "--quiet")
            if missing:
                _apt("install", "--yes", "--no-install-recommends", *missing)
            if unpack:
                _unpack_containerd(cache / "containerd")
    containerd, plugins = containerd_directory(cache), plugins_directory()
    if containerd is None or plugins is None:
        raise LocalError(f"Debian's packages brought no containerd or no CNI plugins; {REMEDY}")
    return containerd, plugins


def _unpack_containerd(target: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)  # apt downloads as a user of its own.
        scratch = Path(name)
        _apt("download", "containerd", directory=scratch)
        (package,) = scratch.glob("containerd_*.deb")
        _run(["dpkg-deb", "--extract", str(package), str(scratch / "files")])
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(scratch / "files" / "usr" / "bin", target)


def containerd_directory(cache: Path) -> Path | None:
    """The directory with containerd's programs, if there is one."""
    found = shutil.which(CONTAINERD[0])
    for directory in (Path(found).parent if found else None, cache / "containerd"):
        if directory and all(os.access(directory / name, os.X_OK) for name in CONTAINERD):
            return directory
    return None


def plugins_directory() -> Path | None:
    """The directory with the CNI plugins, if there is one."""
    for directory in CNI_PLUGINS:
        if all(os.access(directory / name, os.X_OK) for name in NEEDED_PLUGINS):
            return directory
    return None


def _apt(*arguments: str, directory: Path | None = None) -> None:
    _run(["apt-get", *arguments], directory)


def _run(command: list[str], directory: Path | None = None) -> None:
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise LocalError(f"{' '.join(command[:3])}: {lines[-1]}")

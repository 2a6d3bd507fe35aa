"""The engine at hand that builds images: Docker, or buildah without any service."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from distributedjob_local.errors import LocalError

AUTHORITIES: Final = Path("/etc/ssl/certs")
"""A package index may be signed by an authority that only this machine knows."""


class Engine(Protocol):
    """Builds images and writes them into an archive that every runtime reads."""

    def build(self, *arguments: str) -> None:
        """Build an image: the arguments of ``docker build``."""

    def has(self, tag: str) -> bool:
        """Whether there is such an image."""

    def save(self, tag: str, archive: Path) -> None:
        """Write an image into an archive."""

    def push(self, tag: str) -> None:
        """Push an image to the registry that its name begins with."""


@dataclass(frozen=True, slots=True)
class Docker:
    """Docker, where its service answers."""

    def build(self, *arguments: str) -> None:
        """Build by ``docker build``."""
        run("docker", "build", *arguments)

    def has(self, tag: str) -> bool:
        """Whether Docker has it."""
        command = ["docker", "image", "inspect", tag]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def save(self, tag: str, archive: Path) -> None:
        """Write by ``docker save``."""
        run("docker", "save", "--output", str(archive), tag)

    def push(self, tag: str) -> None:
        """Push by ``docker push``."""
        run("docker", "push", "--quiet", tag)


@dataclass(frozen=True, slots=True)
class Buildah:
    """buildah with a store of its own below ``root``, as root; ``base`` is what it builds on."""

    root: Path
    base: str = ""

    def build(self, *arguments: str) -> None:
        """Build by ``buildah bud``, which runs steps in a chroot."""
        self._run(
            *("bud", "--isolation", "chroot", "--layers", "--format", "docker", "--quiet"),
            *("--volume", f"{AUTHORITIES}:{AUTHORITIES}:ro"),
            *(("--build-arg", f"BASE_IMAGE={self.base}") if self.base else ()),
            *arguments,
        )

    def has(self, tag: str) -> bool:
        """Whether the store has it."""
        return bool(self._run("images", "--quiet", "--filter", f"reference={tag}").strip())

    def save(self, tag: str, archive: Path) -> None:
        """Write by ``buildah push``, which does not overwrite."""
        archive.unlink(missing_ok=True)
        self._run("push", "--quiet", tag, f"docker-archive:{archive}:{tag}")

    def push(self, tag: str) -> None:
        """Push by ``buildah push``."""
        self._run("push", "--quiet", tag)

    def _run(self, *arguments: str) -> str:
        # Else it makes a folder for networks in /etc, of which it builds with none.
        self.root.mkdir(parents=True, exist_ok=True)
        settings = self.root / "containers.conf"
        settings.write_text(f'[network]\nnetwork_config_dir = "{self.root / "networks"}"\n')
        # In mounts of its own, so that none stays when it is interrupted.
        return run(
            *("unshare", "--mount", "buildah", "--root", str(self.root / "store")),
            *("--runroot", str(self.root / "run"), "--storage-driver", "overlay"),
            *arguments,
            environment={**os.environ, "CONTAINERS_CONF": str(settings)},
        )


def docker_works() -> bool:
    """Whether there is a Docker that has a service behind it."""
    if shutil.which("docker") is None:
        return False
    done = subprocess.run(["docker", "info"], capture_output=True, check=False)
    return done.returncode == 0


def run(*command: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a tool; what it says.

    Raises:
        LocalError: it failed; the message has the end of its complaint.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        tail = "\n".join(f"  {line}" for line in (done.stdout + done.stderr).splitlines()[-15:])
        raise LocalError(f"{' '.join(command)} failed:\n{tail}")
    return done.stdout

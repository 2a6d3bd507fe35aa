"""Everything that needs a network or takes long, done before a cluster starts."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from distributedjob_local.programs import NATS_SERVER, cache_directory, find_programs
from distributedjob_local.progress import Progress
from tests.e2e import base_image, images, provider
from tests.e2e.engine import Buildah, Docker, Engine, docker_works
from tests.e2e.existing import Existing
from tests.e2e.kind import Kind
from tests.e2e.nodes import settings, tools
from tests.e2e.nodes.cluster import COREDNS, PROGRAMS, NodesHere, state_directory

COMMON_PROGRAMS: Final = frozenset({"helm", "helm4", "kubectl", NATS_SERVER})
EXTRA_PROGRAMS: Final = {"existing": frozenset(), "kind": frozenset({"kind"}), "nodes": PROGRAMS}
INFRASTRUCTURE: Final = (settings.PAUSE, COREDNS)
LOCAL: Final = "localhost/e2e"
"""Begins the names of images that no registry has."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """Which cluster it will be, and paths of what it needs."""

    choice: str
    programs: Mapping[str, str]
    images: Mapping[str, str]
    """Role: the name of the image."""
    archives: Mapping[str, str]
    """Name of an image: the archive that has it."""
    registry: str
    """What README calls ``$REGISTRY``."""
    plugins: str = ""

    def write(self, file: Path) -> None:
        """Keep it for another process."""
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Self:
        """What another process prepared."""
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return cls(**document)

    def paths(self) -> dict[str, Path]:
        """The programs."""
        return {name: Path(path) for name, path in self.programs.items()}

    def loaded(self) -> dict[str, Path]:
        """The images that the stories need on the nodes, with their archives."""
        return {tag: Path(file) for tag, file in self.archives.items() if tag not in INFRASTRUCTURE}

    def provider(self) -> provider.Provider:
        """The cluster, not started yet."""
        programs = self.paths()
        if self.choice == "existing":
            return Existing(programs["kubectl"], programs["helm"])
        if self.choice == "kind":
            return Kind(programs["kind"], state_directory().root)
        infrastructure = [Path(self.archives[tag]) for tag in INFRASTRUCTURE]
        return NodesHere(programs, Path(self.plugins), infrastructure)


def prepare(choice: str, folder: Path, progress: Progress) -> Preparation:
    """Get every program and every image for a provider; archives are put into the folder.

    Raises:
        LocalError: something is not to be had here.
    """
    cache = cache_directory()
    plugins = ""
    programs = dict(find_programs(COMMON_PROGRAMS | EXTRA_PROGRAMS[choice], progress))
    if choice == "nodes":
        containerd, plugins_path = tools.install(cache, progress)
        plugins = str(plugins_path)
        programs |= {name: containerd / name for name in tools.CONTAINERD}
    engine = _engine(cache.parent / "images", progress)
    pushed_to = os.environ.get("E2E_REGISTRY", "") if choice == "existing" else ""
    registry = pushed_to or LOCAL
    roles = images.build_project(engine, registry, progress)
    roles["foreign"] = images.build_foreign(engine, registry)
    archived = [] if choice == "existing" else list(roles.values())
    if choice == "nodes":
        images.build_compiled(engine, settings.PAUSE, "pause.c")
        images.build_single(engine, COREDNS, programs["coredns"])
        archived += [*INFRASTRUCTURE, images.build_nats(engine, programs[NATS_SERVER])]
    if pushed_to:
        images.push_project(engine, registry)
        engine.push(roles["foreign"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with progress.step("writing images into archives"):
        archives = images.archive(engine, archived, folder)
    paths = {name: str(path) for name, path in programs.items()}
    return Preparation(choice, paths, roles, archives, registry, plugins)


def _engine(folder: Path, progress: Progress) -> Engine:
    """Docker, or buildah with a base image made here."""
    if docker_works():
        return Docker()
    bare = Buildah(folder)
    return Buildah(folder, base_image.make(bare, progress))

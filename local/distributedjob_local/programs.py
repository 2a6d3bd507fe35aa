"""The programs of the cluster, each from the first source that has it."""

import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from distributedjob_local import versions
from distributedjob_local.errors import BinaryMissingError, HomeMissingError, LocalError
from distributedjob_local.go_build import GoBuild
from distributedjob_local.home import user_directory
from distributedjob_local.machine import architecture
from distributedjob_local.progress import Progress
from distributedjob_local.release import OfficialRelease
from distributedjob_local.sources import Directory, SearchPath, Source

CONTROL_PLANE: Final = frozenset({"etcd", "kube-apiserver", "kubectl"})
CONTROLLER_MANAGER: Final = "kube-controller-manager"
NATS_SERVER: Final = "nats-server"
OLDEST_KUBECTL: Final = (1, 27)
"""The first whose apply lets the API server refuse unknown fields."""
NODE: Final = frozenset(
    {CONTROLLER_MANAGER, "kube-proxy", "kube-scheduler", "kubelet"},
)
OLDEST_HELM: Final = (3, 19)
"""The first that the chart is for."""
ANY_AGE: Final = (
    *(NATS_SERVER, "coredns", "helm4", "kind"),
    *("kube-score", "conftest", "prometheus", "promtool"),
)
"""Whatever of these is there will do."""
EVERYTHING: Final = CONTROL_PLANE | {NATS_SERVER}


def cache_directory() -> Path:
    """Where programs are kept for every cluster of this user."""
    base = user_directory("XDG_CACHE_HOME", ".cache")
    return base.absolute() / "distributedjobs" / versions.kubernetes()


def find_programs(names: Set[str], progress: Progress) -> Mapping[str, Path]:
    """Find these programs on this machine, or get them.

    Raises:
        UnsupportedMachineError: there are none for this machine.
        BinaryMissingError: every source was refused.
        HomeMissingError: they are not on this machine, and there is no place for them.
    """
    architecture()
    try:
        cache = cache_directory()
    except HomeMissingError:
        found = resolve(names, present_sources(None), progress)
        if names - found.keys():
            raise  # There is nowhere to put what is missing.
        return found
    found = resolve(names, present_sources(cache), progress)
    missing = names - found.keys()
    if not missing:
        return found
    with _locked(cache, progress):
        # Whoever held the lock before may have brought what is missing here.
        sources = [Directory("cache", cache), *remote_sources(cache, progress)]
        found = {**found, **resolve(missing, sources, progress)}
    missing = names - found.keys()
    if missing:
        raise BinaryMissingError(
            f"could not get {', '.join(sorted(missing))}; put them into a directory and set"
            " KUBEBUILDER_ASSETS to it"
        )
    return found


def present_sources(cache: Path | None) -> list[Source]:
    """What is on this machine already, in the order it is preferred.

    Every path is absolute, since a program is run from another directory.
    """
    sources: list[Source] = []
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        sources.append(Directory("KUBEBUILDER_ASSETS", Path(assets).absolute(), CONTROL_PLANE))
    if cache is not None:
        sources.append(Directory("cache", cache))
    listed = os.environ.get("PATH", "").split(os.pathsep)
    path = [Path(sys.executable).parent, *(Path(each).absolute() for each in listed if each)]
    names = {
        "kubectl": kubectl_fault,
        "helm": helm_fault,
        **dict.fromkeys(NODE, node_fault),
        **dict.fromkeys(ANY_AGE, lambda _: ""),
    }
    sources.append(SearchPath("PATH", names, os.pathsep.join(map(str, path))))
    return sources


def kubectl_fault(program: Path) -> str:
    """Why this kubectl will not do, if it is too old for the cluster."""
    arguments = ("version", "--client", "--output=json")
    return _age_fault(program, arguments, r'"gitVersion": *"v(\d+)\.(\d+)', OLDEST_KUBECTL)


def helm_fault(program: Path) -> str:
    """Why this Helm will not do, if it is too old for the chart."""
    return _age_fault(program, ("version", "--short"), r"^v(\d+)\.(\d+)", OLDEST_HELM)


def node_fault(program: Path) -> str:
    """Why this program will not do, if it is of another release than the API server."""
    said = _said(program, ("--version",))
    wanted = versions.kubernetes().rpartition(".")[0]
    return "" if said.startswith(f"Kubernetes {wanted}.") else f"{program} is not of {wanted}"


def _age_fault(
    program: Path, arguments: Sequence[str], pattern: str, oldest: tuple[int, int]
) -> str:
    found = re.search(pattern, _said(program, arguments))
    if found is None:
        return f"{program} does not say which version it is"
    wanted = ".".join(map(str, oldest))
    return "" if (int(found[1]), int(found[2])) >= oldest else f"{program} is older than {wanted}"


def _said(program: Path, arguments: Sequence[str]) -> str:
    """What it printed; nothing where it cannot be run."""
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout


def remote_sources(cache: Path, progress: Progress) -> list[Source]:
    """Where what is missing comes from, in the order it is tried."""
    return [
        OfficialRelease(cache, progress),
        GoBuild(cache, cache.parent / "go", progress),
    ]


def resolve(names: Set[str], sources: Sequence[Source], progress: Progress) -> dict[str, Path]:
    """Ask one source after the other for what is still missing."""
    found: dict[str, Path] = {}
    for position, source in enumerate(sources):
        missing = names - found.keys()
        if not missing:
            break
        provision = source.provide(missing)
        found |= provision.found
        if provision.reason:
            following = "".join(f"; next: {later.title}" for later in sources[position + 1 :][:1])
            progress.note(f"{source.title}: {provision.reason}{following}")
    return found


@contextmanager
def _locked(cache: Path, progress: Progress) -> Iterator[None]:
    """Let one process at a time fill the cache."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        file = open(cache / "lock", "w", encoding="utf-8")  # noqa: SIM115 - closed below
    except OSError as error:
        raise LocalError(f"cannot use {cache} as cache: {error}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with progress.step("waiting for another djob that fills the cache"):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield

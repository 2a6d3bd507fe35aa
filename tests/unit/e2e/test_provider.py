"""Which cluster the end-to-end tests take, and what they do with one that kind makes."""

import os
from pathlib import Path

import pytest

from distributedjob_local.errors import LocalError
from tests.e2e import provider
from tests.e2e.existing import Existing
from tests.e2e.kind import Kind


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("environment", "docker", "user", "chosen"),
    [
        ({"USE_EXISTING_CLUSTER": "1"}, "exit 0", 0, "existing"),
        ({}, "exit 0", 0, "kind"),
        ({}, "exit 1", 0, "nodes"),
    ],
    ids=["asked for", "Docker works", "a client without its service"],
)
def test_the_cluster_fits_the_machine(
    environment: dict[str, str],
    docker: str,
    user: int,
    chosen: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script(tmp_path / "docker", docker)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(os, "geteuid", lambda: user)

    assert provider.choice(environment) == chosen


def test_without_any_the_ways_to_get_one_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(LocalError, match=r"start Docker, or run as root .* USE_EXISTING_CLUSTER=1"):
        provider.choice({})


def test_kind_makes_fills_and_deletes_a_cluster_of_its_own(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    program = script(tmp_path / "kind", f'echo "$1 $2 $KUBECONFIG $*" >> {calls}')
    kind = Kind(program, tmp_path / "state")

    kind.start()
    kind.load({"image:1": tmp_path / "image.tar"})
    kind.stop()

    said = [line.split() for line in calls.read_text(encoding="utf-8").splitlines()]
    assert [line[:2] for line in said] == [
        ["delete", "cluster"],
        ["create", "cluster"],
        ["load", "image-archive"],
        ["delete", "cluster"],
    ]
    assert {line[2] for line in said} == {str(kind.kubeconfig)}
    assert {tuple(line[-2:]) for line in said} == {("--name", "djob-e2e")}
    assert not kind.kubeconfig.parent.exists()


def test_what_kind_complains_about_is_shown(tmp_path: Path) -> None:
    program = script(tmp_path / "kind", '[ "$1" = delete ] || { echo no room >&2; exit 1; }')
    kind = Kind(program, tmp_path / "state")

    with pytest.raises(LocalError, match="no room"):
        kind.start()


def test_a_cluster_that_does_not_answer_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.touch()
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    kubectl = script(tmp_path / "kubectl", "echo connection refused >&2; exit 1")
    existing = Existing(kubectl, tmp_path / "helm")

    with pytest.raises(LocalError, match="connection refused"):
        existing.start()


def test_a_kubeconfig_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    with pytest.raises(LocalError, match=f"{tmp_path / 'none'} does not exist; set KUBECONFIG"):
        Existing(Path("kubectl"), Path("helm")).start()


@pytest.fixture
def existing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Existing:
    """A cluster that has what the file ``there`` names; ``calls`` has what was asked of it."""
    kubeconfig = tmp_path / "config"
    for file in (kubeconfig, tmp_path / "there", tmp_path / "calls"):
        file.touch()
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    tell = f'echo "$1 $2 $3" >> {tmp_path}/calls'
    kubectl = script(
        tmp_path / "kubectl", f'{tell}; [ "$1" != get ] || grep -o "$3" {tmp_path}/there || true'
    )
    return Existing(kubectl, script(tmp_path / "helm", tell))


def test_what_a_run_leaves_on_a_cluster_is_removed_from_it(
    existing: Existing, tmp_path: Path
) -> None:
    existing.start()
    existing.stop()

    removed = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()[-3:]
    assert removed == [
        "uninstall distributedjob --namespace",
        "delete customresourcedefinition distributedjobs.distributedjob.dev",
        "delete namespace djob-system",
    ]


@pytest.mark.parametrize("there", ["djob-system", "distributedjobs.distributedjob.dev"])
def test_what_stood_on_a_cluster_before_is_named_and_left_alone(
    existing: Existing, tmp_path: Path, there: str
) -> None:
    (tmp_path / "there").write_text(there, encoding="utf-8")

    with pytest.raises(LocalError, match=f"{there} is there already"):
        existing.start()
    existing.stop()

    assert "delete" not in (tmp_path / "calls").read_text(encoding="utf-8")

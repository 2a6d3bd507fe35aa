"""The programs that a user of the cluster runs."""

from pathlib import Path

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.existing import Existing


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """A cluster whose helm and kubectl stand in one folder, and say their names."""
    folder = tmp_path / "cache"
    folder.mkdir()
    programs = {name: said(folder / name) for name in ("kubectl", "helm", "helm4")}
    return Cluster(Existing(programs["kubectl"], programs["helm"]), programs, {}, "")


def said(file: Path) -> Path:
    file.write_text(f"#!/bin/sh\necho {file.name}\n", encoding="utf-8")
    file.chmod(0o755)
    return file


def test_another_helm_takes_the_place_of_the_one_in_path(cluster: Cluster, tmp_path: Path) -> None:
    other = cluster.with_helm(cluster.programs["helm4"], tmp_path)

    assert cluster.run("bash", "-c", "helm; kubectl").stdout == "helm\nkubectl\n"
    assert other.run("bash", "-c", "helm; kubectl").stdout == "helm4\nkubectl\n"
    assert other.helm().stdout == "helm4\n"

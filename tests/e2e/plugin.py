"""Gives the stories their cluster, and keeps evidence when one of them fails."""

import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e import evidence
from tests.e2e.cluster import Cluster

KEPT: Final = Path(__file__).parents[2] / "build" / "e2e"
CLUSTER: Final = pytest.StashKey[Cluster]()


class Stage:
    """A pytest plugin around one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def pytest_configure(self, config: pytest.Config) -> None:
        """Hand the cluster to the fixture of that name."""
        config.stash[CLUSTER] = self._cluster

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep evidence before anything else changes the cluster."""
        report = yield
        if report.failed:
            folder = KEPT / f"{time.strftime('%Y%m%d-%H%M%S')}-{item.name}"
            evidence.keep(self._cluster, folder)
            report.sections.append(("kept", f"logs and objects are in {folder}"))
            print(f"\nmake e2e: logs and objects are in {folder}", file=sys.stderr)
        return report

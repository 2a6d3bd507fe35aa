"""What holds for every test: a time limit by kind, and the real parts that some of them need."""

from pathlib import Path

import pytest

from distributedjob_local.errors import LocalError
from tests.support import servers
from tests.support.clusters import (
    cluster,
    control_plane,
    jobs,
    ledger,
    namespace,
    nats_server,
    shared_cluster,
)

__all__ = [
    "cluster",
    "control_plane",
    "jobs",
    "ledger",
    "namespace",
    "nats_server",
    "shared_cluster",
]

SECONDS = {"unit": 60, "integration": 120, "conformance": 120, "chaos": 300, "e2e": 600}
WITHOUT_SERVERS = {"unit", "e2e"}
"""Of this machine, that is: what tests/e2e needs was prepared before it began."""
HERE = Path(__file__).parent


def kind(item: pytest.Item) -> str:
    """The folder that a test stands in."""
    return item.path.relative_to(HERE).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the time limit of its folder, unless it has one of its own."""
    for item in items:
        if kind(item) in SECONDS and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SECONDS[kind(item)]))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have the programs ready before any test's time counts: they may have to be built."""
    if all(kind(item) in WITHOUT_SERVERS for item in session.items):
        return
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        try:
            servers.programs()
        except LocalError as error:
            pytest.exit(str(error), returncode=1)

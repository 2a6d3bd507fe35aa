"""The one cluster that all stories share, in the order in which they stand."""

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.plugin import CLUSTER


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Cluster:
    """The cluster that ``make e2e`` made."""
    found = pytestconfig.stash.get(CLUSTER, None)
    if found is None:
        pytest.exit("these tests need a cluster: make e2e", returncode=2)
    return found

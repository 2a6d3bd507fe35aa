"""What tests of an agent without a cluster share: a NATS server, and a mark for processes."""

import uuid
from collections.abc import Iterator

import pytest

from tests.support.worker_driver import nats_process


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the module's NATS server listens."""
    with nats_process(tmp_path_factory.mktemp("worker-nats")) as started:
        yield started


@pytest.fixture
def token() -> str:
    """A text that only this test's processes have in their environment."""
    return f"TOKEN-{uuid.uuid4().hex}"


@pytest.fixture(params=["1", "2"])
def executors(request: pytest.FixtureRequest) -> str:
    """How many processes start tasks: the agent's own, or more."""
    return str(request.param)

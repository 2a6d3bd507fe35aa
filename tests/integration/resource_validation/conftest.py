"""Objects that a real API server is given."""

import pytest

from tests.support.validation import Jobs


@pytest.fixture
def jobs(control_plane, namespace):
    return Jobs(control_plane, namespace)

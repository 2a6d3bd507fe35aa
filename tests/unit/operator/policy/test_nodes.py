"""Which nodes a job may use: as the scheduler decides for pods."""

from typing import Any

import pytest

from distributedjob_operator.core.policy.nodes import Taint, admits
from tests.support.builders import a_job

GPU = Taint("gpu", "yes", "NoSchedule")
EVICT = Taint("gpu", "yes", "NoExecute")
WISH = Taint("gpu", "yes", "PreferNoSchedule")


@pytest.mark.parametrize(
    ("labels", "selector", "admitted"),
    [
        pytest.param({}, {}, True, id="nothing asked"),
        pytest.param({"a": "1", "b": "2"}, {"a": "1"}, True, id="the label is there"),
        pytest.param({"a": "2"}, {"a": "1"}, False, id="with another value"),
        pytest.param({}, {"a": "1"}, False, id="not there"),
        pytest.param({"a": "1"}, {"a": "1", "b": "2"}, False, id="all are needed"),
        pytest.param({"a": ""}, {"a": ""}, True, id="an empty value is a value"),
        pytest.param({}, {"a": ""}, False, id="no label is not an empty one"),
    ],
)
def test_labels(labels: dict[str, str], selector: dict[str, str], admitted: bool):
    assert admits(labels, (), selector, ()) is admitted


@pytest.mark.parametrize(
    ("taints", "tolerations", "admitted"),
    [
        pytest.param([], [], True, id="no taint"),
        pytest.param([GPU], [], False, id="NoSchedule keeps away"),
        pytest.param([EVICT], [], False, id="NoExecute keeps away"),
        pytest.param([WISH], [], True, id="PreferNoSchedule is a wish"),
        pytest.param([GPU], [{"key": "gpu", "value": "yes"}], True, id="key and value"),
        pytest.param([GPU], [{"key": "gpu", "value": "no"}], False, id="another value"),
        pytest.param([GPU], [{"key": "gpu", "operator": "Exists"}], True, id="any value"),
        pytest.param([GPU], [{"operator": "Exists"}], True, id="any taint"),
        pytest.param([GPU], [{"key": "tpu", "operator": "Exists"}], False, id="another key"),
        pytest.param(
            [GPU], [{"key": "gpu", "value": "yes", "effect": "NoExecute"}], False,
            id="another effect",
        ),
        pytest.param(
            [GPU, EVICT], [{"key": "gpu", "value": "yes", "effect": "NoExecute"}], False,
            id="one of two is not tolerated",
        ),
        pytest.param(
            [GPU, EVICT], [{"key": "gpu", "value": "yes"}], True, id="no effect means all effects"
        ),
    ],
)  # fmt: skip
def test_taints(taints: list[Taint], tolerations: list[dict[str, Any]], admitted: bool):
    spec = a_job(tolerations=tolerations).spec
    assert admits({}, taints, {}, spec.tolerations) is admitted

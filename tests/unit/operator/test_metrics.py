"""``/metrics`` in the text format of Prometheus."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from distributedjob_operator.leadership import Leadership, Timing
from distributedjob_operator.metrics import exposition
from tests.unit.operator.test_controller import Ports, a_controller


def samples(body: bytes) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize("subject", ["djob.v1.nonsense", "a b c"])
def test_a_standby_tells_what_it_refused(subject: str):
    ports = Ports()
    controller = a_controller(ports)
    expose = exposition(Leadership(ports, ports, "me", Timing(6, 4, 1)), controller)
    controller.message(subject, b"\xff")
    kind, body = expose()
    assert kind.startswith("text/plain")
    found = samples(body)
    assert found["distributedjob_leading",] == 0
    assert found["distributedjob_epoch",] == 0
    assert found["distributedjob_refused_messages_total", "subject"] == 1
    assert found["distributedjob_refused_messages_total", "malformed"] == 0
    assert found["distributedjob_journal_dropped_records_total",] == 0

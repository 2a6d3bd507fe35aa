"""Families of metrics in the text format of Prometheus.

Values are read when they are asked for; nothing is counted twice for it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from distributedjob_api import metric_families as families
from distributedjob_api.histogram import Histogram
from distributedjob_api.metric_families import Family, Kind
from distributedjob_api.nats_health import NatsHealth

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

Value = float | Histogram
Sample = tuple[Family, Value | Mapping[Any, Value] | Mapping[Any, float] | Mapping[Any, Histogram]]
"""A family with its one value, or with values by the only label's, or by those of all."""


def nats(health: NatsHealth) -> list[Sample]:
    """The families about NATS."""
    return [
        (families.NATS_CONNECTED, health.connected),
        (families.NATS_RECONNECTS, health.reconnects),
        (families.NATS_ERRORS, health.errors),
        (families.NATS_ROUND_TRIP, health.round_trip_seconds),
        (families.NATS_MESSAGES, {"in": health.messages_in, "out": health.messages_out}),
        (families.NATS_BYTES, {"in": health.bytes_in, "out": health.bytes_out}),
    ]


def exposition(samples: Callable[[], Iterable[Sample]]) -> Callable[[], bytes]:
    """What ``/metrics`` answers with: these families, and those about the process."""
    registry = CollectorRegistry()
    registry.register(_Collector(samples))
    ProcessCollector(registry=registry)
    return lambda: generate_latest(registry)


@dataclass(frozen=True, slots=True, eq=False)
class _Collector(Collector):
    samples: Callable[[], Iterable[Sample]]

    def collect(self) -> Iterable[Metric]:
        for family, values in self.samples():
            yield _metric(family, values)

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is need not be known before anything is there."""
        return ()


def _metric(family: Family, values: Value | Mapping[Any, Any]) -> Metric:
    by_labels = values if isinstance(values, Mapping) else {(): values}
    text, labels = family.meaning, family.labels
    if family.kind is Kind.HISTOGRAM:
        histograms = HistogramMetricFamily(family.name, text, labels=labels)
        for key, value in by_labels.items():
            if isinstance(value, Histogram):
                histograms.add_metric(_values(key), value.cumulative(), value.sum)
        return histograms
    made = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    numbers = made(family.name, text, labels=labels)
    for key, value in by_labels.items():
        if not isinstance(value, Histogram):
            numbers.add_metric(_values(key), float(value))
    return numbers


def _values(key: str | tuple[str, ...]) -> tuple[str, ...]:
    return (key,) if isinstance(key, str) else key

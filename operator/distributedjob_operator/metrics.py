"""``GET /metrics``: what a replica counts, in the text format of Prometheus.

Values are read when they are asked for; nothing is counted twice for it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from distributedjob_operator.controller import Controller
from distributedjob_operator.leadership import Leadership
from distributedjob_operator.refused import Cause


@dataclass(frozen=True, slots=True, eq=False)
class ReplicaCollector(Collector):
    """Reads one replica; no label ever holds a job or a task."""

    leadership: Leadership
    controller: Controller

    def collect(self) -> Iterable[Metric]:
        """The families, anew each time."""
        leading = GaugeMetricFamily("distributedjob_leading", "Whether this replica leads.")
        leading.add_metric([], float(self.controller.leading))
        yield leading
        epoch = GaugeMetricFamily("distributedjob_epoch", "Fencing number of its lead, or 0.")
        epoch.add_metric([], float(self.leadership.epoch))
        yield epoch
        refused = CounterMetricFamily(
            "distributedjob_refused_messages", "Messages that made no sense.", labels=["cause"]
        )
        for cause in Cause:
            refused.add_metric([cause.value], self.controller.refused.counts[cause])
        yield refused
        dropped = CounterMetricFamily(
            "distributedjob_journal_dropped_records",
            "Records of attempts that workers gave up because the journal took nothing.",
        )
        dropped.add_metric([], float(self.controller.dropped_records))
        yield dropped


def exposition(leadership: Leadership, controller: Controller) -> Callable[[], tuple[str, bytes]]:
    """What ``/metrics`` answers with: its content type and its body."""
    registry = CollectorRegistry()
    registry.register(ReplicaCollector(leadership, controller))
    return lambda: (CONTENT_TYPE_LATEST, generate_latest(registry))

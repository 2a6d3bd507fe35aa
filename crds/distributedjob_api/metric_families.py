"""Every family of metrics: the names that dashboards and alerts are written against.

Units are Prometheus' own, seconds and bytes; slots are cores. No label holds a task. A
job stands in none but those of :data:`JOB_TASKS`, which is served on request. What
speaks of jobs and machines comes from the replica that leads.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What Prometheus makes of a family."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """Series of one meaning; ``labels`` tell them apart."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()


def _counter(name: str, meaning: str, *labels: str) -> Family:
    return Family(f"distributedjob_{name}_total", Kind.COUNTER, meaning, labels)


def _gauge(name: str, meaning: str, *labels: str) -> Family:
    return Family(f"distributedjob_{name}", Kind.GAUGE, meaning, labels)


def _histogram(name: str, meaning: str, *labels: str) -> Family:
    return Family(f"distributedjob_{name}", Kind.HISTOGRAM, meaning, labels)


_GROUP: Final = ("job_namespace", "pool")
"""Not ``namespace``, which Prometheus gives to what it scrapes."""

# -- both ----------------------------------------------------------------------------

BUILD_INFO: Final = _gauge("build_info", "1, with what serves it.", "component", "version")
NATS_CONNECTED: Final = _gauge("nats_connected", "Whether the process is connected to NATS.")
NATS_RECONNECTS: Final = _counter("nats_reconnects", "Connections to NATS after the first.")
NATS_ERRORS: Final = _counter("nats_errors", "What server or connection reported as errors.")
NATS_ROUND_TRIP: Final = _gauge(
    "nats_round_trip_seconds", "The last round trip to NATS that was measured."
)
NATS_MESSAGES: Final = _counter("nats_messages", "Messages, in and out.", "direction")
NATS_BYTES: Final = _counter("nats_bytes", "Bytes of messages, in and out.", "direction")

NATS: Final = (
    *(NATS_CONNECTED, NATS_RECONNECTS, NATS_ERRORS),
    *(NATS_ROUND_TRIP, NATS_MESSAGES, NATS_BYTES),
)

# -- operator ------------------------------------------------------------------------

LEADING: Final = _gauge("leading", "Whether this replica leads.")
EPOCH: Final = _gauge("epoch", "Fencing number of its lead, or 0; it rises with each take-over.")
LEASE_AGE: Final = _gauge(
    "lease_age_seconds", "How long ago the replica that leads renewed its Lease; 0 elsewhere."
)
REFUSED: Final = _counter("refused_messages", "Messages that made no sense.", "cause")
JOURNAL_DROPPED: Final = _counter(
    "journal_dropped_records", "Records of attempts that workers gave up, as they report it."
)
JOBS: Final = _gauge("jobs", "Jobs that exist.", *_GROUP, "phase")
JOBS_WAITING: Final = _gauge(
    "jobs_waiting", "Jobs of which nothing runs, by the reason in their status.", *_GROUP, "reason"
)
JOBS_SET_ASIDE: Final = _gauge("jobs_set_aside", "Objects that cannot be read or gone on with.")
JOBS_ENDED: Final = _counter("jobs_ended", "Jobs by how they ended.", *_GROUP, "phase")
TASKS_QUEUED: Final = _gauge(
    "tasks_queued", "Tasks of unfinished jobs without outcome that do not run.", *_GROUP
)
TASKS_RUNNING: Final = _gauge("tasks_running", "Tasks that run, as last reported.", *_GROUP)
TASKS_STARTABLE: Final = _gauge(
    "tasks_startable", "Tasks that wait although a slot that would take them is free.", *_GROUP
)
TASKS_SUCCEEDED: Final = _counter("tasks_succeeded", "Tasks recorded as succeeded.", *_GROUP)
TASKS_FAILED: Final = _counter("tasks_failed", "Tasks recorded as failed for good.", *_GROUP)
TASKS_RETRIED: Final = _counter(
    "tasks_retried", "Failed attempts after which the task may run again.", *_GROUP
)
TASKS_INTERRUPTED: Final = _counter(
    "tasks_interrupted", "Attempts lost with their worker.", *_GROUP
)
QUEUE_SECONDS: Final = _histogram(
    "queue_seconds",
    "How long a job that could have started waited for its first tasks to be handed out.",
    "pool",
)
DISPATCH_SECONDS: Final = _histogram(
    "dispatch_seconds", "From handing a task out to the worker's word that it has it.", "pool"
)
CHECKPOINT_SECONDS: Final = _histogram(
    "checkpoint_seconds", "From the decision to write a status to the answer that it stands."
)
CHECKPOINT_BYTES: Final = _histogram("checkpoint_bytes", "Size of the status that was written.")
CHECKPOINT_FAILURES: Final = _counter(
    "checkpoint_failures", "Status writes that did not go through.", "cause"
)
WORKERS: Final = _gauge("workers", "Workers, and nodes without one, by health.", "pool", "health")
WORKERS_LOST: Final = _counter("workers_lost", "Workers that were given up.", "pool", "cause")
NODE_SLOTS: Final = _gauge("node_slots", "Cores that tasks may occupy at a node.", "pool", "node")
NODE_SLOTS_BUSY: Final = _gauge(
    "node_slots_busy", "Cores that running tasks occupy at a node.", "pool", "node"
)
API_REQUESTS: Final = _counter(
    "api_requests",
    "Requests to the API server but for the watch, by the answer's code; error: none came.",
    "method",
    "code",
)
API_SECONDS: Final = _histogram(
    "api_request_seconds", "How long the API server took to begin its answer.", "method"
)
JOB_TASKS: Final = _gauge(
    "job_tasks",
    "Tasks of a job by state; only with DJOB_METRICS_PER_JOB.",
    *_GROUP,
    "job_name",
    "state",
)

OPERATOR: Final = (
    *(BUILD_INFO, LEADING, EPOCH, LEASE_AGE, REFUSED, JOURNAL_DROPPED),
    *(JOBS, JOBS_WAITING, JOBS_SET_ASIDE, JOBS_ENDED),
    *(TASKS_QUEUED, TASKS_RUNNING, TASKS_STARTABLE),
    *(TASKS_SUCCEEDED, TASKS_FAILED, TASKS_RETRIED, TASKS_INTERRUPTED),
    *(QUEUE_SECONDS, DISPATCH_SECONDS),
    *(CHECKPOINT_SECONDS, CHECKPOINT_BYTES, CHECKPOINT_FAILURES),
    *(WORKERS, WORKERS_LOST, NODE_SLOTS, NODE_SLOTS_BUSY),
    *(API_REQUESTS, API_SECONDS, JOB_TASKS),
    *NATS,
)

# -- worker --------------------------------------------------------------------------

WORKER_READY: Final = _gauge(
    "worker_ready", "Whether it has a session with a leader, and a connection to NATS."
)
WORKER_EPOCH: Final = _gauge("worker_epoch", "The highest epoch that it has seen.")
ATTEMPTS: Final = _counter(
    "worker_attempts",
    "Attempts that ended; reason is Succeeded or why not.",
    "job_namespace",
    "reason",
)
RUN_SECONDS: Final = _histogram("worker_run_seconds", "How long attempts ran.", "pool")
WORKER_QUEUED: Final = _gauge("worker_tasks_queued", "Tasks that wait at the worker.")
WORKER_RUNNING: Final = _gauge("worker_tasks_running", "Tasks that run at the worker.")
WORKER_SLOTS: Final = _gauge("worker_slots", "Cores that its tasks may occupy.")
WORKER_SLOTS_BUSY: Final = _gauge("worker_slots_busy", "Cores that its running tasks occupy.")
WORKER_HELD: Final = _gauge(
    "worker_held", "Whether no task starts since there is no room for results."
)
SPOOL_BYTES: Final = _gauge("worker_spool_bytes", "Size of the results not yet in a checkpoint.")
WORKER_REFUSED: Final = _counter("worker_refused_messages", "Messages that made no sense.")
WORKER_JOURNAL_DROPPED: Final = _counter(
    "worker_journal_dropped_records", "Records of attempts that the journal never got."
)

WORKER: Final = (
    *(BUILD_INFO, WORKER_READY, WORKER_EPOCH),
    *(ATTEMPTS, RUN_SECONDS, WORKER_QUEUED, WORKER_RUNNING),
    *(WORKER_SLOTS, WORKER_SLOTS_BUSY, WORKER_HELD, SPOOL_BYTES),
    *(WORKER_REFUSED, WORKER_JOURNAL_DROPPED),
    *NATS,
)

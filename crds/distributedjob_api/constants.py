"""Names that a user, the operator and the tools must spell the same way."""

from typing import Final

GROUP: Final = "distributedjob.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "DistributedJob"
PLURAL: Final = "distributedjobs"
SINGULAR: Final = "distributedjob"
SHORT_NAMES: Final = ("djob",)
CRD_NAME: Final = f"{PLURAL}.{GROUP}"

MAX_COMPLETIONS: Final = 1_000_000
"""Tasks in one job, at most: the status of the worst pattern then stays below 1 MiB."""

DEFAULT_POOL: Final = "default"

STEADY_SECONDS: Final = 0.1
"""Between two reports of a worker, at least, where all they would say is that more tasks have
ended: each report costs all parts of the system some of the CPU that tasks could have."""

ENDPOINT_ANNOTATION: Final = f"{GROUP}/endpoint"
"""On the Lease: the base URL at which the operator serves results."""

MANAGER: Final = f"{GROUP}/operator"
"""``spec.managedBy`` of a job that this operator runs; unset means the same."""

NO_SUCH_JOB: Final = "there is no such DistributedJob"
"""What the operator's endpoint says of a job that is not there."""

MISSING_COUNT_HEADER: Final = "Djob-Missing"
MISSING_INDEXES_HEADER: Final = "Djob-Missing-Indexes"
"""With a job's output: how many tasks with an outcome have no record, and the first of them."""

"""``spec``: what a user writes.

Names and meaning are those of ``batch/v1`` Job wherever it has them. A field enters
together with its behaviour; until then the server calls it unknown.
"""

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from distributedjob_api import constants, index_text
from distributedjob_api.control import Rerun, SuspendMode
from distributedjob_api.failure_policy import FailurePolicy
from distributedjob_api.items import ItemsFrom
from distributedjob_api.model import Model
from distributedjob_api.output import Output
from distributedjob_api.retry_policy import RetryPolicy
from distributedjob_api.rules import PLAIN_TEXT, immutable, notes, rule, rules
from distributedjob_api.scheduling import (
    NODE_LABELS,
    TOLERATIONS,
    Toleration,
    node_selector_schema,
)
from distributedjob_api.spec_rules import CROSS_FIELD
from distributedjob_api.success_policy import SuccessPolicy
from distributedjob_api.template import Template

# A client-side `kubectl apply` keeps a copy of the object in an annotation, and the
# annotations of an object may have 256 KiB: the largest items, their punctuation and the
# largest template fit in there together.
ITEMS_CHARACTERS: Final = 100 * 1024
ITEMS: Final = 20_000

LIMIT: Final = 100
INT32: Final = 2**31 - 1
MAX_PRIORITY: Final = 1000


class Spec(Model):
    """Many short, independent tasks that run one command."""

    model_config = ConfigDict(json_schema_extra=rules(*CROSS_FIELD))

    completions: int | None = Field(
        default=None,
        ge=1,
        le=constants.MAX_COMPLETIONS,
        description="Number of tasks; their indexes are 0 to completions - 1.",
        json_schema_extra=notes(job="completions"),
    )
    items: list[Annotated[str, Field(max_length=4096, pattern=PLAIN_TEXT)]] | None = Field(
        default=None,
        min_length=1,
        max_length=ITEMS,
        description="One task for each string, which the task reads as DJOB_ITEM.",
        json_schema_extra=rules(
            rule(
                f"self.map(item, size(item)).sum() <= {ITEMS_CHARACTERS}",
                f"items must not exceed {ITEMS_CHARACTERS} characters in all;"
                " put them into a ConfigMap and write itemsFrom",
            )
        ),
    )
    items_from: ItemsFrom | None = Field(
        default=None,
        description="Items that stand elsewhere, one task for each.",
    )
    indexes: str | None = Field(
        default=None,
        max_length=index_text.MAX_LENGTH,
        description='Run only these of the indexes, such as "0-99,200". Unset means all of them.',
        json_schema_extra=rules(*index_text.well_formed("indexes")),
    )
    parallelism: int | None = Field(
        default=None,
        ge=0,
        le=constants.MAX_COMPLETIONS,
        description=(
            "Most tasks that run at one time; 0 pauses the job."
            " Unset means as many as the pool's free CPU holds. May be changed at any time."
        ),
        json_schema_extra=notes(
            job="parallelism",
            change="At any time. Running tasks stay; a lower value only holds back new ones.",
        ),
    )
    template: Template = Field(
        description="The command that every task runs.",
        json_schema_extra=rules(immutable("template")) | notes(job="template"),
    )
    backoff_limit_per_index: int = Field(
        default=3,
        ge=0,
        le=LIMIT,
        description="How often a failed index is tried again before it counts as failed.",
        json_schema_extra=rules(immutable("backoffLimitPerIndex"))
        | notes(job="backoffLimitPerIndex"),
    )
    backoff_limit: int | None = Field(
        default=None,
        ge=0,
        le=INT32,
        description=(
            "How many failed attempts the job bears in all before it ends as Failed."
            " Unset means no limit."
        ),
        json_schema_extra=notes(job="backoffLimit"),
    )
    max_failed_indexes: int | None = Field(
        default=None,
        ge=0,
        le=constants.MAX_COMPLETIONS,
        description=(
            "How many indexes may fail for good before the job ends as Failed at once."
            " Unset means that every index is run."
        ),
        json_schema_extra=notes(job="maxFailedIndexes"),
    )
    retry_policy: RetryPolicy = Field(
        default=RetryPolicy(),
        description="When and where a failed task is tried again.",
        json_schema_extra=rules(immutable("retryPolicy")),
    )
    failure_policy: FailurePolicy | None = Field(
        default=None,
        description="What an exit code or a reason means for the index and the job.",
        json_schema_extra=notes(job="podFailurePolicy"),
    )
    success_policy: SuccessPolicy | None = Field(
        default=None,
        description="When the job is Complete although not every index has succeeded.",
        json_schema_extra=notes(job="successPolicy"),
    )
    interruption_limit: int = Field(
        default=5,
        ge=0,
        le=LIMIT,
        description=(
            "How often an index may bring its worker down before it counts as failed. Attempts"
            " lost by a planned stop, with a node or beside another task are not charged, and none"
            " is charged to backoffLimitPerIndex. With 0 here and there, no attempt starts twice."
        ),
        json_schema_extra=rules(immutable("interruptionLimit")),
    )
    active_deadline_seconds: int | None = Field(
        default=None,
        ge=1,
        le=INT32,
        description=(
            "Longest time in seconds from the first start of a task to the end of the job; it"
            " stands still while the job is suspended. Unset means no limit."
        ),
        json_schema_extra=notes(
            job="activeDeadlineSeconds",
            change="At any time. The clock goes on from where it stands.",
        ),
    )
    ttl_seconds_after_finished: int | None = Field(
        default=None,
        ge=0,
        le=INT32,
        description=(
            "Seconds after its end at which the job is deleted. Unset means that it is kept."
        ),
        json_schema_extra=notes(
            job="ttlSecondsAfterFinished", change="At any time, counted from the job's end."
        ),
    )
    suspend: bool = Field(
        default=False,
        description="Start no task, as suspendMode says; false goes on.",
        json_schema_extra=notes(
            job="suspend", change="At any time. Tasks that were ended run again, without charge."
        ),
    )
    suspend_mode: SuspendMode = Field(
        default=SuspendMode.NOW,
        description="Now ends running tasks when the job is suspended, Drain lets them finish.",
        json_schema_extra=notes(
            change="At any time; from Drain to Now ends what still runs of a suspended job."
        ),
    )
    cancel: bool = Field(
        default=False,
        description="End all tasks and keep the object as Cancelled. Cannot be unset.",
        json_schema_extra=rules(
            rule(
                "self || !oldSelf",
                "cancel cannot be unset; keep it true, and create the job anew to run it again",
                reason="FieldValueForbidden",
            )
        )
        | notes(change="To true, once: all tasks end and the job is Cancelled."),
    )
    rerun: Rerun | None = Field(
        default=None,
        description="Run tasks of the finished job again, with fresh budgets.",
        json_schema_extra=notes(
            change="At any time but after cancel. A new token starts the chosen tasks again"
            " once the job is finished; without a new token nothing happens."
        ),
    )
    priority: int = Field(
        default=0,
        ge=-MAX_PRIORITY,
        le=MAX_PRIORITY,
        description=(
            "Jobs of a higher priority get free CPU first. Equal ones share it fairly between"
            " namespaces, then between jobs."
        ),
        json_schema_extra=notes(
            job="template.spec.priority",
            change="At any time. Running tasks stay; it decides who is next.",
        ),
    )
    pool: str = Field(
        default=constants.DEFAULT_POOL,
        max_length=63,
        description="Name of the pool of workers that runs the tasks.",
        json_schema_extra=rules(
            rule(
                "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                "pool must be lower-case letters, digits and '-', and begin and end with a letter"
                " or digit; write something like gpu-nodes",
            ),
            immutable("pool"),
        ),
    )
    node_selector: dict[str, str] = Field(
        default={},
        max_length=NODE_LABELS,
        description="Labels that a node must have to run tasks of this job.",
        json_schema_extra=node_selector_schema,
    )
    tolerations: list[Toleration] = Field(
        default=[],
        max_length=TOLERATIONS,
        description="Taints that do not keep tasks of this job away from a node.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"}
        | notes(
            job="template.spec.tolerations",
            change="While suspended; for tasks that start from then on.",
        ),
    )
    managed_by: str | None = Field(
        default=None,
        max_length=63,
        description=(
            f"Who runs the job. Unset or {constants.MANAGER} is this operator, which leaves"
            " jobs of anyone else alone."
        ),
        json_schema_extra=rules(
            rule(
                "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/"
                "[-A-Za-z0-9/._~%!$&()*+,;=:]+$')",
                "managedBy must be a path with a domain in front; write something like"
                " example.com/controller",
            )
        )
        | notes(job="managedBy"),
    )
    output: Output = Field(
        default=Output(),
        description="What the journal keeps of stdout and stderr.",
        json_schema_extra=rules(immutable("output")),
    )

    @property
    def tasks(self) -> int:
        """The bound of the indexes: completions, or the number of items.

        It is 0 where the items stand elsewhere, and whoever reads them knows better.
        """
        return len(self.items) if self.items is not None else self.completions or 0

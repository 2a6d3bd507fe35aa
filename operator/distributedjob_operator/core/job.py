"""One job as the leader holds it: its spec, its ledger, and what is yet to be written."""

from dataclasses import dataclass, field
from datetime import datetime

from distributedjob_api import constants, reasons
from distributedjob_api.indexes import BitMap
from distributedjob_api.messages import Define
from distributedjob_api.v1alpha1 import (
    Condition,
    DistributedJob,
    FieldPath,
    Phase,
    Spec,
    Status,
)
from distributedjob_operator.core.ledger import Ledger
from distributedjob_operator.core.policy import at_most_once
from distributedjob_operator.core.policy.deadline import ActiveClock
from distributedjob_operator.core.policy.sense import wanted_indexes
from distributedjob_operator.core.recorded import Recorded, chosen_by_rerun, recorded
from distributedjob_operator.core.tally import Recorded as Counts
from distributedjob_operator.core.tally import of_status
from distributedjob_operator.core.unconfirmed import Unconfirmed
from distributedjob_operator.core.verdict import Verdict, recall, recall_refusal

TERMINAL = frozenset({Phase.COMPLETE, Phase.FAILED, Phase.CANCELLED})

Shape = tuple[int, int, frozenset[tuple[str, str]], str]
"""What a task asks of a node: CPU, memory, labels, and which taints it bears."""


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a ConfigMap: None until they were read, and the digest they had first.

    While they are not known, what is in the way: nothing there, something else there, or
    what the API server said.
    """

    lines: list[str] | None = None
    digest: str = ""
    missing: bool = False
    changed: bool = False
    unreadable: str = ""


@dataclass(slots=True)
class Job:
    """A job in the leader's hands."""

    uid: str
    namespace: str
    name: str
    generation: int
    resource_version: str
    created: datetime | None
    spec: Spec
    ledger: Ledger
    wanted: BitMap = field(default_factory=BitMap)
    run: int = 0
    chosen: BitMap | None = None
    phase: Phase = Phase.PENDING
    start_time: datetime | None = None
    completion_time: datetime | None = None
    conditions: list[Condition] = field(default_factory=list)
    problem: str = ""
    items: Items = field(default_factory=Items)
    items_due_at: float = float("-inf")
    items_asked: int = 0
    verdict: Verdict | None = None
    clock: ActiveClock = field(default_factory=ActiveClock)
    rerun_token: str = ""
    refusal: str = ""
    barrier: bool = False
    nodes: list[str] = field(default_factory=list)
    unconfirmed: Unconfirmed = field(default_factory=Unconfirmed)
    awaited: set[str] = field(default_factory=set)
    """Nodes whose workers have yet to say what they hold of this job.

    One set for all jobs of a pool that wait for the same, since a name for each of thousands
    of jobs and workers would not fit into memory: it changes for all of them, and a job
    that waits for others has a set of its own.
    """

    taken_below: int = 0
    quiet: bool = False
    unaccounted: bool = False
    predecessor: list[str] = field(default_factory=list)
    turned_away: bool = False
    seen_at: float = float("-inf")
    unserved_since: float = float("inf")
    waiting: str = ""
    explained_at: float = float("-inf")
    idle_since: float = float("inf")
    announced: Phase | None = None
    told: int = 0
    phase_in_write: Phase | None = None
    barrier_in_write: bool = False
    bound_in_write: int = 0
    counted: Counts = field(default_factory=Counts)
    counts_in_write: Counts = field(default_factory=Counts)
    deleting: bool = False
    delete_at: float = float("-inf")
    known_tasks: int = 0
    served_at: float = float("-inf")
    clock_written: float = 0.0
    dirty: bool = True
    urgent: bool = True
    held_since: float = float("-inf")
    writing: bool = False
    large: bool = False
    written_at: float = float("-inf")
    write_failures: int = 0

    @property
    def created_at(self) -> float:
        """When its object was made, in seconds since the epoch; 0 where it does not say."""
        return self.created.timestamp() if self.created else 0.0

    @property
    def cpu_millis(self) -> int:
        """Millicores that one task occupies."""
        return self.spec.template.resources.requests.cpu_millis

    @property
    def memory_bytes(self) -> int:
        """Bytes of memory that one task occupies; 0 where it asks for none."""
        return self.spec.template.resources.requests.memory_bytes

    @property
    def shape(self) -> Shape:
        """What a task asks of a node; two that say the same in other words differ."""
        spec = self.spec
        borne = repr(spec.tolerations) if spec.tolerations else ""
        return self.cpu_millis, self.memory_bytes, frozenset(spec.node_selector.items()), borne

    @property
    def tasks(self) -> int:
        """The bound of the indexes; 0 while the items of a ConfigMap are not known."""
        return self.spec.tasks if self.spec.items_from is None else len(self.items.lines or ())

    @property
    def total(self) -> int:
        """How many tasks there are; as recorded while their items are not known."""
        return len(self.wanted) if self.items_known else self.known_tasks

    @property
    def left_out(self) -> int:
        """Tasks without an outcome that a rerun did not choose: they get none in this run."""
        return len(self.wanted) - len(self.ledger.wanted) if self.items_known else 0

    @property
    def failed_of_run(self) -> int:
        """Failed indexes that count: while a rerun goes on, those that it chose."""
        failed = self.ledger.recorded.failed
        if self.chosen is None or not self.ledger.open:
            return len(failed)
        return failed.intersection_cardinality(self.chosen)

    @property
    def undone(self) -> int:
        """Tasks without an outcome."""
        recorded = self.ledger.recorded
        return max(0, self.total - len(recorded.succeeded) - len(recorded.failed))

    @property
    def heard_results(self) -> bool:
        """Whether anything of this run was reported since the last checkpoint."""
        return self.unconfirmed.any_of_run(self.run)

    @property
    def finished(self) -> bool:
        """Whether a final condition was reached."""
        return self.phase in TERMINAL

    @property
    def dispatchable(self) -> bool:
        """Whether its tasks may be handed out at all."""
        return not (
            self.finished
            or self.verdict
            or self.spec.cancel
            or self.spec.suspend
            or self.problem
            or (self.awaited and not self.quiet)
            or self.predecessor
            or self.turned_away
            or self.barrier
            or not self.items_known
        )

    @property
    def waits_for_slots(self) -> bool:
        """Whether the fleet is what it waits for, as far as was found out."""
        return not self.finished and self.waiting in reasons.WAITS_FOR_SLOTS

    @property
    def ending(self) -> bool:
        """Whether it is certain how the job ends, so that what is ended now is part of that."""
        return self.spec.cancel or self.verdict is not None

    @property
    def at_most_once(self) -> bool:
        """Whether no task of it may start twice."""
        return at_most_once.applies(self.spec)

    @property
    def awaits_write(self) -> bool:
        """Whether tasks of it go out once its status is written, and not before."""
        ledger = self.ledger
        return self.barrier or (
            self.at_most_once and ledger.released_below < ledger.recorded.dispatched_below
        )

    @property
    def fresh_supply(self) -> int:
        """Indexes never handed out that may be now."""
        fresh = self.ledger.fresh
        held = at_most_once.below(fresh, self.held_below)
        if not self.at_most_once:
            return len(fresh) - held
        return max(0, at_most_once.below(fresh, self.ledger.released_below) - held)

    @property
    def held_below(self) -> int:
        """Who is awaited may hold any index below this, and none from here on (protocol item 9)."""
        return self.taken_below if self.awaited else 0

    @property
    def items_known(self) -> bool:
        """Whether it is certain what each index means."""
        return self.spec.items_from is None or self.items.lines is not None

    def touch(self, *, urgent: bool = False) -> None:
        """Note that the status has changed; an urgent change is written at once."""
        self.dirty = True
        if urgent:
            self.urgent, self.held_since = True, float("-inf")

    def touch_soon(self, now: float, *, urgent: bool) -> None:
        """Note a change that may wait a moment for the end of the job to go with it."""
        self.dirty, self.urgent, self.held_since = True, urgent, now

    def definition(self, number: int, node: str) -> Define:
        """What the worker of a node must know to run its tasks."""
        template = self.spec.template
        return Define(
            number=number,
            uid=self.uid,
            namespace=self.namespace,
            name=self.name,
            run=self.run,
            completions=self.tasks,
            argv=[*template.command, *template.args],
            env=[
                (
                    variable.name,
                    self._field(variable.value_from.field_ref.field_path, node)
                    if variable.value_from
                    else variable.value,
                )
                for variable in template.env
            ],
            working_dir=template.working_dir,
            scratch_dir=template.scratch_dir,
            cpu_millis=self.cpu_millis,
            timeout_seconds=float(template.timeout_seconds or 0),
            grace_seconds=float(template.termination_grace_period_seconds),
            output_policy=self.spec.output.policy.value,
            output_limit_bytes=self.spec.output.limit_bytes,
            memory_bytes=self.memory_bytes,
        )

    def _field(self, path: FieldPath, node: str) -> str:
        """What ``valueFrom.fieldRef`` stands for; ``$`` is doubled, since it is no reference."""
        values = {
            FieldPath.NAME: self.name,
            FieldPath.NAMESPACE: self.namespace,
            FieldPath.UID: self.uid,
            FieldPath.NODE: node,
        }
        return values[path].replace("$", "$$")

    def take_items(self, lines: list[str], digest: str) -> None:
        """Begin with the items of a ConfigMap: from now on it is known what an index means."""
        self.items = Items(lines, digest)
        self.wanted, self.problem = wanted_indexes(self.spec, len(lines))
        recorded = self.ledger.recorded
        wanted = wanted_of_run(self.wanted, self.chosen, recorded)
        self.ledger = self.ledger.rebuilt(wanted, recorded, (), self.spec, 0.0)

    def drop_items(self) -> None:
        """Keep no lines that nobody runs; what they were is held to by their digest."""
        if self.items.lines is not None:
            self.known_tasks = self.total
            self.items = Items(digest=self.items.digest)

    def start_over(self, token: str, chosen: BitMap | None, fresh: Recorded) -> None:
        """Begin another run of the chosen indexes, or of all without success."""
        self.run += 1
        self.rerun_token, self.chosen = token, chosen
        self.ledger = Ledger(wanted_of_run(self.wanted, chosen, fresh), fresh)
        self.verdict, self.refusal = None, ""
        self.phase = Phase.PENDING
        self.start_time = self.completion_time = None
        self.clock.restart()
        self.barrier = True


def from_object(resource: DistributedJob) -> Job:
    """Take a job from its object, continuing from the recorded status.

    A spec that passed the schema and still makes no sense leaves a job with a
    ``problem``, which becomes a condition.

    Raises:
        StatusError: the status is damaged; running anything could repeat outcomes.
    """
    spec, status = resource.spec, resource.status or Status()
    wanted, problem = BitMap(), ""
    if spec.items_from is None:
        wanted, problem = wanted_indexes(spec, spec.tasks)
    elif status.items_hash:
        # It began: until the items are read again, any index may be one that runs.
        wanted, problem = wanted_indexes(spec, constants.MAX_COMPLETIONS)
    facts, chosen = recorded(status), chosen_by_rerun(status)
    metadata = resource.metadata
    token = status.rerun_token
    if not (status.installation or token) and spec.rerun is not None:
        # Protocol item 6: the token that a job is created with starts nothing again.
        token = spec.rerun.token
    return Job(
        uid=metadata.uid,
        namespace=metadata.namespace,
        name=metadata.name,
        generation=metadata.generation,
        resource_version=metadata.resource_version,
        created=metadata.creation_timestamp,
        spec=spec,
        ledger=Ledger(wanted_of_run(wanted, chosen, facts), facts),
        wanted=wanted,
        run=status.run,
        chosen=chosen,
        phase=status.phase,
        start_time=status.start_time,
        completion_time=status.completion_time,
        conditions=list(status.conditions),
        problem=problem,
        items=Items(digest=status.items_hash),
        known_tasks=status.pending
        + status.running
        + status.succeeded
        + status.failed
        + status.cancelled,
        verdict=recall(status.conditions),
        clock=ActiveClock(status.active_seconds),
        rerun_token=token,
        refusal=recall_refusal(status.conditions),
        unaccounted=at_most_once.applies(spec) and status.dispatched_below > 0,
        nodes=list(status.nodes),
        announced=status.phase if resource.status else None,
        counted=of_status(status),
        dirty=status.observed_generation != metadata.generation,
    )


def wanted_of_run(wanted: BitMap, chosen: BitMap | None, recorded: Recorded) -> BitMap:
    """The indexes that a run has an outcome of, or is to have one of.

    What a rerun did not choose keeps its outcome, or stays without one.
    """
    if chosen is None:
        return wanted
    return wanted & (chosen | recorded.succeeded | recorded.failed)

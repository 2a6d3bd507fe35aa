"""The messages between leader and workers, and the journal's records.

Msgspec structs in array form, tagged and packed as MessagePack: a result costs
well under a microsecond at either end. Readers ignore unknown trailing fields, so
a field is added at the end, with a default, and never changes its meaning;
``v1`` in every subject is the version of the whole. Golden files pin the form.

Every duration is in seconds, every CPU amount in millicores, every range is an
inclusive ``(first, last)`` pair of indexes, ranges ascend.
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

from distributedjob_api.constants import MAX_COMPLETIONS

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""An epoch, a session, a number in a sequence: so large that none is ever reached."""

Index = Annotated[int, msgspec.Meta(ge=0, lt=MAX_COMPLETIONS)]
Range = tuple[Index, Index]


def length(ranges: Iterable[Range]) -> int:
    """How many indexes are in them."""
    return sum(last - first + 1 for first, last in ranges)


class _Message(msgspec.Struct, array_like=True, tag=True, frozen=True, gc=False):
    """A tagged struct: the tag is the class's name, the first array element."""


class _Record(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A struct inside a message, where its type is known from its place."""


# -- both ways ---------------------------------------------------------------------


class Attempt(_Record, frozen=True):
    """The counters of one index that has no outcome yet.

    ``ended`` attempts were recorded as over, ``failures`` of them were charged to
    the back-off limit and ``interruptions`` were lost with their worker. An
    assignment carries them and a failure echoes the first two: so one heard twice, or
    late, is told from a new one, and a new leader learns what the last one had charged
    and not written down.
    """

    index: int
    ended: int = 0
    failures: int = 0
    interruptions: int = 0


# -- leader to worker --------------------------------------------------------------


class Announce(_Message, frozen=True):
    """A leader took over: every worker answers with :class:`Hello`."""

    epoch: int
    leader: str


class Welcome(_Message, frozen=True):
    """The answer to a hello: grants ``session``; command numbers start at 1."""

    epoch: int
    session: int
    incarnation: str
    report_seconds: float


class Define(_Record, tag="define", frozen=True):
    """What a job's tasks are; sent to a worker before its first assignment."""

    number: int
    uid: str
    namespace: str
    name: str
    run: int
    completions: int
    argv: list[str]
    env: list[tuple[str, str]]
    working_dir: str
    scratch_dir: bool
    cpu_millis: int
    timeout_seconds: float
    grace_seconds: float
    output_policy: str
    output_limit_bytes: int
    memory_bytes: int = 0


class Assign(_Record, tag="assign", frozen=True):
    """Run these indexes: ``fresh`` ones never ended before, ``retries`` did.

    ``items`` are the inline items of ``fresh`` in ascending order followed by those
    of ``retries`` in their order, or empty for a job without items. ``parallelism``
    is the most tasks of this job that the worker may run at one time; 0 leaves it
    to the slots. Of the jobs that wait at a worker, the one whose last assignment had
    the highest ``priority`` goes first.
    """

    number: int
    uid: str
    run: int
    fresh: list[Range]
    retries: list[Attempt]
    items: list[str]
    parallelism: int
    priority: int = 0

    @property
    def count(self) -> int:
        """Tasks that it hands out."""
        return length(self.fresh) + len(self.retries)


class Cancel(_Record, tag="cancel", frozen=True):
    """End these indexes, queued and running; no ranges at all mean the whole job."""

    number: int
    uid: str
    ranges: list[Range]


class Return(_Record, tag="return", frozen=True):
    """Give back these indexes where they still wait; running ones go on."""

    number: int
    uid: str
    ranges: list[Range]


class Forget(_Record, tag="forget", frozen=True):
    """The job needs nothing more from this worker: drop its definition."""

    number: int
    uid: str


Command = Define | Assign | Cancel | Return | Forget


class Commands(_Message, frozen=True):
    """Commands in order, numbered without a gap within (epoch, session)."""

    epoch: int
    session: int
    commands: list[Command]


class Acks(_Message, frozen=True):
    """Entries up to ``seq`` of these jobs stand in a checkpoint: forget them."""

    epoch: int
    session: int
    upto: list[tuple[str, int]]


class Resend(_Message, frozen=True):
    """Entries of these jobs went missing: send again what is not acknowledged."""

    epoch: int
    session: int
    uids: list[str]


class OutputRequest(_Message, frozen=True):
    """What has a running task written so far, behind these offsets?

    ``request`` comes back with the answer; ``most`` bytes of each stream will do.
    """

    epoch: int
    session: int
    request: int
    uid: str
    index: int
    stdout_from: int
    stderr_from: int
    most: int


LeaderMessage = Announce | Welcome | Commands | Acks | Resend | OutputRequest


# -- worker to leader --------------------------------------------------------------


class Failure(_Record, frozen=True):
    """One attempt that did not succeed.

    ``ended`` and ``failures`` are the counters that the assignment carried; a worker of
    before sends none of the latter. ``exit_code`` is -1 where a signal ended the task or
    it never started, ``signal`` is 0 where none did. ``tail`` is the end of its stderr,
    or of its stdout where stderr is empty.
    """

    index: Index
    ended: Count
    reason: Annotated[str, msgspec.Meta(max_length=64)]
    exit_code: Annotated[int, msgspec.Meta(ge=-1, le=255)]
    signal: Annotated[int, msgspec.Meta(ge=0, le=255)]
    tail: str
    failures: Count = 0


class Entry(_Record, frozen=True):
    """Results of one job and run, numbered without a gap within an incarnation.

    ``stopped`` indexes had started and were ended by command: that charges nothing.
    ``busy_seconds`` is the summed run time of the entry's tasks.
    """

    seq: Count
    run: Count
    succeeded: list[Range]
    failed: list[Failure]
    stopped: list[Range]
    busy_seconds: float

    @property
    def count(self) -> int:
        """Tasks that came to an end by themselves."""
        return length(self.succeeded) + len(self.failed)


class JobReport(_Record, frozen=True):
    """One job at one worker: what waits, what runs, and results not yet acknowledged.

    A job is listed while anything of it waits, runs or is not acknowledged.
    ``acked_seq`` is the newest entry that an acknowledgement covered and
    ``last_seq`` the newest ever made, so that a leader knows which entries exist
    before it concludes anything from what the queue no longer lists.
    """

    uid: str
    namespace: str
    name: str
    run: Count
    queued: list[Range]
    running: list[Range]
    acked_seq: Count
    last_seq: Count
    entries: list[Entry]


class Hello(_Message, frozen=True):
    """A worker presents itself, at its start and after each announcement."""

    incarnation: str
    epoch: Count
    node: str
    address: str
    version: str
    cpu_millis: Count
    memory_bytes: Count
    jobs: list[JobReport]


class Report(_Message, frozen=True):
    """Results and state; without results it is the heartbeat.

    ``applied`` is the number of the last command applied in this session.
    ``leaving`` says that the worker is stopping and takes nothing more.
    ``dropped_records`` is how many attempts of this incarnation the journal misses,
    because it took nothing for so long that they had to be given up.
    """

    incarnation: str
    epoch: Count
    session: Count
    applied: Count
    jobs: list[JobReport]
    leaving: bool = False
    dropped_records: Count = 0


class Refusal(_Message, frozen=True):
    """A command came from an older epoch; ``epoch`` is the one the worker follows."""

    incarnation: str
    epoch: Count


class OutputReply(_Message, frozen=True):
    """The answer to :class:`OutputRequest`; ``attempt`` is 0 where the task does not run here.

    ``stdout`` stands at ``stdout_at`` of the ``stdout_bytes`` written: behind the offset
    asked for where that part of a long output is kept no longer.
    """

    incarnation: str
    request: Count
    run: Count = 0
    attempt: Count = 0
    stdout_at: Count = 0
    stdout: bytes = b""
    stdout_bytes: Count = 0
    stderr_at: Count = 0
    stderr: bytes = b""
    stderr_bytes: Count = 0


WorkerMessage = Hello | Report | Refusal | OutputReply


# -- the journal -------------------------------------------------------------------


class TaskRecord(_Record, frozen=True):
    """What happened in one attempt; times are Unix seconds.

    ``reason`` is empty for a success. ``stdout_bytes`` and ``stderr_bytes`` are what
    the task wrote; the texts hold its head and tail where that was over the limit.
    """

    index: int
    attempt: int
    started: float
    duration: float
    reason: str
    exit_code: int
    signal: int
    stdout: bytes
    stderr: bytes
    stdout_bytes: int
    stderr_bytes: int


class JournalBatch(_Message, frozen=True):
    """Records of one job, run and node: one JetStream message."""

    uid: str
    run: int
    node: str
    records: list[TaskRecord]


# -- the wire ----------------------------------------------------------------------


class MessageError(ValueError):
    """Bytes that are not the message they should be; the cause says where."""


_FAULTS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What unpacking raises; the last one for bytes that nest ever deeper."""

_encoder: Final = msgspec.msgpack.Encoder()
_leader: Final[msgspec.msgpack.Decoder[LeaderMessage]] = msgspec.msgpack.Decoder(LeaderMessage)
_worker: Final[msgspec.msgpack.Decoder[WorkerMessage]] = msgspec.msgpack.Decoder(WorkerMessage)
_journal: Final[msgspec.msgpack.Decoder[JournalBatch]] = msgspec.msgpack.Decoder(JournalBatch)


def encode_message(message: LeaderMessage | WorkerMessage | JournalBatch) -> bytes:
    """Pack a message."""
    return _encoder.encode(message)


def command_size(command: Command) -> int:
    """How many bytes a command takes in a message."""
    return len(_encoder.encode(command))


def decode_leader(data: bytes) -> LeaderMessage:
    """Unpack what a leader sent; raises :class:`MessageError`."""
    try:
        return _leader.decode(data)
    except _FAULTS as error:
        raise MessageError(f"not a leader's message: {error}") from error


def decode_worker(data: bytes) -> WorkerMessage:
    """Unpack what a worker sent; raises :class:`MessageError`."""
    try:
        return _worker.decode(data)
    except _FAULTS as error:
        raise MessageError(f"not a worker's message: {error}") from error


def decode_journal(data: bytes) -> JournalBatch:
    """Unpack a journal batch; raises :class:`MessageError`."""
    try:
        return _journal.decode(data)
    except _FAULTS as error:
        raise MessageError(f"not a journal batch: {error}") from error

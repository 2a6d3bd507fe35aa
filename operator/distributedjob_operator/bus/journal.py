"""The journal: the JetStream stream of what happened in each attempt."""

import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager, suppress

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import APIError, NotFoundError

from distributedjob_api.indexes import BitMap
from distributedjob_api.journal import may_hold
from distributedjob_api.messages import JournalBatch, MessageError, decode_journal
from distributedjob_api.subjects import Subjects
from distributedjob_operator.ports import Dropped, Unavailable

_log = logging.getLogger(__name__)

MAX_AGE_SECONDS = 7 * 24 * 3600.0
MAX_BYTES = 4 * 1024**3
LEAST_BYTES = 1024**2
NO_ROOM = 10047
"""The server's code for a stream that may become larger than what it has."""

DUPLICATE_SECONDS = 30.0
"""For so long the server knows what it stored, which a worker sends again after two seconds."""

FETCH = 8
"""Batches asked for at one time: each may hold megabytes, and all wait in memory."""
FETCH_HEADERS = 512
"""Batches whose headers alone are asked for at one time."""
DEARER = 4
"""So much dearer is a batch asked for alone than one of many in a row, about."""
FETCH_SECONDS = 5.0


class Journal:
    """Detail, bounded by age and size; losing it loses no outcome.

    Args:
        jetstream: where it lies.
        subjects: the installation's.
        max_bytes: what all batches may take; the oldest go first.
        max_age_seconds: how long one is kept.
    """

    def __init__(
        self,
        jetstream: JetStreamContext,
        subjects: Subjects,
        *,
        max_bytes: int = MAX_BYTES,
        max_age_seconds: float = MAX_AGE_SECONDS,
    ) -> None:
        self._jetstream = jetstream
        self._subjects = subjects
        self._max_bytes = max_bytes
        self._max_age_seconds = max_age_seconds

    async def ensure(self) -> None:
        """Create the stream, or bring it to these bounds; raises Unavailable.

        A server promises no more than it has: where its disk is smaller than our
        bound, a smaller journal is better than none.
        """
        max_bytes = self._max_bytes
        while True:
            try:
                await self._create_or_update(max_bytes)
                return
            except APIError as error:
                max_bytes //= 4
                if error.err_code != NO_ROOM or max_bytes < LEAST_BYTES:
                    raise Unavailable(f"the journal's stream cannot be had: {error}") from error
            except (NatsError, OSError) as error:
                raise Unavailable(f"the journal's stream cannot be had: {error}") from error

    async def _create_or_update(self, max_bytes: int) -> None:
        config = StreamConfig(
            name=self._subjects.journal_stream(),
            subjects=[self._subjects.every_journal()],
            storage=StorageType.FILE,
            discard=DiscardPolicy.OLD,
            max_age=self._max_age_seconds,
            max_bytes=max_bytes,
            duplicate_window=DUPLICATE_SECONDS,
            allow_direct=True,
        )
        try:
            await self._jetstream.update_stream(config)
        except NotFoundError:
            await self._jetstream.add_stream(config)

    async def purge(self, uid: str) -> None:
        """Drop every batch of one job; raises Unavailable."""
        stream, subject = self._subjects.journal_stream(), self._subjects.journal_of(uid)
        try:
            await self._jetstream.purge_stream(stream, subject=subject)
        except (NatsError, OSError) as error:
            raise Unavailable(f"the journal cannot be purged: {error}") from error

    async def exists(self) -> bool:
        """Whether the stream is there; raises Unavailable."""
        try:
            await self._jetstream.stream_info(self._subjects.journal_stream())
        except NotFoundError:
            return False
        except (NatsError, OSError) as error:
            raise Unavailable(f"the journal's stream cannot be asked for: {error}") from error
        return True

    async def read(
        self, uid: str, after: int = 0, wanted: BitMap | None = None
    ) -> AsyncGenerator[tuple[int, JournalBatch], None]:
        """Every batch kept of one job with its place, in the order in which it was stored.

        Args:
            uid: the job.
            after: leave out what is stored up to this place.
            wanted: leave out batches that hold none of these indexes, as far as they say so.

        Raises:
            Unavailable: JetStream does not answer.
        """
        places: set[int] | None = None
        if wanted is not None:
            places, scanned = await self._holding(uid, after, wanted)
            if len(places) * DEARER <= scanned:
                for place in sorted(places):
                    # Else it was dropped meanwhile: a reader in a row would not see it either.
                    if (batch := await self._get(place)) is not None:
                        yield place, batch
                return
        with _reading():
            async with aclosing(self._messages(uid, after)) as messages:
                async for place, message in messages:
                    if places is not None and place not in places:
                        continue
                    try:
                        batch = decode_journal(message.data)
                    except MessageError as error:
                        _log.warning("a journal batch cannot be read: %s", error)
                        continue
                    yield place, batch

    async def read_one(self, place: int) -> JournalBatch:
        """The batch at a place of the stream.

        Raises:
            Dropped: it is there no longer.
            Unavailable: JetStream does not answer.
        """
        batch = await self._get(place)
        if batch is None:
            raise Dropped("the journal dropped a batch while it was read")
        return batch

    async def _holding(self, uid: str, after: int, wanted: BitMap) -> tuple[set[int], int]:
        """The places of the batches that may hold an index, and of how many there are."""
        places: set[int] = set()
        count = 0
        with _reading():
            async with aclosing(self._messages(uid, after, headers_only=True)) as messages:
                async for place, message in messages:
                    count += 1
                    if may_hold(message.headers, wanted):
                        places.add(place)
        return places, count

    async def _messages(
        self, uid: str, after: int, *, headers_only: bool = False
    ) -> AsyncGenerator[tuple[int, Msg], None]:
        """Every message kept of one job behind a place, with its own."""
        behind = DeliverPolicy.BY_START_SEQUENCE
        config = ConsumerConfig(
            deliver_policy=behind if after else DeliverPolicy.ALL,
            opt_start_seq=after + 1 if after else None,
            ack_policy=AckPolicy.NONE,
            filter_subject=self._subjects.journal_of(uid),
            inactive_threshold=60.0,
            mem_storage=True,
            headers_only=headers_only,
        )
        stream = self._subjects.journal_stream()
        try:
            info = await self._jetstream.add_consumer(stream, config)
        except NotFoundError:
            return  # What was never made, or is lost, has no record of anything.
        left = info.num_pending or 0
        fetch = FETCH_HEADERS if headers_only else FETCH
        pull = await self._jetstream.pull_subscribe_bind(info.name, stream)
        try:
            while left > 0:
                for message in await pull.fetch(min(fetch, left), timeout=FETCH_SECONDS):
                    # The stream may have dropped what was still to come.
                    left = min(left - 1, message.metadata.num_pending)
                    yield message.metadata.sequence.stream, message
        finally:
            # It ends by itself as well, and what was read stays read.
            with suppress(NatsError, TimeoutError):
                await pull.unsubscribe()
                await self._jetstream.delete_consumer(stream, info.name)

    async def _get(self, place: int) -> JournalBatch | None:
        """The batch at a place of the stream; None where there is none that can be read."""
        stream = self._subjects.journal_stream()
        with _reading():
            try:
                message = await self._jetstream.get_msg(stream, seq=place, direct=True)
                return decode_journal(message.data or b"")
            except (NotFoundError, MessageError):
                return None
            except (KeyError, TypeError, AttributeError) as error:
                # The client takes headers for granted that not everybody sends who answers.
                raise Unavailable("the journal's answer makes no sense") from error


@contextmanager
def _reading() -> Iterator[None]:
    """What JetStream raises while it is read, as Unavailable with its reason."""
    try:
        yield
    except TimeoutError as error:
        raise Unavailable("the journal stopped answering while it was read") from error
    except (NatsError, OSError) as error:
        reason = f"{error}" or type(error).__name__
        raise Unavailable(f"the journal cannot be read: {reason}") from error

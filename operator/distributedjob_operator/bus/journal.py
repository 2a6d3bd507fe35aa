"""The journal: the JetStream stream of what happened in each attempt."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

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

from distributedjob_api.messages import JournalBatch, MessageError, decode_journal
from distributedjob_api.subjects import Subjects
from distributedjob_operator.ports import Unavailable

_log = logging.getLogger(__name__)

MAX_AGE_SECONDS = 7 * 24 * 3600.0
MAX_BYTES = 4 * 1024**3
LEAST_BYTES = 1024**2
NO_ROOM = 10047
"""The server's code for a stream that may become larger than what it has."""
NO_PEERS = 10005
"""A cluster's code for the same, and for others: the description tells."""
FETCH = 8
"""Batches asked for at one time: each may hold a megabyte, and all wait in memory."""
FETCH_SECONDS = 5.0


class Journal:
    """Detail, bounded by age and size; losing it loses no outcome."""

    def __init__(
        self, jetstream: JetStreamContext, subjects: Subjects, *, replicas: int = 1
    ) -> None:
        self._jetstream = jetstream
        self._subjects = subjects
        self._replicas = replicas

    async def ensure(self) -> None:
        """Create the stream, or bring it to these bounds; raises Unavailable.

        A server promises no more than it has: where its disk is smaller than our
        bound, a smaller journal is better than none.
        """
        max_bytes = MAX_BYTES
        while True:
            try:
                await self._create_or_update(max_bytes)
                return
            except APIError as error:
                max_bytes //= 4
                if not _no_room(error) or max_bytes < LEAST_BYTES:
                    raise Unavailable(f"the journal's stream cannot be had: {error}") from error
            except (NatsError, OSError) as error:
                raise Unavailable(f"the journal's stream cannot be had: {error}") from error

    async def _create_or_update(self, max_bytes: int) -> None:
        config = StreamConfig(
            name=self._subjects.journal_stream(),
            subjects=[self._subjects.every_journal()],
            storage=StorageType.FILE,
            discard=DiscardPolicy.OLD,
            max_age=MAX_AGE_SECONDS,
            max_bytes=max_bytes,
            num_replicas=self._replicas,
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

    async def read(self, uid: str, after: int = 0) -> AsyncIterator[tuple[int, JournalBatch]]:
        """Every batch kept of one job with its place, in the order in which it was stored.

        Args:
            uid: the job.
            after: leave out what is stored up to this place.

        Raises:
            Unavailable: JetStream does not answer, or there is no stream.
        """
        behind = DeliverPolicy.BY_START_SEQUENCE
        config = ConsumerConfig(
            deliver_policy=behind if after else DeliverPolicy.ALL,
            opt_start_seq=after + 1 if after else None,
            ack_policy=AckPolicy.NONE,
            filter_subject=self._subjects.journal_of(uid),
            inactive_threshold=60.0,
            mem_storage=True,
        )
        stream = self._subjects.journal_stream()
        with _reading():
            info = await self._jetstream.add_consumer(stream, config)
            left = info.num_pending or 0
            pull = await self._jetstream.pull_subscribe_bind(info.name, stream)
            try:
                while left > 0:
                    for message in await pull.fetch(min(FETCH, left), timeout=FETCH_SECONDS):
                        # The stream may have dropped what was still to come.
                        left = min(left - 1, message.metadata.num_pending)
                        try:
                            batch = decode_journal(message.data)
                        except MessageError as error:
                            _log.warning("a journal batch cannot be read: %s", error)
                            continue
                        yield message.metadata.sequence.stream, batch
            finally:
                await pull.unsubscribe()
                await self._jetstream.delete_consumer(stream, info.name)

    async def read_one(self, place: int) -> JournalBatch:
        """The batch at a place of the stream.

        Raises:
            Unavailable: JetStream does not answer, or dropped it in the meantime.
        """
        stream = self._subjects.journal_stream()
        with _reading():
            try:
                message = await self._jetstream.get_msg(stream, seq=place, direct=True)
                return decode_journal(message.data or b"")
            except (NotFoundError, MessageError) as error:
                raise Unavailable("the journal dropped a batch while it was read") from error


def _no_room(error: APIError) -> bool:
    full = error.err_code == NO_PEERS and "insufficient storage" in (error.description or "")
    return full or error.err_code == NO_ROOM


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

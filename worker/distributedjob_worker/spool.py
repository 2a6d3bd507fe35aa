"""Results on disk until they stand in a checkpoint: one file, appended to.

Nothing is synced: the file has to survive the agent, not the machine, whose loss
costs the running tasks anyway. A torn last record, cut by a kill, is dropped: its
message never left.
"""

import fcntl
import os
import struct
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec

from distributedjob_api.messages import Entry
from distributedjob_worker.core.effects import Store
from distributedjob_worker.errors import SpoolError

LIMIT_BYTES: Final = 256 * 1024 * 1024
_COMPACT_BYTES: Final = 8 * 1024 * 1024
_HEAD: Final = struct.Struct("<II")  # length of the body, and its CRC-32


class _Record(msgspec.Struct, array_like=True, frozen=True):
    uid: str
    namespace: str
    name: str
    entry: Entry


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(_Record)


class Spool:
    """The file ``spool`` of a state directory that no other agent uses."""

    def __init__(self, directory: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self._path = directory / "spool"
        self._limit = limit_bytes
        self._compacted_to = 0
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except BlockingIOError as error:
            raise SpoolError(
                f"{directory} is used by another agent: give each its own DJOB_STATE_DIR"
            ) from error
        except (FileExistsError, NotADirectoryError) as error:
            raise SpoolError(
                f"DJOB_STATE_DIR {directory} is not a directory: name one that the agent may write"
            ) from error
        except OSError as error:
            raise SpoolError(
                f"DJOB_STATE_DIR {directory} cannot be used ({error.strerror}):"
                " make it a writable directory"
            ) from error
        self.size = os.fstat(self._file).st_size

    @property
    def full(self) -> bool:
        """Whether no task should start because its result may find no room."""
        return self.size >= self._limit

    def load(self) -> list[Store]:
        """What earlier incarnations left, in order, a job at a time."""
        found: dict[str, Store] = {}
        entries: defaultdict[str, list[Entry]] = defaultdict(list)
        for record in _records(os.pread(self._file, self.size, 0)):
            of_job = entries[record.uid]
            of_job.append(record.entry)
            found.setdefault(record.uid, Store(record.uid, record.namespace, record.name, of_job))
        return list(found.values())

    def append(self, stores: Iterable[Store]) -> None:
        """Write entries behind the others.

        Raises:
            OSError: they could not be written whole; nothing of them is left.
        """
        data = _encode(stores)
        try:
            _write(self._file, data)
        except OSError:
            # Half a record would hide all that follow it.
            os.ftruncate(self._file, self.size)
            raise
        self.size += len(data)

    def keep(self, stores: Iterable[Store]) -> None:
        """Make room after an acknowledgement: drop all but these entries.

        Costs nothing while the file is small, or would hardly shrink.
        """
        stores = iter(stores)
        first = next(stores, None)
        if first is None:
            if self.size:
                os.ftruncate(self._file, 0)
                self.size = self._compacted_to = 0
            return
        if self.size < max(_COMPACT_BYTES, 2 * self._compacted_to):
            return
        self.replace(chain([first], stores))

    def replace(self, stores: Iterable[Store]) -> None:
        """Write the file anew with these entries alone."""
        data = _encode(stores)
        fresh = self._path.with_suffix(".new")
        file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            _write(file, data)
            os.rename(fresh, self._path)
        except OSError:
            os.close(file)
            # On a full disk half a file takes the room that entries could have.
            fresh.unlink(missing_ok=True)
            raise
        os.close(self._file)
        self._file = file
        self.size = self._compacted_to = len(data)

    def close(self) -> None:
        """Let another agent use the directory."""
        os.close(self._file)
        os.close(self._lock)


def _encode(stores: Iterable[Store]) -> bytes:
    data = bytearray()
    for store in stores:
        for entry in store.entries:
            body = _encoder.encode(_Record(store.uid, store.namespace, store.name, entry))
            data += _HEAD.pack(len(body), zlib.crc32(body))
            data += body
    return bytes(data)


def _records(data: bytes) -> Iterator[_Record]:
    position = 0
    while position + _HEAD.size <= len(data):
        length, checksum = _HEAD.unpack_from(data, position)
        start = position + _HEAD.size
        body = data[start : start + length]
        if len(body) != length or zlib.crc32(body) != checksum:
            return
        try:
            yield _decoder.decode(body)
        except msgspec.MsgspecError:
            return
        position = start + length


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]

"""System calls that the standard library lacks, or makes dear.

``posix_spawn`` goes through ctypes for two reasons: ``os.posix_spawn`` holds the
interpreter's lock until the child has executed, which takes longer than everything
else the agent does for a task, and it can set no working directory.
"""

import contextlib
import ctypes
import os
from collections.abc import Sequence
from typing import Final

_libc: Final = ctypes.CDLL(None, use_errno=True)
_ATTRIBUTES_SIZE: Final = 1024  # more than any libc's opaque structs
_SETSIGDEF: Final = 0x04
_SETSIGMASK: Final = 0x08
_SETSID: Final = 0x80
_PR_SET_DUMPABLE: Final = 4
_PR_SET_CHILD_SUBREAPER: Final = 36
_PUNCH_HOLE_KEEP_SIZE: Final = 0x02 | 0x01

_buffer = ctypes.c_char * _ATTRIBUTES_SIZE
_spawn = _libc.posix_spawn
_spawn.argtypes = (
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
)
_spawn.restype = ctypes.c_int
_libc.posix_spawn_file_actions_adddup2.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_int)
_libc.posix_spawn_file_actions_addchdir_np.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)

Strings = ctypes.Array[ctypes.c_char_p]


def strings(values: Sequence[bytes]) -> Strings:
    """A NULL-terminated array as exec takes it; its elements may be replaced."""
    return (ctypes.c_char_p * (len(values) + 1))(*values, None)


class FileActions:
    """Standard streams and working directory of a child, to be used many times."""

    def __init__(self, stdin: int, stdout: int, stderr: int, directory: bytes) -> None:
        self.pointer = _buffer()
        _check(_libc.posix_spawn_file_actions_init(self.pointer))
        for source, target in ((stdin, 0), (stdout, 1), (stderr, 2)):
            _check(_libc.posix_spawn_file_actions_adddup2(self.pointer, source, target))
        _check(_libc.posix_spawn_file_actions_addchdir_np(self.pointer, directory))

    def __del__(self) -> None:
        _libc.posix_spawn_file_actions_destroy(self.pointer)


def _session_attributes() -> ctypes.Array[ctypes.c_char]:
    """A session of its own, no signal blocked, none ignored as Python ignores SIGPIPE."""
    attributes = _buffer()
    signals = _buffer()
    _check(_libc.posix_spawnattr_init(attributes))
    _check(_libc.posix_spawnattr_setflags(attributes, _SETSID | _SETSIGDEF | _SETSIGMASK))
    _check(_libc.sigemptyset(signals))
    _check(_libc.posix_spawnattr_setsigmask(attributes, signals))
    _check(_libc.sigfillset(signals))
    _check(_libc.posix_spawnattr_setsigdefault(attributes, signals))
    return attributes


def _check(status: int) -> None:
    if status:
        raise OSError(status, os.strerror(status))


_attributes: Final = _session_attributes()


def spawn(path: bytes, argv: Strings, env: Strings, actions: FileActions) -> tuple[int, int]:
    """Start a process; returns its pid and 0, or 0 and the error's number."""
    pid = ctypes.c_int()
    status = _spawn(ctypes.byref(pid), path, actions.pointer, _attributes, argv, env)
    return (0, status) if status else (pid.value, 0)


def punch(descriptor: int, start: int, end: int) -> None:
    """Free the pages between two offsets of a file, whose size stays."""
    if end > start:
        _libc.fallocate(descriptor, _PUNCH_HOLE_KEEP_SIZE, start, end - start)


def adopt_orphans() -> None:
    """Make orphaned descendants this process' children, so that none gets away."""
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


def close_inherited() -> None:
    """Close what the parent left open but the standard streams, lest every task hold it.

    Python's own descriptors are not inheritable: what is, was here before.
    """
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        with contextlib.suppress(OSError):  # the listing's own is closed by now
            if descriptor > 2 and os.get_inheritable(descriptor):
                os.close(descriptor)


def forbid_inspection() -> None:
    """Keep tasks of the same user from reading the agent's memory and environment."""
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

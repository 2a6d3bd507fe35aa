"""Why a program could not be started: a precise reason and a sentence for its tail."""

import errno
import os
import stat
from dataclasses import dataclass
from typing import Final

from distributedjob_api import task_reasons

_RESOURCES: Final = {
    errno.ENOSPC: task_reasons.DISK_FULL,
    errno.EDQUOT: task_reasons.DISK_FULL,
    errno.EAGAIN: task_reasons.TOO_MANY_PROCESSES,
    errno.ENOMEM: task_reasons.OUT_OF_MEMORY,
    errno.EMFILE: task_reasons.TOO_MANY_FILES,
    errno.ENFILE: task_reasons.TOO_MANY_FILES,
}
_PROGRAM: Final = {
    errno.ENOENT: task_reasons.NOT_FOUND,
    errno.ENOTDIR: task_reasons.NOT_FOUND,
    errno.ENAMETOOLONG: task_reasons.NOT_FOUND,
    errno.ELOOP: task_reasons.NOT_FOUND,
    errno.EACCES: task_reasons.NOT_EXECUTABLE,
    errno.EPERM: task_reasons.NOT_EXECUTABLE,
    errno.EISDIR: task_reasons.NOT_EXECUTABLE,
    errno.ENOEXEC: task_reasons.BAD_FORMAT,
    errno.ELIBBAD: task_reasons.BAD_FORMAT,
    errno.EINVAL: task_reasons.BAD_FORMAT,
    errno.ETXTBSY: task_reasons.BUSY,
    errno.E2BIG: task_reasons.ARGUMENT_LIST_TOO_LONG,
}

_SHOWN: Final = ".200"
"""How much is shown of a name: whole scripts were taken for one."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a program is, or the reason why there is none."""

    path: str = ""
    reason: str = ""
    detail: str = ""


def look_up(name: str, search: str, start: str) -> Found:
    """Find a program as execvp does: a name with a slash is a path already.

    What is relative in ``search`` is so to the directory ``start``, where the program begins.
    """
    if "/" in name:
        return Found(path=name)
    if not name:
        return Found(reason=task_reasons.NOT_FOUND, detail="the command is empty")
    denied = ""
    for directory in search.split(":"):
        candidate = f"{directory or '.'}/{name}"
        try:
            there = os.path.join(start, candidate)
            mode = os.stat(there).st_mode
        except (OSError, ValueError):
            continue
        if stat.S_ISREG(mode) and os.access(there, os.X_OK):
            return Found(path=candidate)
        denied = denied or candidate
    if denied:
        return Found(reason=task_reasons.NOT_EXECUTABLE, detail=f"{denied} is not executable")
    detail = f"{name:{_SHOWN}} is not in PATH ({search:{_SHOWN}})"
    return Found(reason=task_reasons.NOT_FOUND, detail=detail)


def directory_failure(directory: str) -> tuple[str, str] | None:
    """What is wrong with a working directory, or None."""
    if not os.path.isdir(directory):
        return task_reasons.WORKING_DIR_MISSING, f"the working directory {directory} does not exist"
    if not os.access(directory, os.X_OK):
        return (
            task_reasons.WORKING_DIR_DENIED,
            f"the working directory {directory} may not be entered",
        )
    return None


def start_failure(number: int, path: str, directory: str) -> tuple[str, str]:
    """Interpret the error of a start; the directory's trouble goes before the program's."""
    text = f"{path:{_SHOWN}}: {os.strerror(number)}"
    wrong = directory_failure(directory)
    if wrong is not None:
        return wrong
    if number == errno.ENOENT and os.path.exists(os.path.join(directory, path)):
        return task_reasons.NOT_FOUND, f"{path} exists, but the interpreter that it names does not"
    reason = _PROGRAM.get(number) or _RESOURCES.get(number) or task_reasons.START_FAILED
    return reason, text


def resource_reason(number: int | None) -> str:
    """The reason for an error before the program was tried."""
    return _RESOURCES.get(number or 0, task_reasons.START_FAILED)

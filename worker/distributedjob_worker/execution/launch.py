"""From a task to a process and from its end to an outcome; one launcher a thread.

Everything that is the same for all tasks of a job is prepared once: for a task only
the few strings that differ are put into their places.
"""

import contextlib
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from distributedjob_api import task_reasons
from distributedjob_api.messages import Define
from distributedjob_worker.core import program
from distributedjob_worker.core.expansion import Template
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.execution import capture, failures, linux
from distributedjob_worker.execution.scratch import ScratchPool

_CACHED: Final = 128


@dataclass(slots=True, eq=False)
class Process:
    """A task that runs. The times are monotonic, except ``started``.

    ``in_grace`` is who was told to end and not yet made to: so is its whole group.
    """

    task: Task
    pid: int
    stdout: int
    stderr: int
    scratch: str
    started: float
    began: float
    deadline: float
    kill_at: float = 0.0
    stop_reason: str = ""
    in_grace: bool = False
    ended: bool = False


class _Text:
    """Strings in an exec array: constants in place, holes to fill for each task."""

    def __init__(self, templates: list[tuple[str, Template]]) -> None:
        constants = [(prefix, template.constant) for prefix, template in templates]
        self.array = linux.strings([_encoded(p + (c or "")) for p, c in constants])
        holes = [
            (place, prefix, template)
            for place, (prefix, template) in enumerate(templates)
            if template.constant is None
        ]
        self.invalid = any(c is not None and "\0" in c for _, c in constants)
        # What only the attempt's number and the directory fill changes rarely.
        self._often = [hole for hole in holes if _names(hole[2]) & _OFTEN]
        self._rarely = [hole for hole in holes if not _names(hole[2]) & _OFTEN]

    def fill(self, values: Mapping[str, str], *, rarely: bool) -> None:
        array = self.array
        for place, prefix, template in self._often:
            array[place] = _encoded(prefix + template.fill(values))
        if rarely:
            for place, prefix, template in self._rarely:
                array[place] = _encoded(prefix + template.fill(values))


def _encoded(text: str) -> bytes:
    """As exec takes it; what came from the pool's environment need not be UTF-8."""
    return text.encode("utf-8", "surrogateescape")


_OFTEN: Final = frozenset((program.INDEX, program.ITEM, program.COMPLETION_INDEX))


def _names(template: Template) -> set[str]:
    return {part.name for part in template.parts if not isinstance(part, str)}


class _Prepared:
    """A job's program as arrays."""

    def __init__(
        self, define: Define, node: str, mark: str, *, items: bool, pool: Mapping[str, str]
    ) -> None:
        self.define = define
        self.program = program.compile_program(define, node, mark, items=items, pool=pool)
        self.argv = _Text([("", template) for template in self.program.argv])
        self.env = _Text([(f"{name}=", template) for name, template in self.program.env])
        self.invalid = self.argv.invalid or self.env.invalid
        self.filled: tuple[int, str] | None = None
        self.path: bytes | None = None
        self.fixed = None not in (self.program.argv[0].constant, self.program.path.constant)


class Launcher:
    """Starts and ends processes; not shared between threads."""

    def __init__(self, node: str, mark: str, scratch: ScratchPool, pool: Mapping[str, str]) -> None:
        self._node = node
        self._mark = mark
        self._pool = pool
        self._scratch = scratch
        self._null = os.open(os.devnull, os.O_RDONLY)
        self._prepared: dict[int, _Prepared] = {}
        self._actions: dict[tuple[int, int, str], linux.FileActions] = {}

    def start(self, task: Task) -> Process | Outcome:
        """Start a task; the outcome says why it could not be."""
        started, began = time.time(), time.monotonic()
        define = task.define
        prepared = self._prepared.get(id(define)) or self._prepare(task)
        scratch = ""
        stdout = stderr = -1
        try:
            if prepared.program.scratch:
                scratch = self._scratch.take()
            stdout = capture.create()
            stderr = capture.create()
            pid, why, tail = self._spawn(prepared, task, scratch, stdout, stderr)
        except OSError as error:
            # Directories and output files: no attempt of the program yet.
            pid, why, tail = 0, failures.resource_reason(error.errno), str(error)
        except Exception:
            self._close(stdout, stderr, scratch)
            raise
        if pid:
            timeout = define.timeout_seconds
            deadline = began + timeout if timeout > 0 else 0.0
            return Process(task, pid, stdout, stderr, scratch, started, began, deadline)
        self._close(stdout, stderr, scratch)
        tail = capture.printable(_encoded(tail)[: capture.TAIL_BYTES])
        return Outcome(started, time.monotonic() - began, why, -1, 0, tail)

    def end(self, process: Process) -> Outcome:
        """Reap a process that has ended, its group with it, and take its output.

        The process is still a zombie here, so that its number is nobody else's when
        the group is killed.
        """
        pid = process.pid
        duration = time.monotonic() - process.began
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        number = -code if code < 0 else 0
        reason = process.stop_reason
        if not reason and code:
            reason = task_reasons.SIGNALED if code < 0 else task_reasons.ERROR
        define = process.task.define
        out, err = process.stdout, process.stderr
        out_bytes, err_bytes = capture.size(out), capture.size(err)
        stdout = stderr = b""
        tail = ""
        if out_bytes or err_bytes:
            policy = define.output_policy
            if policy == "All" or (policy == "Failed" and reason):
                limit = define.output_limit_bytes
                stdout = capture.read(out, out_bytes, limit)
                stderr = capture.read(err, err_bytes, limit)
            if reason:
                tail = capture.tail(out, out_bytes, err, err_bytes)
        self._close(out, err, process.scratch)
        return Outcome(
            process.started,
            duration,
            reason,
            code if code >= 0 else -1,
            number,
            tail,
            stdout,
            stderr,
            out_bytes,
            err_bytes,
        )

    def _spawn(
        self, prepared: _Prepared, task: Task, scratch: str, stdout: int, stderr: int
    ) -> tuple[int, str, str]:
        if prepared.invalid or (task.item is not None and "\0" in task.item):
            return 0, task_reasons.INVALID_ARGUMENT, "an argument or a variable holds a NUL byte"
        values = program.task_values(task.index, task.attempt, task.item, scratch)
        changed = prepared.filled != (task.ended, scratch)
        prepared.argv.fill(values, rarely=changed)
        prepared.env.fill(values, rarely=changed)
        prepared.filled = (task.ended, scratch)
        directory = prepared.program.directory or scratch
        path = prepared.path
        if path is None:
            found = failures.look_up(
                prepared.program.argv[0].fill(values),
                prepared.program.path.fill(values),
                directory,
            )
            if found.reason:
                missing = failures.directory_failure(directory)
                return 0, *(missing or (found.reason, found.detail))
            path = os.fsencode(found.path)
            if prepared.fixed:
                prepared.path = path
        key = (stdout, stderr, directory)
        actions = self._actions.get(key)
        if actions is None:
            if len(self._actions) >= _CACHED:
                self._actions.clear()
            actions = linux.FileActions(self._null, stdout, stderr, os.fsencode(directory))
            self._actions[key] = actions
        pid, number = linux.spawn(path, prepared.argv.array, prepared.env.array, actions)
        if number:
            prepared.path = None
            return 0, *failures.start_failure(number, os.fsdecode(path), directory)
        return pid, "", ""

    def _prepare(self, task: Task) -> _Prepared:
        if len(self._prepared) >= _CACHED:
            self._prepared.clear()
        # The entry keeps the definition alive, so that its id stays its own.
        prepared = _Prepared(
            task.define, self._node, self._mark, items=task.item is not None, pool=self._pool
        )
        self._prepared[id(task.define)] = prepared
        return prepared

    def _close(self, stdout: int, stderr: int, scratch: str) -> None:
        for descriptor in (stdout, stderr):
            if descriptor >= 0:
                os.close(descriptor)
        if scratch:
            self._scratch.give_back(scratch)

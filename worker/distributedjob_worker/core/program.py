"""A job's command as every task of it will run: argv and environment with holes."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from distributedjob_api.messages import Define
from distributedjob_worker.core import expansion
from distributedjob_worker.core.expansion import Template

DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MARK: Final = "DJOB_AGENT"
"""The variable by which the agent knows its own tasks' processes."""

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

INDEX: Final = "DJOB_INDEX"
ITEM: Final = "DJOB_ITEM"
ATTEMPT: Final = "DJOB_ATTEMPT"
COMPLETION_INDEX: Final = "JOB_COMPLETION_INDEX"
SCRATCH: Final = "TMPDIR"
"""The per-task value that ``HOME``, ``TMPDIR`` and ``PWD`` are made from."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to execute: templates whose references are per-task values only.

    ``path`` is the ``PATH`` in which ``argv[0]`` is looked up. ``directory`` is the
    working directory, or None where that is the task's own scratch directory.
    """

    argv: tuple[Template, ...]
    env: tuple[tuple[str, Template], ...]
    path: Template
    directory: str | None
    scratch: bool


def compile_program(
    define: Define, node: str, mark: str, *, items: bool, pool: Mapping[str, str] = NOTHING
) -> Program:
    """Make the templates of a job.

    The job's variables come after the agent's own and those of its pool, may refer to
    the agent's and to earlier ones of their kind, and replace ``PATH``, ``HOME``,
    ``TMPDIR``, ``PWD`` and what the pool has; the variables that identify a task
    nobody can replace. As in a pod,
    only variables of the job and of the task can be referred to.
    """
    task = _task_variables(define, node, items=items)
    known: dict[str, Template] = dict(task)
    chosen: dict[str, Template] = {}
    for name, value in define.env:
        if name in task or name in (MARK, ITEM):
            continue
        chosen[name] = known[name] = expansion.compile_template(value, known)
    given = {name: expansion.literal(value) for name, value in pool.items()}
    env = _base_variables(define) | given | chosen | task | {MARK: expansion.literal(mark)}
    return Program(
        argv=tuple(expansion.compile_template(argument, known) for argument in define.argv),
        env=tuple(env.items()),
        path=env["PATH"],
        directory=define.working_dir or (None if define.scratch_dir else "/"),
        scratch=define.scratch_dir,
    )


def task_values(index: int, attempt: int, item: str | None, scratch: str) -> Mapping[str, str]:
    """The values that fill a program's templates for one task."""
    number = str(index)
    return {
        INDEX: number,
        COMPLETION_INDEX: number,
        ATTEMPT: str(attempt),
        ITEM: item or "",
        SCRATCH: scratch,
    }


def _task_variables(define: Define, node: str, *, items: bool) -> dict[str, Template]:
    variables = {
        INDEX: expansion.variable(INDEX),
        ATTEMPT: expansion.variable(ATTEMPT),
        "DJOB_COMPLETIONS": expansion.literal(str(define.completions)),
        "DJOB_NAME": expansion.literal(define.name),
        "DJOB_NAMESPACE": expansion.literal(define.namespace),
        "DJOB_UID": expansion.literal(define.uid),
        "DJOB_NODE": expansion.literal(node),
        COMPLETION_INDEX: expansion.variable(COMPLETION_INDEX),
    }
    if items:
        variables[ITEM] = expansion.variable(ITEM)
    return variables


def _base_variables(define: Define) -> dict[str, Template]:
    own = expansion.variable(SCRATCH)
    return {
        "PATH": expansion.literal(DEFAULT_PATH),
        "HOME": own if define.scratch_dir else expansion.literal("/tmp"),  # noqa: S108
        "TMPDIR": own if define.scratch_dir else expansion.literal("/tmp"),  # noqa: S108
        "PWD": expansion.literal(define.working_dir)
        if define.working_dir
        else (own if define.scratch_dir else expansion.literal("/")),
    }

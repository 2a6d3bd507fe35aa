"""``djob cancel``, ``suspend``, ``resume`` and ``rerun``: what a user tells a job."""

import time
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from distributedjob_cli.commands.following import all_to_the_end, exit_with, place_of, program_of
from distributedjob_cli.commands.several import Several
from distributedjob_cli.errors import OK, CliError, UsageError
from distributedjob_cli.show.formats import full_name
from distributedjob_cli.show.terminal import write
from distributedjob_cli.target import Jobs, Target, one_of

CANCEL_EXAMPLES = """Examples:

\b
  djob cancel primes
  djob cancel primes --wait              # until nothing of it runs any more
"""
SUSPEND_EXAMPLES = """Examples:

\b
  djob suspend primes                    # end what runs; it runs again later, uncharged
  djob suspend primes --drain            # let what runs come to its end
"""
RESUME_EXAMPLES = """Examples:

\b
  djob resume primes
"""
RERUN_EXAMPLES = """Examples:

\b
  djob rerun primes --failed             # all that have not succeeded
  djob rerun primes --indexes 0-9,42     # these, whatever became of them
  djob rerun primes --failed --progress
"""

NAMED_CHARACTERS: Final = 100

Wait = Annotated[bool, typer.Option("--wait", help="Wait until the job is over.")]
Progress = Annotated[bool, typer.Option("--progress", help="The same, and show its progress.")]


def cancel(ctx: typer.Context, target: Target, jobs: Jobs, wait: Wait = False) -> None:
    """End all tasks of jobs, and keep the objects.

    This cannot be undone. What has succeeded until then keeps its output. A job that is over
    already stays as it is, which is no error.
    """
    from distributedjob_cli.client.follow import finished, phase

    several, ending = Several(program_of(ctx), len(jobs)), []
    with target.api() as api:
        for job in jobs:
            with several.one():
                place = target.job(job)
                body = api.read_job(*place)
                if finished(body):
                    write(f"{full_name(job)} is over already: {phase(body)}\n")
                    continue
                api.change(*place, {"cancel": True})
                write(f"{full_name(job)} cancelled\n")
                ending.append(place)
        if wait:
            with several.one():
                forever = float("inf")
                all_to_the_end(api, ending, forever, shown=False, program=program_of(ctx), place="")
    several.end()


def suspend(
    ctx: typer.Context,
    target: Target,
    jobs: Jobs,
    drain: Annotated[bool, typer.Option("--drain", help="Let what runs come to its end.")] = False,
) -> None:
    """Start no more tasks until jobs are resumed.

    What runs is ended, and runs again later without being charged for it.
    """
    change = {"suspend": True, "suspendMode": "Drain" if drain else "Now"}
    _change_each(ctx, target, jobs, change, "suspended")


def resume(ctx: typer.Context, target: Target, jobs: Jobs) -> None:
    """Let suspended jobs go on."""
    _change_each(ctx, target, jobs, {"suspend": False}, "resumed")


def rerun(
    ctx: typer.Context,
    target: Target,
    jobs: Jobs,
    failed: Annotated[
        bool, typer.Option("--failed", help="All tasks that have not succeeded.")
    ] = False,
    indexes: Annotated[
        str, typer.Option("--indexes", metavar="INDEXES", help="These tasks: 0-9,42.")
    ] = "",
    wait: Wait = False,
    progress: Progress = False,
) -> None:
    """Run tasks of finished jobs again.

    They get fresh budgets. A job that is not over yet starts over when it is.
    """
    if not one_of({"--failed": failed, "--indexes": indexes}):
        raise UsageError("say which tasks to run again: --failed, or --indexes such as 0-9,42")
    token = f"djob-{time.time_ns()}"
    change = {"rerun": {"token": token, "indexes": "failed" if failed else indexes}}

    several, again, code = Several(program_of(ctx), len(jobs)), [], OK
    with target.api() as api:
        for job in jobs:
            with several.one():
                place = target.job(job)
                _check_rerun(api.read_job(*place), indexes)
                api.change(*place, change)
                write(f"{full_name(job)} runs again\n")
                again.append(place)
        if wait or progress:
            with several.one():
                code = all_to_the_end(
                    api,
                    again,
                    float("inf"),
                    shown=progress,
                    program=program_of(ctx),
                    place=place_of(target),
                )
    several.end()
    exit_with(code)


def _check_rerun(body: Mapping[str, Any], indexes: str) -> None:
    """Refuse what the operator would refuse, before anything is changed."""
    from distributedjob_api.indexes import IndexTextError, format_indexes, parse_indexes
    from distributedjob_cli.show.progress import tasks

    name, spec = body["metadata"]["name"], body["spec"]
    if spec.get("cancel"):
        raise CliError(f"{name} was cancelled and cannot be run again; submit a new job")
    below = tasks(spec)
    if not below:  # Its items stand elsewhere, and the operator knows how many there are.
        return
    try:
        chosen = parse_indexes(indexes, below)
        wanted = parse_indexes(spec.get("indexes") or f"0-{below - 1}", below)
    except IndexTextError as error:
        raise CliError(f"{name}: --indexes: {error}") from error
    outside, _ = format_indexes(chosen - wanted, NAMED_CHARACTERS)
    if outside:
        raise CliError(f"{name}: --indexes: its spec.indexes leaves out {outside}")


def _change_each(
    ctx: typer.Context, target: Target, jobs: list[str], change: Mapping[str, Any], done: str
) -> None:
    several = Several(program_of(ctx), len(jobs))
    with target.api() as api:
        for job in jobs:
            with several.one():
                api.change(*target.job(job), change)
                write(f"{full_name(job)} {done}\n")
    several.end()

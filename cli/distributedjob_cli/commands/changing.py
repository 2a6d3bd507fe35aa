"""``djob cancel``, ``suspend``, ``resume`` and ``rerun``: what a user tells a job."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from distributedjob_cli.commands.following import all_to_the_end, exit_with, place_of
from distributedjob_cli.errors import CliError, UsageError
from distributedjob_cli.show.terminal import write
from distributedjob_cli.target import Jobs, Target, one_of

if TYPE_CHECKING:
    from distributedjob_cli.client.api import Api

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

Wait = Annotated[bool, typer.Option("--wait", help="Wait until the job is over.")]
Progress = Annotated[bool, typer.Option("--progress", help="The same, and show its progress.")]


def cancel(target: Target, jobs: Jobs, wait: Wait = False) -> None:
    """End all tasks of jobs, and keep the objects.

    This cannot be undone. What has succeeded until then keeps its output.
    """
    with target.api() as api:
        for job in _each(api, target, jobs, lambda _: {"cancel": True}):
            write(f"distributedjob.distributedjob.dev/{job} cancelled\n")
        if wait:
            places = [target.job(job) for job in jobs]
            all_to_the_end(api, places, float("inf"), shown=False, program="", place="")


def suspend(
    target: Target,
    jobs: Jobs,
    drain: Annotated[bool, typer.Option("--drain", help="Let what runs come to its end.")] = False,
) -> None:
    """Start no more tasks until jobs are resumed.

    What runs is ended, and runs again later without being charged for it.
    """
    change = {"suspend": True, "suspendMode": "Drain" if drain else "Now"}
    with target.api() as api:
        for job in _each(api, target, jobs, lambda _: change):
            write(f"distributedjob.distributedjob.dev/{job} suspended\n")


def resume(target: Target, jobs: Jobs) -> None:
    """Let suspended jobs go on."""
    with target.api() as api:
        for job in _each(api, target, jobs, lambda _: {"suspend": False}):
            write(f"distributedjob.distributedjob.dev/{job} resumed\n")


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

    def checked(body: dict[str, Any]) -> dict[str, Any]:
        if body["spec"].get("cancel"):
            name = body["metadata"]["name"]
            raise CliError(f"{name} was cancelled and cannot be run again; submit a new job")
        return change

    with target.api() as api:
        for job in _each(api, target, jobs, checked):
            write(f"distributedjob.distributedjob.dev/{job} runs again\n")
        if wait or progress:
            code = all_to_the_end(
                api,
                [target.job(job) for job in jobs],
                float("inf"),
                shown=progress,
                program=str(ctx.find_root().info_name),
                place=place_of(target),
            )
            exit_with(code)


def _each(
    api: "Api",
    target: Target,
    jobs: list[str],
    change: Callable[[dict[str, Any]], dict[str, Any]],
) -> Iterator[str]:
    """Change one job after the other, each once it is known to exist."""
    for job in jobs:
        place = target.job(job)
        api.change(*place, change(api.read_job(*place)))
        yield job

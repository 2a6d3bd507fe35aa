"""``djob watch`` and ``djob wait``: a job until it is over."""

from typing import Annotated

import typer

from distributedjob_cli.commands.following import (
    all_to_the_end,
    exit_with,
    place_of,
    program_of,
)
from distributedjob_cli.target import Job, Jobs, Target
from distributedjob_cli.times import patience

EXAMPLES = """Examples:

\b
  djob watch primes
  djob watch primes 2> progress.log      # a line for each change
"""

WAIT_EXAMPLES = """Examples:

\b
  djob wait primes && djob output primes
  djob wait first second --timeout 10m
"""

Timeout = Annotated[
    str,
    typer.Option(
        "--timeout",
        metavar="TIME",
        help="How long at most: 90s, 1h30m; 0 looks once, -1s is for ever.",
        show_default="for ever",
    ),
]


def watch(ctx: typer.Context, target: Target, job: Job) -> None:
    """Show a job's progress until it is over.

    That is a bar with the tasks done, the rate, the time left, failures and retries. Exit
    code 0 means that it is Complete, 4 that it Failed or was Cancelled.
    """
    with target.api() as api:
        code = all_to_the_end(
            api,
            [target.job(job)],
            float("inf"),
            shown=True,
            program=program_of(ctx),
            place=place_of(target),
        )
    exit_with(code)


def wait(ctx: typer.Context, target: Target, jobs: Jobs, timeout: Timeout = "") -> None:
    """Wait until jobs are over.

    Exit code 0 means that all are Complete, 4 that one Failed or was Cancelled, 1 that
    they were not over in time.
    """
    seconds = patience(timeout)
    with target.api() as api:
        code = all_to_the_end(
            api,
            [target.job(job) for job in jobs],
            seconds,
            shown=False,
            program=program_of(ctx),
            place=place_of(target),
        )
    exit_with(code)

"""Following a job to its end, for every verb that does."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import typer

from distributedjob_cli.commands.several import Several
from distributedjob_cli.errors import FAILED, NOT_COMPLETE, OK, CliError
from distributedjob_cli.show import progress
from distributedjob_cli.show.terminal import note

if TYPE_CHECKING:
    from distributedjob_cli.client.api import Api
    from distributedjob_cli.target import Target


class TimedOut(CliError):
    """The job was not over in time."""

    code = FAILED


class Refused(CliError):
    """The job is over, and a token that was to run it again was refused."""


def program_of(ctx: typer.Context) -> str:
    """What the user called, for commands that we advise."""
    return str(ctx.find_root().info_name)


def place_of(target: "Target") -> str:
    """The options that a user gave to get here, for commands that we advise."""
    return f" -n {target.namespace}" if target.namespace else ""


def to_the_end(
    api: "Api", job: tuple[str, str], seconds: float = float("inf"), *, shown: bool
) -> progress.Counts:
    """Wait until a job is over, and show its progress meanwhile where that is wanted.

    Raises:
        TimedOut: it was not over in time.
        Refused: it is over, and does not run again as it was told to.
    """
    from distributedjob_cli.client.follow import asked_again, finished, follow, refusal
    from distributedjob_cli.show.live import view

    known = None
    with view(job[1]) if shown else nullcontext() as live:
        for body in follow(api, *job, seconds):
            known = progress.counts(body)
            if live and not asked_again(body):  # What it shows until then is the run before.
                live.show(body)
            if finished(body):
                if problem := refusal(body):
                    raise Refused(f"{job[0]}/{job[1]} does not run again: {problem}")
                return known
    where = progress.line(known, 0, None) if known else "unknown"
    raise TimedOut(f"{job[0]}/{job[1]} is not over in time: {where}")


def all_to_the_end(
    api: "Api", jobs: Sequence[tuple[str, str]], seconds: float, *, shown: bool, program: str,
    place: str,
) -> int:  # fmt: skip
    """Wait for several, one after the other, and say how each ended; the exit code.

    Raises:
        CliError: one cannot be followed to its end; the others were.
    """
    deadline = time.monotonic() + seconds
    code = OK
    several = Several(program, len(jobs))
    for job in jobs:
        with several.one():
            known = to_the_end(api, job, max(0.0, deadline - time.monotonic()), shown=shown)
            note(progress.ending(known))
            if known.phase != "Complete":
                code = NOT_COMPLETE
            if shown and (steps := progress.next_steps(known, program, place)):
                note(f"See more with:\n{steps}")
    several.end()
    return code


def exit_with(code: int) -> None:
    """End with a code, unless all is well."""
    if code != OK:
        raise typer.Exit(code)

"""``djob output JOB``: what a job's tasks wrote, in index order."""

import base64
import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from distributedjob_cli.errors import MISSING, CliError
from distributedjob_cli.show import human, terminal
from distributedjob_cli.target import Job, Target


class Stream(StrEnum):
    """One of the two things a task writes to."""

    STDOUT = "stdout"
    STDERR = "stderr"


Raw = Annotated[
    bool, typer.Option("--raw", help="As written, also to a terminal, where it may steer it.")
]

EXAMPLES = """Examples:

\b
  djob output primes                     # on the screen
  djob output primes > primes.txt        # byte for byte
  djob output primes --stream stderr
  djob output primes --to results/       # a file for each task: results/0, results/1, ...
"""


def output(
    target: Target,
    job: Job,
    stream: Annotated[Stream, typer.Option(help="Which of the two.")] = Stream.STDOUT,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--to", metavar="FOLDER", help="Into a file for each task.", show_default="the screen"
        ),
    ] = None,
    raw: Raw = False,
) -> None:
    """Print what a job's tasks wrote, in index order.

    Exit code 3 means that the output is not whole: the journal has no record of some tasks
    that ended, as when they were lost with their worker or are older than it reaches back.
    """
    with target.operator() as operator:
        if folder is not None:
            params = {"streams": stream.value, "state": ["Succeeded", "Failed"]}
            rows = operator.lines(target.job(job), "tasks", params)
            terminal.note(store(rows, folder, stream.value))
            return
        pieces = operator.output(target.job(job), stream.value)
        terminal.copy(terminal.shown(pieces, raw), sys.stdout.buffer)


def store(rows: Iterable[Mapping[str, Any]], folder: Path, stream: str) -> str:
    """Write what each task wrote into a file named after its index; what was done."""
    written, missing = 0, []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for row in rows:
            if "place" not in row:
                missing.append(row["index"])
                continue
            content = base64.b64decode(row.get(stream, ""))
            (folder / str(row["index"])).write_bytes(content)
            written += 1
    except OSError as error:
        raise CliError(f"cannot write to {folder}: {error.strerror}") from error
    if missing:
        raise Incomplete(
            f"{human.count(written, 'file')} in {folder}; the journal has no record of"
            f" {human.count(len(missing), 'task')}, the first is {missing[0]}"
        )
    return f"{human.count(written, 'file')} in {folder}"


class Incomplete(CliError):
    """All there is was written, and it is not the output of every task with an outcome."""

    code = MISSING

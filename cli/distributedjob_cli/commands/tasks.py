"""``djob tasks JOB``: its tasks one by one, for people and for programs."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any, Final

import typer

from distributedjob_cli.show import human, terminal
from distributedjob_cli.show.table import table
from distributedjob_cli.target import Job, Target

EXAMPLES = """Examples:

\b
  djob tasks primes
  djob tasks primes --state Failed,Running
  djob tasks primes --indexes 0-99 --node node-1 -o csv > tasks.csv
  djob tasks primes --state Failed -o json | jq '.[].index'
"""

ALL: Final = 2**31

SHOWN: Final = 1000
"""Rows of a table at one time: its columns fit these, and it begins at once."""

FIELDS: Final = (
    ("index", 0), ("state", ""), ("attempt", 0), ("node", ""), ("started", 0.0),
    ("duration", 0.0), ("exitCode", -1), ("signal", 0), ("reason", ""), ("stdoutBytes", 0),
    ("stderrBytes", 0), ("run", 0),
)  # fmt: skip
"""Each of them stands in every row of JSON and CSV, with this where there is nothing."""

HEADERS: Final = ("index", "state", "attempt", "node", "started", "duration", "exit", "reason")


class State(StrEnum):
    """Where a task stands."""

    PENDING = "Pending"
    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class TaskFormat(StrEnum):
    """How tasks are printed."""

    JSON = "json"
    CSV = "csv"
    NAME = "name"


def parse_states(text: str) -> list[str]:
    """``failed,running`` as states; anything else is a usage error."""
    known = {state.value.lower(): state.value for state in State}
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word.lower() not in known:
            raise typer.BadParameter(f"{word!r} is none of {', '.join(State)}")
    return [known[word.lower()] for word in words]


def parse_indexes(text: str) -> str:
    """``0-9,42``, checked; anything else is a usage error."""
    from distributedjob_api.constants import MAX_COMPLETIONS
    from distributedjob_api.indexes import IndexTextError
    from distributedjob_api.indexes import parse_indexes as parse

    try:
        parse(text, MAX_COMPLETIONS)
    except IndexTextError as error:
        raise typer.BadParameter(str(error)) from error
    return text


Indexes = Annotated[
    str,
    typer.Option(
        "--indexes", metavar="INDEXES", callback=parse_indexes, help="Only these: 0-9,42."
    ),
]
OnNode = Annotated[str, typer.Option("--node", help="Only those on this node.")]
States = Annotated[
    str,
    typer.Option("--state", metavar="STATES", help=f"Only those that are: {', '.join(State)}."),
]


def tasks(
    target: Target,
    job: Job,
    states: States = "",
    indexes: Indexes = "",
    node: OnNode = "",
    reason: Annotated[
        str, typer.Option("--reason", help="Only those that failed for this reason.")
    ] = "",
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="So many at most.", show_default="all")
    ] = ALL,
    output: Annotated[
        TaskFormat | None,
        typer.Option("--output", "-o", help="How to print them.", show_default="a table"),
    ] = None,
) -> None:
    """List a job's tasks one by one.

    They come in index order, each with the attempt that counts. STARTED, DURATION and what
    follows are of its last attempt that ended; the journal
    keeps them for a week.
    """
    params = {"state": parse_states(states), "node": node or None, "reason": reason or None}
    params |= {"indexes": indexes or None, "limit": None if limit == ALL else str(limit)}
    rows = islice(target.operator().lines(target.job(job), "tasks", params), limit)
    terminal.write_all(_printed(rows, output))


def _printed(rows: Iterable[Mapping[str, Any]], how: TaskFormat | None) -> Iterator[str]:
    match how:
        case TaskFormat.JSON:
            return as_json(rows)
        case TaskFormat.CSV:
            return as_csv(rows)
        case TaskFormat.NAME:
            return (f"{row['index']}\n" for row in rows)
        case None:
            return as_tables(rows)


def whole(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with every field, in their order."""
    return {name: row.get(name, absent) for name, absent in FIELDS}


def as_json(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One array of objects, one a line."""
    before = "["
    for row in rows:
        yield f"{before}\n  {json.dumps(whole(row))}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def as_csv(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A head and a line each, as RFC 4180 has them but for the line ends."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(name for name, _ in FIELDS)
    for row in rows:
        writer.writerow(whole(row).values())
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def as_tables(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Tables of so many rows each; one where there are no more."""
    left = iter(rows)
    while some := list(islice(left, SHOWN)):
        yield table(HEADERS, map(_cells, some))


def _cells(row: Mapping[str, Any]) -> list[str]:
    ended = row.get("started", 0.0) > 0
    return [
        str(row["index"]),
        row["state"],
        str(row.get("attempt", 0) or "-"),
        row.get("node", "") or "-",
        human.clock(row.get("started", 0.0)) or "-",
        human.run_time(row.get("duration", 0.0)) if ended else "-",
        ending(row) if ended else "-",
        row.get("reason", ""),
    ]


def ending(row: Mapping[str, Any]) -> str:
    """The exit code, or the signal where that was the end."""
    signal, code = row.get("signal", 0), row.get("exitCode", -1)
    return f"signal {signal}" if signal else str(code) if code >= 0 else "-"

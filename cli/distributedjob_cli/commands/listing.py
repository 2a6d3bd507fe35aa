"""``djob list`` and ``djob get``: jobs in a table, and one of them in full."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from distributedjob_cli.show import describe, formats, human, terminal
from distributedjob_cli.show.formats import Format, Output
from distributedjob_cli.show.table import table
from distributedjob_cli.target import Job, Target

EXAMPLES = """Examples:

\b
  djob list
  djob list -A -o wide
  djob list -l team=ml -o name
"""

GET_EXAMPLES = """Examples:

\b
  djob get primes
  djob get primes -o yaml
"""

Selector = Annotated[
    str,
    typer.Option(
        "--selector", "-l", metavar="LABELS", help="Only jobs with these labels: a=b,c!=d."
    ),
]
Everywhere = Annotated[
    bool, typer.Option("--all-namespaces", "-A", help="The jobs of every namespace.")
]


def list_jobs(
    target: Target,
    selector: Selector = "",
    everywhere: Everywhere = False,
    output: Output = None,
) -> None:
    """List jobs."""
    place = None if everywhere else target.place()
    with target.api() as api:
        if output in (Format.JSON, Format.YAML):
            terminal.write(formats.as_object(api.list_jobs(place, selector), output))
            return
        found = api.table(place, selector)
    rows = found.get("rows") or []
    if output is Format.NAME:
        terminal.write(formats.as_names(row["object"] for row in rows))
    elif rows:
        terminal.write(rows_of(found, namespaces=everywhere, wide=output is Format.WIDE))
    else:
        where = "in any namespace" if everywhere else f"in namespace {place}"
        terminal.note(f"There is no job {where}. Run one: djob submit -- echo hello")


def rows_of(found: Mapping[str, Any], *, namespaces: bool, wide: bool) -> str:
    """The API server's own columns, as kubectl shows them; ``wide`` adds labels."""
    columns = found["columnDefinitions"]
    shown = [at for at, column in enumerate(columns) if wide or not column.get("priority")]
    headers = [columns[at]["name"] for at in shown]
    body = []
    for row in found["rows"]:
        metadata = row["object"]["metadata"]
        cells = ["" if row["cells"][at] is None else row["cells"][at] for at in shown]
        if namespaces:
            cells.insert(0, metadata["namespace"])
        if wide:
            labels = metadata.get("labels") or {}
            cells.append(",".join(f"{k}={v}" for k, v in labels.items()) or "<none>")
        body.append(cells)
    headers = ["namespace"] * namespaces + headers + ["labels"] * wide
    return table(headers, body)


def get(target: Target, job: Job, output: Output = None) -> None:
    """Show one job: progress, counts, why it waits."""
    with target.api() as api:
        body = api.read_job(*target.job(job))
    if output is Format.NAME:
        terminal.write(formats.as_names([body]))
    elif output in (Format.JSON, Format.YAML):
        terminal.write(formats.as_object(body, output))
    else:
        terminal.write(describe.job(body, human.now()))

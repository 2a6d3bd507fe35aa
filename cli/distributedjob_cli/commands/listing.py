"""``djob list`` and ``djob get``: jobs in a table, and one of them in full."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from distributedjob_cli.show import describe, formats, human, terminal
from distributedjob_cli.show.formats import Format, Output
from distributedjob_cli.show.table import Growing, table
from distributedjob_cli.target import Job, Target

if TYPE_CHECKING:
    from distributedjob_cli.client.api import Api
    from distributedjob_cli.client.rows import News

EXAMPLES = """Examples:

\b
  djob list
  djob list -A -o wide
  djob list -l team=ml -o name
  djob list -w                           # and what changes from now on
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
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Go on, with what changes.")]


def list_jobs(
    target: Target,
    selector: Selector = "",
    everywhere: Everywhere = False,
    watch: Watch = False,
    output: Output = None,
) -> None:
    """List jobs.

    With --watch every row comes again as often as it changes, until Ctrl-C.
    """
    place = None if everywhere else target.place()
    chosen = {"labelSelector": selector}
    with target.api() as api:
        if watch:
            _watch(api, place, chosen, output)
            return
        if output in (Format.JSON, Format.YAML):
            terminal.write(formats.as_object(api.list_jobs(place, selector), output))
            return
        found = api.table(place, chosen)
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
    layout = Layout(found["columnDefinitions"], namespaces=namespaces, wide=wide)
    return table(layout.headers, map(layout.cells, found["rows"]))


class Layout:
    """Which columns of the API server's are shown, and which we add."""

    def __init__(
        self, columns: Sequence[Mapping[str, Any]], *, namespaces: bool, wide: bool
    ) -> None:
        self._namespaces, self._wide = namespaces, wide
        self._shown = [at for at, each in enumerate(columns) if wide or not each.get("priority")]
        names = [columns[at]["name"] for at in self._shown]
        self.headers = ["namespace"] * namespaces + names + ["labels"] * wide

    def cells(self, row: Mapping[str, Any]) -> list[object]:
        """A row of the table."""
        metadata = row["object"]["metadata"]
        found = ["" if row["cells"][at] is None else row["cells"][at] for at in self._shown]
        labels = ",".join(f"{k}={v}" for k, v in (metadata.get("labels") or {}).items())
        namespace = [metadata["namespace"]] * self._namespaces
        return namespace + found + [labels or "<none>"] * self._wide


def _watch(api: "Api", place: str | None, chosen: Mapping[str, str], output: Format | None) -> None:
    """Print rows, or objects, as they change; that jobs are gone is a remark."""
    from distributedjob_cli.client.rows import changing

    whole = output in (Format.JSON, Format.YAML)
    asked = {**chosen, "includeObject": "Object"} if whole else chosen
    shown = as_they_come(changing(api, place, asked), output, namespaces=place is None)
    for text in shown:
        terminal.write(text)


def as_they_come(
    changes: Iterable["News"], output: Format | None, *, namespaces: bool
) -> Iterator[str]:
    """What is printed of each change."""
    grown: Growing | None = None
    for news in changes:
        objects = [row["object"] for row in news.rows]
        if output in (Format.JSON, Format.YAML):
            apart = "---\n" if output is Format.YAML else ""
            yield from (apart + formats.as_object(each, output) for each in objects)
        elif output is Format.NAME:
            yield formats.as_names(objects)
        elif objects:
            layout = Layout(news.columns, namespaces=namespaces, wide=output is Format.WIDE)
            grown = grown or Growing(layout.headers)
            yield grown.more(map(layout.cells, news.rows))
        for each in news.gone:
            terminal.note(f"{each['namespace']}/{each['name']} was deleted")


def get(target: Target, job: Job, watch: Watch = False, output: Output = None) -> None:
    """Show one job: progress, counts, why it waits.

    With --watch its row of the list comes again as often as it changes, until Ctrl-C; `watch`
    shows its progress and ends with it.
    """
    with target.api() as api:
        body = api.read_job(*target.job(job))
        if watch:
            from distributedjob_cli.client.api import of_name

            _watch(api, target.place(), of_name(job), output)
    if output is Format.NAME:
        terminal.write(formats.as_names([body]))
    elif output in (Format.JSON, Format.YAML):
        terminal.write(formats.as_object(body, output))
    else:
        terminal.write(describe.job(body, human.now()))

"""``djob nodes``: the machine registry."""

from collections.abc import Iterable, Mapping
from typing import Any

from distributedjob_cli.show import formats, human, terminal
from distributedjob_cli.show.formats import ViewFormat, ViewOutput
from distributedjob_cli.show.table import table
from distributedjob_cli.target import Target

EXAMPLES = """Examples:

\b
  djob nodes
  djob nodes -o wide                     # with memory and when each was heard last
"""

HEADERS = (
    "node", "pool", "address", "health", "allocatable", "slots", "busy", "running", "queued",
    "rate",
)  # fmt: skip


def nodes(target: Target, output: ViewOutput = None) -> None:
    """List the nodes and what their workers do.

    SLOTS is the CPU that tasks may occupy and BUSY what they do; RATE is tasks ended of
    late. Health is Ready, or why nothing new starts there: Cordoned, NotReady, Leaving,
    Silent (not heard), NoWorker (none registered) or NoNode (its Node is not there).
    """
    rows = target.operator().nodes()
    if output in (ViewFormat.JSON, ViewFormat.YAML):
        terminal.write(formats.as_document(rows, output))
    else:
        terminal.write(rows_of(rows, wide=output is ViewFormat.WIDE))
        for row in rows:
            if dropped := row.get("droppedRecords", 0):
                count = human.count(dropped, "record")
                terminal.note(f"{row['node']}: the journal dropped {count} of attempts there")


def rows_of(rows: Iterable[Mapping[str, Any]], *, wide: bool) -> str:
    """The registry as a table."""
    headers = [*HEADERS, *(["memory", "heard"] if wide else [])]
    return table(headers, [_row(row)[: len(headers)] for row in rows])


def _row(row: Mapping[str, Any]) -> list[str]:
    if "pool" not in row:
        allocatable = human.cpu(row.get("allocatableMillis", 0))
        rest = ["-"] * 7
        return [row["node"], "-", row.get("address", ""), row["health"], allocatable, *rest]
    return [
        row["node"],
        row["pool"],
        row.get("address", ""),
        row["health"],
        human.cpu(row.get("allocatableMillis", 0)),
        human.cpu(row.get("slotsMillis", 0)),
        human.cpu(row.get("busyMillis", 0)),
        f"{row.get('running', 0):,}",
        f"{row.get('queued', 0):,}",
        human.rate(row.get("rate", 0.0)),
        human.memory(row.get("memoryBytes", 0)),
        f"{human.run_time(row.get('heard', 0.0))} ago",
    ]

"""``djob nodes``: the machine registry."""

from collections.abc import Iterable, Mapping
from typing import Any

from distributedjob_api.quantity import cpu_text
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
    with target.operator() as operator:
        rows = operator.nodes()
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
    return table(headers, [cells(row)[: len(headers)] for row in rows])


def cells(row: Mapping[str, Any]) -> list[str]:
    """A machine in the columns of the wide table."""
    allocatable = cpu_text(row["allocatableMillis"])
    if not row["pool"]:
        return [row["node"], "-", row["address"], row["health"], allocatable, *["-"] * 7]
    return [
        row["node"],
        row["pool"],
        row["address"],
        row["health"],
        allocatable,
        cpu_text(row["slotsMillis"]),
        cpu_text(row["busyMillis"]),
        f"{row['running']:,}",
        f"{row['queued']:,}",
        human.rate(row["rate"]),
        human.memory(row["memoryBytes"]),
        f"{human.run_time(row['heard'])} ago",
    ]

"""``djob local``: the embedded cluster from the command line.

Everything slow to import is imported by the command that needs it.
"""

from pathlib import Path
from typing import Annotated

import typer

from distributedjob_local.errors import LocalError
from distributedjob_local.interrupts import ended_in_order
from distributedjob_local.state import StateDirectory, default_state_directory

app = typer.Typer(help="A whole cluster on this machine, for trying and testing.")


def _cpu(text: str) -> str:
    from distributedjob_api.quantity import QuantityError, cpu_millis

    try:
        if cpu_millis(text) > 0:
            return text
    except QuantityError as error:
        raise typer.BadParameter(str(error)) from error
    raise typer.BadParameter("a node needs some CPU; write something like 1 or 500m")


Nodes = Annotated[int, typer.Option(min=0, max=500, help="Nodes, each with one worker.")]
Cpus = Annotated[str, typer.Option(callback=_cpu, help="CPU of each node: 2 or 500m.")]
Operators = Annotated[int, typer.Option(min=0, max=9, help="Operator replicas.")]
Where = Annotated[
    Path | None,
    typer.Option("--state-dir", help="Where the cluster lives.", show_default="per user"),
]


def _state(where: Path | None) -> StateDirectory:
    try:
        return StateDirectory((where or default_state_directory()).expanduser().resolve())
    except RuntimeError as error:  # A link to itself, or nobody's home.
        raise LocalError(f"cannot use {where} as state directory: {error}") from error


@app.command()
def up(
    nodes: Nodes = 2, cpus: Cpus = "1", operators: Operators = 1, state_dir: Where = None
) -> None:
    """Start a cluster and return when it is ready."""
    from distributedjob_local.lifecycle import bring_up
    from distributedjob_local.progress import Progress
    from distributedjob_local.size import Size

    state = _state(state_dir)
    with ended_in_order():
        started = bring_up(state, Size(nodes, cpus, operators), Progress())
    print("The cluster is ready." if started else "The cluster is already running.")
    print(f"export KUBECONFIG={state.kubeconfig}")
    print("Try:  djob submit --array 0-999 --progress -- sh -c 'echo $DJOB_INDEX'")


@app.command()
def down(
    state_dir: Where = None,
    purge: Annotated[
        bool, typer.Option("--purge/--keep-data", help="Forget jobs, output and logs, too.")
    ] = False,
) -> None:
    """End a cluster, or what is left of one."""
    from distributedjob_local.lifecycle import take_down
    from distributedjob_local.size import counted

    ended = take_down(_state(state_dir), purge=purge)
    processes = counted(len(ended), "process", "processes")
    print(f"Ended {processes}." if ended else "Nothing was running.")


@app.command()
def status(state_dir: Where = None) -> None:
    """Show each process of a cluster; fail when one is down."""
    from distributedjob_local.lifecycle import read_standing

    state = _state(state_dir)
    standing = read_standing(state)
    if not standing.records:
        print(f"No cluster in {state.root}. Start one: djob local up")
        raise typer.Exit(1)
    rows = [("COMPONENT", "PID", "STATE", "ADDRESS")]
    for record in standing.records:
        running = "running" if record.identity.alive else "ended"
        rows.append((record.name, str(record.identity.pid), running, record.address))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("   ".join([*cells, row[3]]))
    if standing.size is None:
        print("It was not started to the end; start it again: djob local up")
    if not standing.complete:
        raise typer.Exit(1)


@app.command()
def run(
    filename: Annotated[
        list[str], typer.Option("--filename", "-f", help="A file with jobs; - is standard input.")
    ],
    nodes: Nodes = 2,
    cpus: Cpus = "1",
) -> None:
    """Run the jobs of a file on a cluster of their own, and end it."""
    from distributedjob_local.following import apply_files, follow
    from distributedjob_local.programs import EVERYTHING, find_programs
    from distributedjob_local.progress import Progress
    from distributedjob_local.size import Size
    from distributedjob_local.throwaway import throwaway_cluster

    for file in filename:
        if file != "-" and "://" not in file and not Path(file).exists():
            raise typer.BadParameter(f"{file} does not exist", param_hint="--filename")
    progress = Progress()
    with ended_in_order():
        programs = find_programs(EVERYTHING, progress)
        with throwaway_cluster(programs, Size(nodes, cpus), progress) as cluster:
            complete = follow(cluster, apply_files(cluster, filename))
            print(cluster.kubectl("get", "distributedjobs", "--all-namespaces").stdout, end="")
    raise typer.Exit(0 if complete else 1)

"""``djob convert -f job.yaml``: Indexed Jobs as DistributedJobs."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

BAD_INPUT: Final = 2


def convert(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Option(
            "--filename", "-f", metavar="FILE", help="A file of Jobs; - is standard input."
        ),
    ],
) -> None:
    """Print Indexed Jobs as DistributedJobs.

    What could not be carried over is named on standard error.
    """
    # The models take longer to import than most commands to run.
    from distributedjob_cli.commands.manifests import ManifestError, convert_files

    try:
        text, notes = convert_files(files)
    except ManifestError as error:
        print(f"{context.find_root().info_name}: {error}", file=sys.stderr)
        raise typer.Exit(BAD_INPUT) from None
    for note in notes:
        print(note, file=sys.stderr)
    print(text, end="")

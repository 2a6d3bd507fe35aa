"""``djob convert -f job.yaml``: Indexed Jobs as DistributedJobs."""

from pathlib import Path
from typing import Annotated, Final

import typer

from distributedjob_cli.commands.following import program_of
from distributedjob_cli.show.terminal import note, write

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
        note(f"{program_of(context)}: {error}")
        raise typer.Exit(BAD_INPUT) from None
    for line in notes:
        note(line)
    write(text)

"""Tables as kubectl prints them: plain text, three blanks between columns."""

from collections.abc import Iterable, Sequence
from typing import Final

from distributedjob_cli.show.safe import one_line

GAP: Final = "   "


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Headers and rows, each column as wide as its widest cell; ends in a line feed."""
    cells = [[one_line(str(cell)) for cell in row] for row in rows]
    lines = [[header.upper() for header in headers], *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headers))]
    return "".join(
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )

"""Tables as kubectl prints them: plain text, three blanks between columns."""

from collections.abc import Iterable, Sequence
from typing import Final

from distributedjob_cli.show.safe import one_line

GAP: Final = "   "


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Headers and rows, each column as wide as its widest cell; ends in a line feed."""
    return Growing(headers).more(rows)


def fitting(
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    width: int,
    expendable: Sequence[str],
) -> str:
    """The same in lines of a width: of the expendable columns, the first are left out first."""
    cells, shown = [list(row) for row in rows], list(headers)
    for name in (None, *expendable):
        if name is not None:
            at = shown.index(name)
            shown.pop(at)
            cells = [[*row[:at], *row[at + 1 :]] for row in cells]
        text = table(shown, cells)
        if max(map(len, text.splitlines())) <= width:
            break
    return text


class Growing:
    """A table whose rows come bit by bit: a column gets wider, and never narrower."""

    def __init__(self, headers: Sequence[str]) -> None:
        self._above = [[header.upper() for header in headers]]
        self._widths = [0] * len(headers)

    def more(self, rows: Iterable[Sequence[object]]) -> str:
        """More rows, the first ones with the headers; each ends in a line feed."""
        lines = self._above + [[one_line(str(cell)) for cell in row] for row in rows]
        self._above = []
        for line in lines:
            self._widths = [
                max(width, len(cell)) for width, cell in zip(self._widths, line, strict=True)
            ]
        return "".join(
            GAP.join(
                cell.ljust(width) for cell, width in zip(line, self._widths, strict=True)
            ).rstrip()
            + "\n"
            for line in lines
        )

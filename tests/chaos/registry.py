"""The rows of the fault matrix, by number."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.chaos.trial import Trial

Play = Callable[["Trial"], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of fault: how it is made, and what must show.

    ``only_long`` rows take minutes: ``make chaos`` leaves them to ``make chaos-long``.
    """

    number: int
    title: str
    injection: str
    shows: str
    play: Play
    only_long: bool = False


ROWS: Final[dict[int, Row]] = {}


def row(
    number: int, title: str, *, injection: str, shows: str, only_long: bool = False
) -> Callable[[Play], Play]:
    """Register a function as a row."""

    def register(play: Play) -> Play:
        assert number not in ROWS, number
        ROWS[number] = Row(number, title, injection, shows, play, only_long)
        return play

    return register


class CannotBeDoneError(Exception):
    """This machine lacks what a row needs; the text says what. Reported, never faked."""

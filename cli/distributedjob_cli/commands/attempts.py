"""The attempts of a job as the journal gets them, each met once whatever breaks off."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributedjob_cli.client.api import Api
    from distributedjob_cli.client.endpoint import Operator


def following(
    api: "Api", operator: "Operator", place: tuple[str, str], params: Mapping[str, Any]
) -> Iterator[dict[str, Any] | None]:
    """Every attempt in the journal, and each one that comes until the job is over.

    None stands for the end of what is there so far: who asks for the next looks again.
    Once all of them have answered, an outage of the API server or the operator is borne with.
    """
    from distributedjob_cli.client.follow import finished
    from distributedjob_cli.client.http import Unreachable
    from distributedjob_cli.client.outage import Outage, bear

    cursor, outage, begun = Cursor(), Outage(), False
    while True:
        try:
            over = finished(api.read_job(*place))
            for row in operator.lines(place, "attempts", {**params, "after": cursor.after}):
                if cursor.advance(row["place"]):
                    yield row
        except Unreachable as error:
            if not begun:
                raise
            bear(outage, error)
            cursor.broken()
            continue
        begun = True
        outage.over()
        cursor.whole()
        if over:
            return
        yield None


@dataclass(slots=True)
class Cursor:
    """How far the journal was printed: an answer may break off in the middle of a place."""

    after: int = 0
    """Everything up to this place was."""
    _place: int = 0
    _printed: int = 0
    _met: int = 0

    def advance(self, place: int) -> bool:
        """Meet one more attempt at a place; whether it was not printed before."""
        if place != self._place:
            self.after, self._place, self._printed, self._met = self._place, place, 0, 0
        self._met += 1
        if self._met <= self._printed:
            return False
        self._printed = self._met
        return True

    def broken(self) -> None:
        """The last place will be met again from its beginning."""
        self._met = 0

    def whole(self) -> None:
        """An answer came to its end, and so did its last place."""
        self.after = self._place

"""The API server's table of jobs as it changes: read once, then watched."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distributedjob_cli.client.api import Api, Gone
from distributedjob_cli.client.http import Unreachable
from distributedjob_cli.client.outage import Outage, bear, breathe

Row = Mapping[str, Any]
"""``cells``, and the ``object`` that they are of."""


@dataclass(frozen=True, slots=True)
class News:
    """Rows that are new or changed, and the objects' metadata of those that are gone."""

    columns: Sequence[Mapping[str, Any]]
    rows: Sequence[Row]
    gone: Sequence[Mapping[str, Any]] = ()


def changing(api: Api, namespace: str | None, chosen: Mapping[str, str]) -> Iterator[News]:
    """All rows, then each as often as it changes, without end.

    Once the API server has answered, an outage of it is borne with.

    Raises:
        EndpointError: the API server says no, or has not answered for long.
    """
    outage, known = Outage(), _Known()
    table = api.table(namespace, chosen)
    columns = table["columnDefinitions"]
    while True:
        rows = table.get("rows") or ()
        gone = known.only(rows)
        yield News(columns, known.news(rows), gone)
        version = table["metadata"]["resourceVersion"]
        try:
            while True:
                for kind, piece in api.watch_table(namespace, chosen, version):
                    outage.over()
                    rows = piece.get("rows") or ()
                    for row in rows:
                        version = row["object"]["metadata"]["resourceVersion"]
                    if kind == "DELETED":
                        yield News(columns, (), known.without(rows))
                    else:
                        yield News(columns, known.news(rows))
                outage.over()
        except Gone:
            breathe()
        except Unreachable as error:
            bear(outage, error)
        table = _again(api, namespace, chosen, outage)


def _again(
    api: Api, namespace: str | None, chosen: Mapping[str, str], outage: Outage
) -> dict[str, Any]:
    while True:
        try:
            return api.table(namespace, chosen)
        except Unreachable as error:
            bear(outage, error)


class _Known:
    """What was told already, by uid."""

    def __init__(self) -> None:
        self._told: dict[str, Mapping[str, Any]] = {}

    def news(self, rows: Sequence[Row]) -> list[Row]:
        """Those of some rows that were not told as they are."""
        found = []
        for row in rows:
            now = row["object"]["metadata"]
            before = self._told.get(now["uid"], {})
            if before.get("resourceVersion") != now["resourceVersion"]:
                self._told[now["uid"]] = now
                found.append(row)
        return found

    def without(self, rows: Sequence[Row]) -> list[Mapping[str, Any]]:
        """Forget some rows; those of them that were known."""
        uids = [row["object"]["metadata"]["uid"] for row in rows]
        return [self._told.pop(uid) for uid in uids if uid in self._told]

    def only(self, rows: Sequence[Row]) -> list[Mapping[str, Any]]:
        """Forget all others than these; the forgotten."""
        here = {row["object"]["metadata"]["uid"] for row in rows}
        return [self._told.pop(uid) for uid in [*self._told] if uid not in here]

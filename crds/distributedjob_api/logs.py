"""How operator and worker log: a line of text, or a JSON object, for each record.

The keys of a JSON line are fixed: ``time`` (UTC), ``level``, ``logger`` and ``message``
always; ``namespace``, ``job``, ``node`` and ``epoch`` where the line is about one, and
``exception`` with a traceback. Records of every library go the same way; kopf's by way of
the operator's own, once for each reason.
"""

import json
import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, Literal

from distributedjob_api import constants

Style = Literal["text", "json"]

TEXT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"
ABOUT: Final = ("namespace", "job", "node", "epoch")
"""What a line may be about: keys of a record's ``extra``."""

Context = Callable[[], Mapping[str, object]]


def about(namespace: str, job: str) -> dict[str, str]:
    """The ``extra`` of a record about a job."""
    return {"namespace": namespace, "job": job}


class JsonLines(logging.Formatter):
    """A record as one line of JSON.

    Args:
        context: what every line is about, such as the node it comes from; asked for
            each line, since an epoch changes.
    """

    def __init__(self, context: Context = dict) -> None:
        super().__init__()
        self._context = context

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        known = {**self._context(), **_of_kopf(record), **vars(record)}
        line |= {key: known[key] for key in ABOUT if known.get(key) not in (None, "")}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def _of_kopf(record: logging.LogRecord) -> dict[str, object]:
    """The object that a record of kopf is about, as kopf says it."""
    reference = getattr(record, "k8s_ref", None)
    if not isinstance(reference, Mapping):
        return {}
    name = {constants.KIND: "job", "Node": "node"}.get(str(reference.get("kind")), "object")
    return {"namespace": reference.get("namespace"), name: reference.get("name")}


def start_logging(level: str, style: Style, context: Context = dict) -> None:
    """Send every record of this level or above to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(context) if style == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=level, handlers=[handler])

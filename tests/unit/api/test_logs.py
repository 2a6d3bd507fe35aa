"""Lines of the log as JSON: each one parses, with keys that are always the same."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import kopf
import pytest
from kopf._core.actions.loggers import LocalObjectLogger

from distributedjob_api.logs import JsonLines, about
from distributedjob_operator import watch

ALWAYS = {"time", "level", "logger", "message"}


class Lines(logging.Handler):
    """Keeps what would be written."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        assert "\n" not in text
        self.lines.append(json.loads(text))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines(JsonLines(lambda: {"node": "n1", "epoch": 7}))
    root = logging.getLogger()
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)


def test_a_line_has_what_is_known(lines: Lines) -> None:
    logging.getLogger("a.b").warning(
        "%s is %s", "squares", "Complete", extra=about("team", "squares")
    )
    (line,) = lines.lines
    assert line.pop("time")
    assert line == {
        "level": "WARNING",
        "logger": "a.b",
        "message": "squares is Complete",
        "namespace": "team",
        "job": "squares",
        "node": "n1",
        "epoch": 7,
    }


def test_the_time_is_utc_with_milliseconds() -> None:
    record = logging.makeLogRecord({"created": 1_700_000_000.25, "msg": "x"})
    assert json.loads(JsonLines().format(record))["time"] == "2023-11-14T22:13:20.250Z"


def test_what_is_not_known_has_no_key() -> None:
    line = json.loads(
        JsonLines(lambda: {"epoch": None}).format(logging.makeLogRecord({"msg": "x"}))
    )
    assert line.keys() == ALWAYS


def test_the_record_says_more_than_its_surroundings(lines: Lines) -> None:
    logging.getLogger("a").warning("lost", extra={"node": "n2"})
    assert lines.lines[0]["node"] == "n2"


def test_control_characters_and_tracebacks_stay_in_their_line(lines: Lines) -> None:
    try:
        raise ValueError("a\nb")
    except ValueError:
        logging.getLogger("a").exception("\x1b[31m\nred")
    (line,) = lines.lines
    assert line["message"] == "\x1b[31m\nred"
    assert str(line["exception"]).startswith("Traceback")
    assert line["level"] == "ERROR"


def test_what_kopf_says_of_an_object_names_it(lines: Lines) -> None:
    body = kopf.Body(
        {
            "kind": "DistributedJob",
            "metadata": {"namespace": "team", "name": "squares", "uid": "u"},
        }
    )
    logger = LocalObjectLogger(body=body, settings=kopf.OperatorSettings())
    logger.error("of this object nothing can be made")
    (line,) = lines.lines
    assert (line["namespace"], line["job"], line["logger"]) == ("team", "squares", watch.__name__)


def test_what_json_has_no_word_for_is_said_as_text(lines: Lines) -> None:
    logging.getLogger("a").warning("x", extra={"node": Path("n1")})
    assert lines.lines[0]["node"] == "n1"

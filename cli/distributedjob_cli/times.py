"""Spans of time on a command line, as kubectl takes them."""

import math

import typer

from distributedjob_api.durations import parse_duration

MOST_SECONDS = 2**31 - 1
"""The API's own limit of a span."""


def seconds(text: str, option: str) -> float:
    """``90s``, ``1h30m`` or ``500ms``, and a number alone as seconds.

    Raises:
        typer.BadParameter: it is none of these.
    """
    try:
        return float(text) if text.isascii() and text.isdigit() else parse_duration(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no span of time; write 90s, 5m or 1h30m", param_hint=option
        ) from None


def patience(text: str, option: str = "--timeout") -> float:
    """How long to wait; for ever where nothing is said, or less than nothing as with kubectl."""
    if not text:
        return math.inf
    most = seconds(text, option)
    return most if most >= 0 else math.inf


def whole_seconds(text: str, option: str, least: int) -> int | None:
    """A span for the API, which counts in seconds; None where nothing is said."""
    if not text:
        return None
    span = seconds(text, option)
    if not (least <= span <= MOST_SECONDS and span.is_integer()):
        raise typer.BadParameter(
            f"{text!r} is not a whole number of seconds from {least} to {MOST_SECONDS}",
            param_hint=option,
        )
    return int(span)

"""The rows of the matrix, grouped by what they break."""

import importlib
from typing import Final

GROUPS: Final = (
    "api_server",
    "messages",
    "mix",
    "nats",
    "network",
    "objects",
    "overload",
    "processes",
    "races",
    "tasks",
    "worker_host",
)


def load() -> None:
    """Register every row."""
    for group in GROUPS:
        importlib.import_module(f"tests.chaos.rows.{group}")

"""The table of the conformance suite: each row that applies is shown by one test."""

import ast
from collections import Counter
from pathlib import Path

from tests.conformance import table


def test_every_row_has_its_test_or_says_why_not():
    shown: Counter[int | None] = Counter()
    for path in Path(table.__file__).parent.glob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                shown[table.row_of(f"tests/conformance/{path.name}::{node.name}")] += 1
    assert shown == Counter(set(table.ROWS) - set(table.DOES_NOT_APPLY))

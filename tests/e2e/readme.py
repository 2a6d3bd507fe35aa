"""The commands of README's sections, so that what is documented is what is run."""

import re
from pathlib import Path
from typing import Final

README: Final = Path(__file__).parents[2] / "README.md"
BLOCK: Final = re.compile(r"^```(?:console|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED: Final = re.compile(r"^    (\S.*)$", re.MULTILINE)


def commands(heading: str, text: str | None = None) -> list[str]:
    """The commands under a heading, each as one line, without comments and output.

    Raises:
        LookupError: there is no such heading, or nothing to run under it.
    """
    text = README.read_text(encoding="utf-8") if text is None else text
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^\#{{1,2}} |\Z)", text, re.M | re.S)
    lines = [
        line for block in (BLOCK.findall(found[2]) if found else []) for line in _commands(block)
    ]
    if not lines:
        raise LookupError(f"README has no commands under {heading!r}")
    return lines


def _commands(block: str) -> list[str]:
    joined = block.replace("\\\n", " ").splitlines()
    prompted = any(line.startswith("$ ") for line in joined)
    lines = [line.removeprefix("$ ") for line in joined if line.startswith("$ ") or not prompted]
    return [
        re.sub(r"\s+", " ", line.partition(" #")[0]).strip()
        for line in lines
        if line.strip() and not line.startswith("#")
    ]

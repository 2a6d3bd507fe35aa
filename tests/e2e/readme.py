"""The commands of README's sections, so that what is documented is what is run.

They stand as a shell takes them: variables such as ``$REGISTRY`` are a user's to set.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

README: Final = Path(__file__).parents[2] / "README.md"
ENGINE: Final = "docker"
"""Begins the commands that make images, which are there before the cluster is."""
SHELL: Final = ("```console", "```sh")
PROMPT: Final = "$ "


def commands(heading: str, text: str | None = None) -> list[str]:
    """The commands under a heading, each as one line, without comments and output.

    Raises:
        LookupError: there is no such heading, or nothing to run under it.
    """
    text = README.read_text(encoding="utf-8") if text is None else text
    found = [line for block in _blocks(heading, text.splitlines()) for line in _commands(block)]
    if not found:
        raise LookupError(f"README has no commands under {heading!r}")
    return found


def _blocks(heading: str, lines: Iterable[str]) -> Iterator[str]:
    """The fenced blocks for a shell, up to the next heading of the first two levels."""
    inside, fence, block = False, "", ""
    for line in lines:
        if fence and line == "```":
            if inside and fence in SHELL:
                yield block
            fence, block = "", ""
        elif fence:
            block += f"{line}\n"
        elif line.startswith("```"):
            fence = line
        elif line.startswith(("# ", "## ")):
            inside = line.lstrip("# ") == heading


def _commands(block: str) -> list[str]:
    lines = block.replace("\\\n", " ").splitlines()
    if any(line.startswith(PROMPT) for line in lines):
        lines = [line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT)]
    bare = (re.sub(r"\s+", " ", re.sub(r"(^| )#.*", "", line)).strip() for line in lines)
    return [line for line in bare if line]

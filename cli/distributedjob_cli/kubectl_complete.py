"""``kubectl_complete-djob``, which kubectl asks for what may stand behind ``kubectl djob``."""

import sys
from typing import Final

import typer

NO_FILES: Final = 4
"""kubectl's word for: complete nothing else, ShellCompDirectiveNoFileComp."""


def main() -> None:
    """Print a candidate a line, then a directive."""
    from distributedjob_cli.app import app

    *before, incomplete = sys.argv[1:] or [""]
    for value in candidates(app, before, incomplete):
        print(value)
    print(f":{NO_FILES}")


def candidates(app: typer.Typer, before: list[str], incomplete: str) -> list[str]:
    """What may stand behind some words."""
    from typer._click.shell_completion import ShellComplete
    from typer.main import get_command

    class Plain(ShellComplete):
        name, source_template = "kubectl", ""

        def get_completion_args(self) -> tuple[list[str], str]:
            return before, incomplete

        def source_vars(self) -> dict[str, object]:
            return {}

        def format_completion(self, item: object) -> str:
            return str(item)

    asked = Plain(get_command(app), {}, "kubectl djob", "")
    return [str(item.value) for item in asked.get_completions(before, incomplete)]

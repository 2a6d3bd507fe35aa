"""A command starts with what it needs: nothing that is slow to import stands in its way."""

import json
import os
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.core import TyperCommand
from typer.main import get_command

from distributedjob_cli.quick import QuickCommand

PROGRAM = """
import sys
from distributedjob_cli.__main__ import run
code = run(["djob", *sys.argv[1:]])
slow = {"kubernetes", "msgspec", "pydantic", "pyroaring", "requests", "rich", "yaml"}
print(code, *sorted(slow & set(sys.modules)))
"""


def ended(*arguments: str, **environment: str) -> list[str]:
    """The exit code of a command line, and what slow modules it has imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["submit", "-h"], ["local", "-h"]], ids=" ".join
)
def test_what_asks_nobody_imports_no_client(arguments):
    assert ended(*arguments) == ["0"]


def test_a_list_imports_a_client_and_no_models(tmp_path):
    config = tmp_path / "kubeconfig"
    document = {
        "clusters": [{"name": "c", "cluster": {"server": "ftp://nowhere"}}],
        "users": [{"name": "u", "user": {"token": "secret"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    config.write_text(json.dumps(document))
    known = ended("list", "-l", "a=b", "-A", KUBECONFIG=str(config), DJOB_TOKEN="")
    assert known == ["1", "requests", "yaml"]


def said(*command: str, **environment: str) -> str:
    """What a program prints that finds this djob."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_bash_completes_by_the_script_that_is_printed_for_it():
    script = """
    source <(djob completion bash)
    COMP_WORDS=(djob su) COMP_CWORD=1
    _djob_completion djob
    echo "${COMPREPLY[@]}"
    """
    assert said("bash", "-c", script) == "submit suspend\n"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_answered_as_well(shell):
    asked = {
        "_DJOB_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": "djob su",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    found = said("djob", **asked)
    assert "submit" in found
    assert "suspend" in found


class Colour(StrEnum):
    """What an option may be."""

    RED = "red"


def given_by(kind, *arguments):
    """What a command of a kind is called with, or what is said of its command line."""
    got = []

    def command(
        names: Annotated[list[str], typer.Argument()],
        text: str = "none",
        number: Annotated[int | None, typer.Option(min=1)] = None,
        flag: Annotated[bool, typer.Option("--flag")] = False,
        path: Path | None = None,
        colour: Colour = Colour.RED,
        several: Annotated[list[str] | None, typer.Option()] = None,
        files: Annotated[list[Path] | None, typer.Option()] = None,
    ) -> None:
        got.append((names, text, number, flag, path, colour, several, files))

    app = typer.Typer(add_completion=False)
    app.command(cls=kind)(command)
    try:
        get_command(app)(list(arguments), standalone_mode=False)
    except typer.TyperException as error:
        return error.format_message()
    return [[(type(each), each) for each in values] for values in got]


@pytest.mark.parametrize(
    "arguments",
    ["", "a b", "a --text x --flag", "a --number 3", "a --number 0", "a --number x", "a --path p",
     "a --colour red", "a --colour blue", "a --several b --several c", "a --files b --files c"],
)  # fmt: skip
def test_a_command_gets_what_typer_would_have_given_it(arguments):
    words = arguments.split()
    assert given_by(QuickCommand, *words) == given_by(TyperCommand, *words)

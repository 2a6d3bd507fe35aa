"""A command starts with what it needs: nothing that is slow to import stands in its way."""

import json
import os
import subprocess
import sys

import pytest

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

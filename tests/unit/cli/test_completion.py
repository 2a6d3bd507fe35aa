"""Completion, help, and the documentation of every verb."""

import threading
from pathlib import Path

import pytest

from distributedjob_cli.app import VERBS, app
from distributedjob_cli.kubectl_complete import candidates
from tests.support.command_line import JOBS

TABLE = {"rows": [{"object": {"metadata": {"name": "a"}}}]}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_completion_script_for_each_shell(djob, shell):
    script = djob("completion", shell).stdout
    assert "_DJOB_COMPLETE" in script


def test_verbs_options_and_jobs_are_completed(djob, servers):
    servers.answers[JOBS] = TABLE
    djob("--version")
    assert candidates(app, [], "su") == ["submit", "suspend"]
    assert "--each-line" in candidates(app, ["submit"], "--ea")
    assert candidates(app, ["get", "-n", "default"], "") == ["a"]
    servers.answers[JOBS] = (403, {"message": "no"})
    assert candidates(app, ["get"], "") == []


def test_completion_does_not_wait_for_who_does_not_answer(djob, servers, monkeypatch):
    monkeypatch.setattr("distributedjob_cli.target.COMPLETE_SECONDS", 0.05)
    hung_up = threading.Event()
    servers.answers[JOBS] = lambda _: hung_up.wait() and TABLE
    djob("--version")
    assert candidates(app, ["get", "-n", "default"], "") == []
    hung_up.set()


def test_every_verb_has_help_with_examples(djob):
    for name in VERBS:
        done = djob(name, "-h")
        assert done.exit_code == 0
        assert "Examples:" in done.stdout or name == "convert"


def test_every_verb_stands_in_the_docs_with_its_output():
    text = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()
    for name in VERBS:
        assert f"$ djob {name}" in text, name

"""The files for k9s hold what its schemas of plugins and views ask for, and djob knows the words.

The keys that are taken are those of k9s' own tables, up to 0.51: a plugin that has one of them
without ``override`` is left out.
"""

import re
from pathlib import Path

import pytest
import yaml

from distributedjob_api.schema import custom_resource_definition
from distributedjob_cli.__main__ import run

FILES = Path(__file__).parents[3] / "examples" / "k9s"
PLUGINS = yaml.safe_load((FILES / "plugins.yaml").read_text())
VIEWS = yaml.safe_load((FILES / "views.yaml").read_text())
KINDS = {
    "shortCut": str, "description": str, "scopes": list, "command": str, "args": list,
    "background": bool, "confirm": bool, "dangerous": bool,
}  # fmt: skip
REQUIRED = {"shortCut", "description", "scopes", "command"}
TAKEN = {
    *(f"Shift-{letter}" for letter in "ANSOPJ"),
    *(f"Ctrl-{letter}" for letter in "RPUQEGACDSZW"),
}
VALUES = {"NAME": "job", "NAMESPACE": "default", "CONTEXT": "x", "KUBECONFIG": "/tmp/config"}


def words(plugin: dict[str, object]) -> list[str]:
    """The command line of djob's, as k9s makes it."""
    text = " ".join(plugin["args"])
    filled = re.sub(r"\$([A-Z]+)", lambda found: VALUES[found[1]], text)
    return filled.partition("djob ")[2].partition(" 2>&1")[0].replace("'", "").split()


def test_the_plugins_are_those_of_the_schema():
    assert [*PLUGINS] == ["plugins"]
    for plugin in PLUGINS["plugins"].values():
        assert plugin.keys() >= REQUIRED
        assert {key: type(value) for key, value in plugin.items()} == {
            key: KINDS[key] for key in plugin
        }
        assert all(isinstance(word, str) for word in [*plugin["scopes"], *plugin["args"]])


def test_every_plugin_has_a_key_of_its_own_that_k9s_leaves_free():
    keys = [plugin["shortCut"] for plugin in PLUGINS["plugins"].values()]
    assert len(set(keys)) == len(keys)
    assert not TAKEN & set(keys)


@pytest.mark.parametrize("name", PLUGINS["plugins"])
def test_djob_knows_what_a_key_calls(name, capsys):
    verb, *rest = words(PLUGINS["plugins"][name])
    assert run(["djob", verb, *rest, "--help"]) == 0
    assert f"djob {verb}" in capsys.readouterr().out
    # Whatever it knows nothing of would be refused before help is shown.
    assert run(["djob", verb, "--unknown", *rest, "--help"]) == 2


def test_what_changes_a_job_is_left_out_where_k9s_only_reads():
    dangerous = {words(each)[0] for each in PLUGINS["plugins"].values() if each.get("dangerous")}
    assert dangerous == {"suspend", "resume", "rerun", "cancel"}


def test_the_columns_are_the_schema_s_and_the_list_s():
    ((resource, view),) = VIEWS["views"].items()
    version = custom_resource_definition()["spec"]["versions"][0]
    assert resource == f"distributedjob.dev/{version['name']}/distributedjobs"
    assert view.keys() == {"sortColumn", "columns"}
    known = {column["name"].upper() for column in version["additionalPrinterColumns"]}
    plain = {column for column in view["columns"] if ":" not in column}
    assert plain <= known | {"NAMESPACE", "NAME"}
    assert view["sortColumn"].partition(":")[0] in plain

"""Names of metrics keep Prometheus' conventions, and everything written of them is true."""

import json
import re
from pathlib import Path

import pytest

from distributedjob_api.metric_families import OPERATOR, WORKER, Family, Kind

ROOT = Path(__file__).parents[3]
DOC = (ROOT / "docs" / "metrics.md").read_text()
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
CHART = ROOT / "helm" / "distributedjob"
ALERTS = (CHART / "templates" / "monitoring" / "alerts.yaml").read_text()
DASHBOARD = json.loads((CHART / "files" / "dashboard.json").read_text())
FAMILIES = {family.name: family for family in (*OPERATOR, *WORKER)}


def documented() -> dict[str, tuple[str, str, str]]:
    """Kind, labels and meaning of each family in a table of the documentation."""
    rows = re.findall(r"^\| `(distributedjob_\w+)` \| (.*) \| (.*) \| (.*) \|$", DOC, re.MULTILINE)
    assert len(rows) == len({name for name, *_ in rows})
    return {name: (kind, labels, meaning) for name, kind, labels, meaning in rows}


def row(family: Family) -> tuple[str, str, str]:
    labels = ", ".join(f"`{label}`" for label in family.labels) or "—"
    return family.kind.value, labels, family.meaning


def test_the_documentation_has_every_family_as_it_is() -> None:
    assert documented() == {name: row(family) for name, family in FAMILIES.items()}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_a_name_keeps_the_conventions(family: Family) -> None:
    assert family.name.startswith("distributedjob_")
    assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)
    if family.kind is Kind.HISTOGRAM:
        assert family.name.endswith(("_seconds", "_bytes"))
        assert {*family.labels} <= {"pool", "method"}
    assert not {*family.labels} & {"namespace", "pod", "job", "instance", "le", "task", "index"}
    assert family.meaning.endswith(".")


def queries() -> list[str]:
    """Every expression that Grafana sends."""
    return [target["expr"] for each in DASHBOARD["panels"] for target in each.get("targets", ())]


@pytest.mark.parametrize("text", [ALERTS, *queries(), RUNBOOK])
def test_what_is_asked_for_exists(text: str) -> None:
    for name in re.findall(r"\bdistributedjob_[a-z_]+", text):
        known = {name, re.sub("_(bucket|sum|count)$", "", name)} & FAMILIES.keys()
        assert known, name


def test_every_alert_has_a_section_in_the_runbook_and_a_link_to_it() -> None:
    alerts = re.findall(r"- alert: (\w+)", ALERTS)
    assert re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE) == alerts
    links = re.findall(r"runbook_url: \{\{ \$runbook \}\}#(\w+)", ALERTS)
    assert links == [name.lower() for name in alerts]
    for section in RUNBOOK.split("\n## ")[1:]:
        assert all(f"**{word}**: " in section for word in ("Means", "Look at", "Do"))


def test_every_panel_says_what_it_shows_and_has_a_place_of_its_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert panel["type"] == "row" or panel["description"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])

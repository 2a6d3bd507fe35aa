"""What Argo CD and Flux make of a job: their own languages, run on every kind of status."""

from pathlib import Path
from typing import Any, Final

import cel
import pytest
import yaml
from lupa.lua51 import LuaRuntime, lua_type

GITOPS: Final = Path(__file__).parents[3] / "gitops"
KEY: Final = "distributedjob.dev_DistributedJob"
CUSTOMIZATIONS: Final = yaml.safe_load((GITOPS / "argocd" / "argocd-cm.yaml").read_text())["data"]
ACTIONS: Final = yaml.safe_load(CUSTOMIZATIONS[f"resource.customizations.actions.{KEY}"])
EXPRESSIONS: Final = yaml.safe_load((GITOPS / "flux" / "kustomization.yaml").read_text())["spec"][
    "healthCheckExprs"
][0]

STATES: Final = {
    "unseen": (None, "Progressing", "inProgress"),
    "changed": (("Complete", "Ready"), "Progressing", "inProgress"),
    "pending": (("Reconciling",), "Progressing", "inProgress"),
    "suspended": (("Suspended", "Reconciling"), "Suspended", "inProgress"),
    "complete": (("SuccessCriteriaMet", "Complete", "Finished", "Ready"), "Healthy", "current"),
    "failed": (("FailureTarget", "Failed", "Finished", "Stalled"), "Degraded", "failed"),
    "cancelled": (("Cancelled", "Finished", "Stalled"), "Degraded", "failed"),
    "set aside": (("Stalled",), "Degraded", "failed"),
}
"""What stands in the status, and what each of the two must say of it."""


def a_job(state: str, **spec: Any) -> dict[str, Any]:
    types, _, _ = STATES[state]
    seen = 1 if state == "changed" else 2
    conditions = [
        {"type": each, "status": "True", "reason": "Why", "message": f"says {each}"}
        for each in types or ()
    ]
    # What was true once stands on as False.
    conditions.append({"type": "Suspended", "status": "False", "reason": "No", "message": ""})
    status = {"observedGeneration": seen, "phase": state.capitalize(), "conditions": conditions}
    return {
        "apiVersion": "distributedjob.dev/v1alpha1",
        "kind": "DistributedJob",
        "metadata": {"name": "job", "generation": 2},
        "spec": {"completions": 3, **spec},
        **({} if types is None else {"status": status}),
    }


BARE: Final = """
local date, time = os.date, os.time
for _, name in ipairs({"bit", "coroutine", "debug", "io", "jit", "math", "os", "string"}) do
  _G[name], package.loaded[name] = nil, nil
end
getmetatable("").__index = nil
package.preload.os = function() return {date = date, time = time} end
"""
"""Leaves of Lua what Argo CD opens for a script in its ConfigMap (its util/lua/lua.go)."""


def lua(script: str, job: dict[str, Any]) -> Any:
    """Run a script as Argo CD does: the object is ``obj``, the answer what it returns."""
    runtime = LuaRuntime()
    runtime.execute(BARE)
    runtime.globals()["obj"] = runtime.table_from(job, recursive=True)
    return _plain(runtime.execute(script))


def _plain(value: Any) -> Any:
    if lua_type(value) != "table":
        return value
    return {key: _plain(part) for key, part in value.items()}


@pytest.mark.parametrize("state", STATES)
def test_argo_cd_knows_the_health(state: str) -> None:
    script = CUSTOMIZATIONS[f"resource.customizations.health.{KEY}"]
    found = lua(script, a_job(state))
    assert found["status"] == STATES[state][1]
    assert found["message"]


@pytest.mark.parametrize("state", STATES)
def test_flux_knows_the_health(state: str) -> None:
    assert flux(a_job(state)) == STATES[state][2]


def flux(job: dict[str, Any]) -> str:
    """What Flux makes of a job (runtime/cel/status_evaluator.go of its packages)."""
    for name in ("inProgress", "failed", "current"):
        try:
            holds = cel.evaluate(EXPRESSIONS[name], job)
        except RuntimeError:
            # The job has no status at all: Flux does not know, and looks again.
            return "inProgress"
        if holds:
            return name
    return "inProgress"


@pytest.mark.parametrize(
    ("state", "spec", "enabled"),
    [
        ("unseen", {}, {"suspend", "cancel"}),
        ("pending", {}, {"suspend", "cancel"}),
        ("suspended", {"suspend": True}, {"resume", "cancel"}),
        ("pending", {"cancel": True}, set()),
        ("complete", {}, {"rerun"}),
        ("failed", {}, {"rerun"}),
        ("failed", {"suspend": True}, {"rerun"}),
        ("cancelled", {"cancel": True}, set()),
    ],
)
def test_argo_cd_offers_what_the_job_can_do(
    state: str, spec: dict[str, Any], enabled: set[str]
) -> None:
    found = lua(ACTIONS["discovery.lua"], a_job(state, **spec))
    assert {name for name, each in found.items() if not each["disabled"]} == enabled


@pytest.mark.parametrize(
    ("action", "changed"),
    [
        ("suspend", {"suspend": True}),
        ("resume", {"suspend": False}),
        ("cancel", {"cancel": True}),
    ],
)
def test_an_action_changes_one_field(action: str, changed: dict[str, Any]) -> None:
    job = a_job("pending")
    found = lua(script_of(action), job)
    assert found["spec"] == {**job["spec"], **changed}


def test_a_rerun_has_a_token_that_the_resource_takes() -> None:
    rerun = lua(script_of("rerun"), a_job("failed"))["spec"]["rerun"]
    assert rerun["indexes"] == "failed"
    rule = "token.matches('^[A-Za-z0-9]([A-Za-z0-9._:+-]*[A-Za-z0-9])?$')"
    assert cel.evaluate(rule, {"token": rerun["token"]})
    assert len(rerun["token"]) <= 64


def script_of(action: str) -> str:
    return str(
        next(each["action.lua"] for each in ACTIONS["definitions"] if each["name"] == action)
    )

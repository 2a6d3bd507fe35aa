"""What of a DistributedJob may change after creation, and what the API server says to the rest."""

import pytest

from tests.support.validation import items, items_from, spec

FULL = spec(
    indexes="0-9",
    template={"command": ["true"], "timeoutSeconds": 5},
    parallelism=2,
    backoffLimit=10,
    maxFailedIndexes=5,
    failurePolicy={"rules": [{"action": "FailJob", "onReasons": ["NotFound"]}]},
    successPolicy={"rules": [{"succeededCount": 3}]},
    managedBy="example.com/controller",
)
OTHER = {
    "backoffLimit": 11,
    "maxFailedIndexes": 6,
    "failurePolicy": {"rules": [{"action": "FailIndex", "onReasons": ["NotFound"]}]},
    "successPolicy": {"rules": [{"succeededCount": 2}]},
    "managedBy": "example.com/other",
}


@pytest.mark.parametrize(
    ("start", "change", "field"),
    [
        pytest.param(FULL, {"completions": 101}, "completions", id="completions"),
        pytest.param(
            FULL, {"completions": None, "items": ["a"] * 10}, "completions", id="items instead"
        ),
        pytest.param(items("a"), {"items": ["b"]}, "items", id="items"),
        pytest.param(FULL, {"indexes": "0-8"}, "indexes", id="indexes"),
        pytest.param(FULL, {"indexes": None}, "indexes", id="indexes removed"),
        pytest.param(spec(), {"indexes": "0-8"}, "indexes", id="indexes added"),
        pytest.param(FULL, {"template": {"command": ["false"]}}, "template", id="command"),
        pytest.param(
            FULL, {"template": {"timeoutSeconds": None}}, "template", id="time-out removed"
        ),
        pytest.param(
            FULL, {"backoffLimitPerIndex": 4}, "backoffLimitPerIndex", id="backoffLimitPerIndex"
        ),
        pytest.param(FULL, {"interruptionLimit": 4}, "interruptionLimit", id="interruptionLimit"),
        pytest.param(FULL, {"retryPolicy": {"factor": 3}}, "retryPolicy", id="retryPolicy"),
        pytest.param(FULL, {"pool": "other"}, "pool", id="pool"),
        pytest.param(FULL, {"output": {"policy": "None"}}, "output", id="output"),
        pytest.param(
            items_from(),
            {"itemsFrom": {"configMapKeyRef": {"key": "other"}}},
            "itemsFrom",
            id="another key",
        ),
        *(pytest.param(FULL, {name: value}, name, id=name) for name, value in OTHER.items()),
        *(pytest.param(FULL, {name: None}, name, id=f"{name} removed") for name in OTHER),
        *(
            pytest.param(spec(), {name: value}, name, id=f"{name} added")
            for name, value in OTHER.items()
        ),
    ],
)
def test_what_is_decided_at_creation_cannot_be_changed(jobs, start, change, field):
    assert isinstance(jobs.create(start), dict)
    message = jobs.patch(change)
    assert isinstance(message, str), "the change was taken"
    assert f"spec.{field}: Forbidden: {field} cannot be changed after creation" in message
    assert "keep it as it was, or create the job anew" in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("parallelism", 0, id="paused"),
        pytest.param("parallelism", 7, id="more at one time"),
        pytest.param("parallelism", None, id="parallelism removed"),
        pytest.param("priority", -5, id="priority"),
        pytest.param("suspend", True, id="suspended"),
        pytest.param("suspendMode", "Drain", id="suspendMode"),
        pytest.param("activeDeadlineSeconds", 5, id="a deadline"),
        pytest.param("ttlSecondsAfterFinished", 0, id="a time to live"),
        pytest.param("rerun", {"token": "1", "indexes": "3"}, id="a rerun"),
    ],
)
def test_what_is_no_decision_of_the_creation_may_change(jobs, name, value):
    jobs.create(FULL)
    changed = jobs.patch({name: value})
    assert isinstance(changed, dict), changed
    assert changed["spec"].get(name) == value


@pytest.mark.parametrize("value", [False, None], ids=["set to false", "removed"])
def test_cancel_may_be_set_but_never_unset(jobs, value):
    jobs.create(FULL)
    cancelled = jobs.patch({"cancel": True})
    assert isinstance(cancelled, dict), cancelled
    message = jobs.patch({"cancel": value})
    assert "spec.cancel: Forbidden: cancel cannot be unset" in message
    assert "keep it true" in message


def test_a_job_that_ran_again_can_be_cancelled_but_not_run_again_after_that(jobs):
    jobs.create(FULL)
    assert isinstance(jobs.patch({"rerun": {"token": "1"}}), dict)
    both = jobs.patch({"rerun": {"token": "2"}, "cancel": True})
    assert "spec.rerun: Forbidden: rerun cannot be set or changed where cancel is true" in both
    cancelled = jobs.patch({"cancel": True})
    assert isinstance(cancelled, dict), cancelled
    for change in ({"token": "2"}, {"indexes": "1"}):
        assert "rerun cannot be set or changed" in jobs.patch({"rerun": change})
    assert isinstance(jobs.patch({"rerun": None}), dict)
    assert "create the job anew" in jobs.patch({"rerun": {"token": "1"}})


WHERE = {
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "a", "operator": "Exists", "value": "", "effect": ""}],
}


@pytest.mark.parametrize(("name", "value"), WHERE.items(), ids=WHERE.keys())
def test_where_a_job_runs_cannot_be_changed_while_it_runs(jobs, name, value):
    jobs.create(FULL)
    message = jobs.patch({name: value})
    assert f"spec.{name}: Forbidden: {name} cannot be changed while the job runs" in message
    assert "write suspend: true first" in message


def test_where_a_job_runs_may_change_while_it_is_suspended_as_kueue_does_it(jobs):
    jobs.create(FULL | {"suspend": True})
    let_in = jobs.patch(WHERE | {"suspend": False})
    assert isinstance(let_in, dict), let_in
    assert {name: let_in["spec"][name] for name in WHERE} == WHERE
    taken_back = jobs.patch({"nodeSelector": {"disk": None}, "tolerations": [], "suspend": True})
    assert isinstance(taken_back, dict), taken_back
    again = jobs.patch(WHERE)
    assert isinstance(again, dict), again

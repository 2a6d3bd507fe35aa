"""The policies of a job are read as they were written, and each bound is kept."""

import pytest

from distributedjob_api import task_reasons
from distributedjob_api.v1alpha1 import (
    ExitCodeOperator,
    FailureAction,
    FailureReason,
    Phase,
    Placement,
    ResourceError,
    Status,
    SuspendMode,
    TaintEffect,
    TolerationOperator,
    parse,
)


def job(**spec):
    return {
        "metadata": {"name": "a"},
        "spec": {"completions": 9, "template": {"command": ["true"]}} | spec,
    }


def read(**spec):
    return parse(job(**spec)).spec


def env(**variable):
    return {"command": ["true"], "env": [{"name": "A"} | variable]}


def failing(**rule):
    return {"rules": [{"action": "FailJob"} | rule]}


def exit_codes(*values):
    return failing(onExitCodes={"operator": "In", "values": list(values)})


def test_rules_of_failure_are_read():
    rules = [
        {"action": "FailIndex", "onExitCodes": {"operator": "NotIn", "values": [0, 42]}},
        {"action": "Count", "onReasons": ["Interrupted", "OutOfMemory"]},
    ]
    first, second = read(failurePolicy={"rules": rules}).failure_policy.rules
    assert (first.action, first.on_reasons) == (FailureAction.FAIL_INDEX, None)
    assert first.on_exit_codes.operator is ExitCodeOperator.NOT_IN
    assert first.on_exit_codes.values == [0, 42]
    assert (second.action, second.on_exit_codes) == (FailureAction.COUNT, None)
    assert task_reasons.INTERRUPTED in second.on_reasons


def test_a_rule_can_ask_for_every_reason_that_an_attempt_can_fail_with():
    words = {value for name, value in vars(task_reasons).items() if name.isupper()}
    reasons = {value for value in words if isinstance(value, str)}
    after_the_rules = {task_reasons.STOPPED, task_reasons.INTERRUPTION_LIMIT_EXCEEDED}
    assert set(FailureReason) == reasons - after_the_rules


def test_rules_of_success_are_read():
    rules = [{"succeededIndexes": "0-3,7", "succeededCount": 2}, {"succeededCount": 5}]
    first, second = read(successPolicy={"rules": rules}).success_policy.rules
    assert (first.succeeded_indexes, first.succeeded_count) == ("0-3,7", 2)
    assert (second.succeeded_indexes, second.succeeded_count) == (None, 5)


def test_limits_time_and_suspension_are_read():
    spec = read(
        backoffLimit=7,
        maxFailedIndexes=2,
        activeDeadlineSeconds=60,
        ttlSecondsAfterFinished=0,
        suspend=True,
        suspendMode="Drain",
        priority=-3,
        managedBy="example.com/controller",
        retryPolicy={"placement": "SameNode"},
    )
    assert (spec.backoff_limit, spec.max_failed_indexes) == (7, 2)
    assert (spec.active_deadline_seconds, spec.ttl_seconds_after_finished) == (60, 0)
    assert (spec.suspend, spec.suspend_mode) == (True, SuspendMode.DRAIN)
    assert (spec.priority, spec.managed_by) == (-3, "example.com/controller")
    assert spec.retry_policy.placement is Placement.SAME_NODE


def test_where_tasks_run_is_read():
    spec = read(
        nodeSelector={"disk": "ssd"},
        tolerations=[{"key": "a", "value": "b"}, {"operator": "Exists", "effect": "NoExecute"}],
    )
    assert spec.node_selector == {"disk": "ssd"}
    first, second = spec.tolerations
    assert (first.key, first.value, first.effect) == ("a", "b", TaintEffect.ALL)
    assert first.operator is TolerationOperator.EQUAL
    assert (second.key, second.operator) == ("", TolerationOperator.EXISTS)
    assert second.effect is TaintEffect.NO_EXECUTE


def test_items_can_stand_in_a_config_map_and_are_counted_by_whoever_reads_them():
    body = job(itemsFrom={"configMapKeyRef": {"name": "inputs", "key": "list"}})
    del body["spec"]["completions"]
    spec = parse(body).spec
    reference = spec.items_from.config_map_key_ref
    assert (reference.name, reference.key, spec.tasks) == ("inputs", "list", 0)


def test_a_variable_has_a_value_or_a_place_to_take_it_from():
    variable = read(template=env(valueFrom={"fieldRef": {"fieldPath": "spec.nodeName"}}))
    assert variable.template.env[0].value_from.field_ref.field_path == "spec.nodeName"
    assert read(template=env(value="1")).template.env[0].value_from is None


def test_a_rerun_is_of_the_failed_ones_unless_it_says_otherwise():
    assert read(rerun={"token": "1"}).rerun.indexes == "failed"
    assert read(rerun={"token": "1", "indexes": "3-5"}).rerun.indexes == "3-5"


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        pytest.param({"backoffLimit": -1}, "backoffLimit", id="negative limit"),
        pytest.param({"backoffLimit": 2**31}, "backoffLimit", id="limit of 33 bits"),
        pytest.param({"maxFailedIndexes": 1_000_001}, "maxFailedIndexes", id="more than can fail"),
        pytest.param({"activeDeadlineSeconds": 0}, "activeDeadlineSeconds", id="no time at all"),
        pytest.param({"ttlSecondsAfterFinished": -1}, "ttlSecondsAfterFinished", id="past end"),
        pytest.param({"suspendMode": "Later"}, "suspendMode", id="unknown mode"),
        pytest.param({"priority": 1001}, "priority", id="over the highest priority"),
        pytest.param({"priority": -1001}, "priority", id="under the lowest priority"),
        pytest.param({"rerun": {}}, "rerun.token", id="rerun without a token"),
        pytest.param({"rerun": {"token": "a" * 65}}, "rerun.token", id="long token"),
        pytest.param({"managedBy": "a/" + "b" * 62}, "managedBy", id="long manager"),
        pytest.param({"nodeSelector": {"a": 1}}, "nodeSelector.a", id="label of a number"),
        pytest.param(
            {"nodeSelector": {f"a{i}": "" for i in range(33)}}, "nodeSelector", id="many labels"
        ),
        pytest.param({"tolerations": [{}] * 33}, "tolerations", id="many tolerations"),
        pytest.param({"tolerations": [{"effect": "Never"}]}, "tolerations[0].effect", id="effect"),
        pytest.param({"failurePolicy": {"rules": []}}, "failurePolicy.rules", id="no rules"),
        pytest.param(
            {"failurePolicy": failing(onReasons=["Stopped"])},
            "failurePolicy.rules[0].onReasons[0]",
            id="a reason that is no failure",
        ),
        pytest.param(
            {"failurePolicy": exit_codes(256)},
            "failurePolicy.rules[0].onExitCodes.values[0]",
            id="exit code of two bytes",
        ),
        pytest.param(
            {"successPolicy": {"rules": [{"succeededCount": 0}]}},
            "successPolicy.rules[0].succeededCount",
            id="success of nothing",
        ),
        pytest.param({"itemsFrom": {}}, "itemsFrom.configMapKeyRef", id="items from nowhere"),
        pytest.param(
            {"template": env(valueFrom={"fieldRef": {"fieldPath": "status.podIP"}})},
            "template.env[0].valueFrom.fieldRef.fieldPath",
            id="a field of pods alone",
        ),
        *(
            pytest.param(
                {"template": {"command": ["a"], "resources": {"requests": {"memory": memory}}}},
                "template.resources.requests.memory",
                id=f"memory {memory}",
            )
            for memory in ("0", "512m", "512MB", "2Pi")
        ),
    ],
)
def test_what_is_out_of_bounds_is_named_by_its_path(spec, path):
    with pytest.raises(ResourceError) as caught:
        parse(job(**spec))
    assert f"spec.{path}: " in str(caught.value)


def test_a_status_written_before_these_fields_is_read():
    status = Status.model_validate({"phase": "Running", "run": 2})
    assert (status.active_seconds, status.rerun_token, status.items_hash) == (0.0, "", "")
    assert Phase("Suspended") is Phase.SUSPENDED

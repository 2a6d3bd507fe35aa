"""Objects are read as the server returns them, and faults are named by their path."""

import copy

import pytest

from distributedjob_api.v1alpha1 import FailureSummary, Phase, ResourceError, Spec, parse

STORED = {
    "apiVersion": "distributedjob.dev/v1alpha1",
    "kind": "DistributedJob",
    "metadata": {
        "name": "sums",
        "namespace": "team",
        "uid": "u-1",
        "resourceVersion": "12",
        "generation": 2,
        "managedFields": [],
    },
    "spec": {"completions": 4, "template": {"command": ["true"]}},
    "status": {"phase": "Running", "addedByANewerVersion": 1},
}


def stored(**spec):
    body = copy.deepcopy(STORED)
    body["spec"] |= spec
    return body


def test_a_stored_object_is_read():
    job = parse(STORED)
    assert (job.metadata.name, job.metadata.resource_version) == ("sums", "12")
    assert job.spec.tasks == 4
    assert job.status.phase is Phase.RUNNING


def test_defaults_are_those_of_the_protocol():
    spec = parse(STORED).spec
    assert (spec.backoff_limit_per_index, spec.interruption_limit) == (3, 5)
    retry = spec.retry_policy
    assert (retry.initial_seconds, retry.factor, retry.max_seconds) == (1, 2, 60)
    assert (retry.placement, spec.output.policy) == ("Anywhere", "All")
    assert spec.output.limit_bytes == 65536
    assert spec.template.termination_grace_period_seconds == 30
    assert spec.template.scratch_dir
    assert spec.template.resources.requests.cpu_millis == 1000
    assert (spec.parallelism, spec.pool, spec.cancel) == (None, "default", False)
    assert (spec.suspend, spec.suspend_mode, spec.priority) == (False, "Now", 0)
    assert (spec.backoff_limit, spec.max_failed_indexes, spec.managed_by) == (None, None, None)
    assert (spec.active_deadline_seconds, spec.ttl_seconds_after_finished) == (None, None)
    assert (spec.node_selector, spec.tolerations) == ({}, [])


@pytest.mark.parametrize(
    ("cpu", "millis"),
    [pytest.param(2, 2000, id="a number"), pytest.param("500m", 500, id="a text")],
)
def test_cpu_is_a_number_or_a_text(cpu, millis):
    template = {"command": ["true"], "resources": {"requests": {"cpu": cpu}}}
    assert parse(stored(template=template)).spec.template.resources.requests.cpu_millis == millis


@pytest.mark.parametrize(
    ("memory", "number"),
    [
        pytest.param(2048, 2048, id="a number"),
        pytest.param("1.5Gi", 3 * 2**29, id="a text"),
        pytest.param("1500m", 2, id="a fraction is rounded up"),
        pytest.param(None, 0, id="unset"),
    ],
)
def test_memory_is_a_number_of_bytes(memory, number):
    requests = {} if memory is None else {"memory": memory}
    template = {"command": ["true"], "resources": {"requests": requests}}
    assert parse(stored(template=template)).spec.template.resources.requests.memory_bytes == number


def test_tasks_are_the_items_where_there_are_items():
    spec = {"items": ["a", "b"], "template": {"command": ["true"]}}
    assert Spec.model_validate(spec).tasks == 2


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(stored(template={}), "spec.template.command: Field required", id="missing"),
        pytest.param(
            stored(template={"command": ["a", "b\x00"]}),
            "spec.template.command[1]: String should match",
            id="in a list",
        ),
        pytest.param(
            stored(retryPolicy={"maxSeconds": -1}), "spec.retryPolicy.maxSeconds", id="by alias"
        ),
        *(
            pytest.param(
                stored(template={"command": ["a"], "resources": {"requests": {"cpu": cpu}}}),
                "spec.template.resources.requests.cpu: Value error",
                id=f"cpu {cpu}",
            )
            for cpu in ("0", "much", "10001", -1)
        ),
        pytest.param(stored(shell=True), "spec.shell: Extra inputs", id="unknown"),
        pytest.param(stored(pool=1, cancel=[], items=1, indexes=1), "and 1 more", id="too many"),
        pytest.param([], "object: Input should be", id="not an object"),
    ],
)
def test_a_fault_is_named_by_its_path(body, words):
    with pytest.raises(ResourceError) as caught:
        parse(body)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        pytest.param(
            {"reason": "Error", "exit_code": 3, "tail": "one\nno such file\n"},
            "task 7 on n1, Error, exit code 3: no such file",
            id="an exit code and what it said last",
        ),
        pytest.param(
            {"reason": "Signaled", "signal": 11}, "task 7 on n1, Signaled, signal 11", id="a signal"
        ),
        pytest.param({"reason": "NotFound"}, "task 7 on n1, NotFound", id="it never started"),
    ],
)
def test_a_failure_reads_as_one_line(failure, text):
    assert FailureSummary(index=7, attempt=1, node="n1", **failure).text == text

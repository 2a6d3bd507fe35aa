"""Indexed Jobs become DistributedJobs, or an error says why they cannot."""

import pytest

from distributedjob_api.convert import ConvertError, from_job
from distributedjob_api.v1alpha1 import parse
from tests.support.indexed_jobs import JOB, codes, conditions, container, field_ref, job, pod


def test_a_plain_indexed_job_is_carried_over_whole():
    made, notes = from_job(JOB)
    assert notes == []
    assert made == {
        "apiVersion": "distributedjob.dev/v1alpha1",
        "kind": "DistributedJob",
        "metadata": {"name": "sums", "namespace": "team"},
        "spec": {
            "completions": 5,
            "parallelism": 2,
            "backoffLimitPerIndex": 1,
            "retryPolicy": {"initialSeconds": 10, "factor": 2, "maxSeconds": 600},
            "template": {"command": ["sum"], "resources": {"requests": {"cpu": "100m"}}},
        },
    }


SUCCESS = {"rules": [{"succeededIndexes": "0-2", "succeededCount": 2}, {"succeededCount": 4}]}
TOLERATIONS = [{"key": "a", "operator": "Exists", "effect": "NoSchedule"}]
FAILURE = {
    "rules": [
        {
            "action": "FailIndex",
            "onExitCodes": {"operator": "In", "values": [3, 42]},
        }
    ]
}


@pytest.mark.parametrize(
    ("given", "path", "value"),
    [
        pytest.param(job(completions=7), "completions", 7, id="completions"),
        pytest.param(job(parallelism=0), "parallelism", 0, id="paused"),
        pytest.param(job(backoffLimit=9), "backoffLimit", 9, id="backoffLimit"),
        pytest.param(job(maxFailedIndexes=0), "maxFailedIndexes", 0, id="maxFailedIndexes"),
        pytest.param(job(activeDeadlineSeconds=60), "activeDeadlineSeconds", 60, id="deadline"),
        pytest.param(job(ttlSecondsAfterFinished=0), "ttlSecondsAfterFinished", 0, id="ttl"),
        pytest.param(job(suspend=True), "suspend", True, id="suspend"),
        pytest.param(job(managedBy="a.b/c"), "managedBy", "a.b/c", id="managedBy"),
        pytest.param(job(podFailurePolicy=FAILURE), "failurePolicy", FAILURE, id="exit codes"),
        pytest.param(job(successPolicy=SUCCESS), "successPolicy", SUCCESS, id="successPolicy"),
        pytest.param(pod(nodeSelector={"a": "b"}), "nodeSelector", {"a": "b"}, id="nodeSelector"),
        pytest.param(pod(tolerations=TOLERATIONS), "tolerations", TOLERATIONS, id="tolerations"),
        pytest.param(
            pod(terminationGracePeriodSeconds=0),
            "template.terminationGracePeriodSeconds",
            0,
            id="grace",
        ),
        pytest.param(
            pod(activeDeadlineSeconds=9), "template.timeoutSeconds", 9, id="deadline of the pod"
        ),
        pytest.param(container(args=["a"]), "template.args", ["a"], id="args"),
        pytest.param(container(workingDir="/srv"), "template.workingDir", "/srv", id="workingDir"),
        pytest.param(
            container(resources={"requests": {"cpu": 1, "memory": "1Gi"}}),
            "template.resources.requests",
            {"cpu": 1, "memory": "1Gi"},
            id="requests",
        ),
        pytest.param(
            container(
                env=[{"name": "A", "value": "1"}, {"name": "B"}, {"name": "A", "value": "2"}]
            ),
            "template.env",
            [{"name": "B", "value": ""}, {"name": "A", "value": "2"}],
            id="the last of variables of one name",
        ),
        pytest.param(
            field_ref("spec.nodeName"),
            "template.env",
            [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
            id="the node's name",
        ),
        pytest.param(
            field_ref("metadata.annotations['batch.kubernetes.io/job-completion-index']"),
            "template.env",
            [{"name": "A", "value": "$(DJOB_INDEX)"}],
            id="the index from an annotation",
        ),
        pytest.param(
            codes(256, operator="NotIn"),
            "failurePolicy.rules",
            [{"action": "FailIndex", "onExitCodes": {"operator": "NotIn", "values": [0]}}],
            id="not in what no code is: every failure",
        ),
        pytest.param(
            conditions("FailJob"),
            "failurePolicy.rules",
            [{"action": "FailJob", "onReasons": ["Interrupted"]}],
            id="a disruption that ends the job",
        ),
    ],
)
def test_a_field_is_carried_over(given, path, value):
    made, _ = from_job(given)
    found = made["spec"]
    for step in path.split("."):
        found = found[step]
    assert found == value
    parse(made)


@pytest.mark.parametrize(
    ("given", "per_index", "in_all"),
    [
        pytest.param(job(backoffLimitPerIndex=2), 2, None, id="per index alone"),
        pytest.param(job(backoffLimitPerIndex=2, backoffLimit=4), 2, 4, id="both"),
        pytest.param(job(backoffLimitPerIndex=None), 6, 6, id="neither: six in all, as in a Job"),
        pytest.param(job(backoffLimitPerIndex=None, backoffLimit=0), 0, 0, id="no retry at all"),
        pytest.param(job(backoffLimitPerIndex=500), 100, None, id="more than there can be"),
        pytest.param(
            job(backoffLimitPerIndex=None, backoffLimit=50, completions=600_000),
            10,
            50,
            id="a large job",
        ),
    ],
)
def test_the_job_ends_at_the_failure_at_which_the_other_would(given, per_index, in_all):
    spec = parse(from_job(given)[0]).spec
    assert (spec.backoff_limit_per_index, spec.backoff_limit) == (per_index, in_all)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param([], "the document must be a mapping", id="a list"),
        pytest.param({"kind": "Pod"}, "no apiVersion Pod is no batch/v1 Job", id="a pod"),
        pytest.param(JOB | {"spec": None}, "spec.completions must be set", id="no spec"),
        pytest.param(JOB | {"spec": 1}, "spec must be a mapping", id="a number for a spec"),
        pytest.param(job(completions=None), "spec.completions must be set", id="a work queue"),
        pytest.param(job(completions="5"), "spec.completions must be a whole number", id="text"),
        pytest.param(job(completions=True), "spec.completions must be a whole", id="a boolean"),
        pytest.param(job(completions=10**7), "out of bounds: spec.completions", id="too many"),
        pytest.param(job(template=None), "containers must have a container", id="no template"),
        pytest.param(pod(containers=[]), "containers must have a container", id="no container"),
        pytest.param(pod(containers=["a"]), "containers[0] must be a mapping", id="a word"),
        pytest.param(container(command=None), "what the image starts by itself", id="no command"),
        pytest.param(container(command=[1]), "out of bounds: spec.template.command[0]", id="int"),
        pytest.param(pod(nodeSelector={"a": 1}), "nodeSelector.a must be a text", id="label"),
    ],
)
def test_what_no_distributed_job_can_stand_for_is_an_error(given, words):
    with pytest.raises(ConvertError) as caught:
        from_job(given)
    assert words in str(caught.value)

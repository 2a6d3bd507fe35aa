"""Whatever a converted Job loses on the way is named, and nothing else is."""

import pytest

from distributedjob_api.convert import from_job
from distributedjob_api.v1alpha1 import parse
from tests.support.indexed_jobs import (
    CONTAINER,
    JOB,
    POD,
    codes,
    conditions,
    container,
    field_ref,
    job,
    pod,
    variable,
)


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        pytest.param(container(image="perl"), f"{CONTAINER}.image", "not carried over", id="image"),
        pytest.param(
            pod(volumes=[{"name": "v"}]), f"{POD}.volumes", "mount what tasks need", id="volumes"
        ),
        pytest.param(
            pod(initContainers=[{"name": "i"}]),
            f"{POD}.initContainers",
            "in the command, or in the pool",
            id="initContainers",
        ),
        pytest.param(
            pod(containers=[*container()["spec"]["template"]["spec"]["containers"], {"name": "b"}]),
            f"{POD}.containers[1]",
            "a task is one process",
            id="a second container",
        ),
        pytest.param(
            container(envFrom=[{}, {}]), f"{CONTAINER}.envFrom", "not carried over", id="envFrom"
        ),
        pytest.param(
            variable(valueFrom={"secretKeyRef": {"name": "a", "key": "b"}}),
            f"{CONTAINER}.env[0].valueFrom.secretKeyRef",
            "not carried over",
            id="a Secret's value",
        ),
        pytest.param(
            field_ref("status.podIP"),
            f"{CONTAINER}.env[0].valueFrom.fieldRef.fieldPath",
            "not carried over",
            id="a pod's address",
        ),
        pytest.param(
            field_ref("metadata.name"),
            f"{CONTAINER}.env[0].valueFrom.fieldRef.fieldPath",
            "that of the job here",
            id="a pod's name",
        ),
        pytest.param(
            container(env=[{"name": "DJOB_NODE", "value": "1"}]),
            f"{CONTAINER}.env[0].name",
            "set by the worker",
            id="a variable of ours",
        ),
        pytest.param(
            container(resources={}),
            f"{CONTAINER}.resources.requests.cpu",
            "1 core for each task",
            id="no CPU asked for",
        ),
        pytest.param(
            container(resources={"limits": {"cpu": 2}}),
            f"{CONTAINER}.resources.limits.cpu",
            "became the request",
            id="a limit alone",
        ),
        pytest.param(
            container(resources={"requests": {"cpu": 1, "nvidia.com/gpu": 1}}),
            f"{CONTAINER}.resources.requests.nvidia.com/gpu",
            "not carried over",
            id="a GPU",
        ),
        pytest.param(conditions("Ignore"), "onPodConditions", "interruptionLimit", id="ignored"),
        pytest.param(conditions("FailJob"), "onPodConditions", "[Interrupted]", id="disruption"),
        pytest.param(
            conditions("FailJob", kind="ConfigIssue"), "onPodConditions", "no pods", id="condition"
        ),
        pytest.param(codes(137), "onExitCodes.values", "[Signaled]", id="the code of a signal"),
        pytest.param(
            codes(42, operator="NotIn"), "onExitCodes.operator", "[Signaled]", id="NotIn a code"
        ),
        pytest.param(codes(1, 300), "onExitCodes.values", "only 0 to 255", id="large exit code"),
        pytest.param(
            codes(1, containerName="sidecar"), "onExitCodes", "sidecar", id="another container"
        ),
        pytest.param(job(parallelism=None), "spec.parallelism", "remove it", id="no parallelism"),
        pytest.param(job(completionMode=None), "spec.completionMode", "Indexed", id="no indexes"),
        pytest.param(
            job(activeDeadlineSeconds=0), "spec.activeDeadlineSeconds", "became 1", id="deadline 0"
        ),
        pytest.param(
            job(backoffLimitPerIndex=101), "spec.backoffLimitPerIndex", "100 times", id="limit"
        ),
        pytest.param(
            job(managedBy="kubernetes.io/job-controller"),
            "spec.managedBy",
            "the controller of Jobs",
            id="the Job controller",
        ),
        pytest.param(
            job(successPolicy={"rules": [{"succeededCount": 0}]}),
            "spec.successPolicy.rules[0]",
            "no task at all",
            id="success of nothing",
        ),
        pytest.param(
            job(manualSelector=True, selector={"matchLabels": {"a": "b"}}),
            "spec.selector",
            "no pods to select",
            id="selector",
        ),
        pytest.param(
            pod(terminationGracePeriodSeconds=9000), "GracePeriodSeconds", "3600", id="long grace"
        ),
        pytest.param(
            pod(tolerations=[{"operator": "Exists", "tolerationSeconds": 5}]),
            "tolerations[0].tolerationSeconds",
            "running tasks stay",
            id="tolerationSeconds",
        ),
        pytest.param(pod(hostNetwork=True), f"{POD}.hostNetwork", "not carried", id="hostNetwork"),
        pytest.param(pod(dnsPolicy="None"), f"{POD}.dnsPolicy", "not carried", id="dnsPolicy"),
        pytest.param(job(fromTomorrow=1), "spec.fromTomorrow", "not carried over", id="new field"),
        pytest.param(JOB | {"more": 1}, "more", "not carried over", id="a field beside spec"),
    ],
)
def test_what_is_lost_or_means_something_else_is_named_by_its_path(given, path, words):
    made, notes = from_job(given)
    (note,) = [note for note in notes if path in note.partition(": ")[0]]
    assert words in note
    parse(made)


def test_what_the_api_server_wrote_is_left_out_without_a_word():
    given = job(
        selector={"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}},
        podReplacementPolicy="TerminatingOrFailed",
    )
    given["metadata"] |= {
        "uid": "u",
        "resourceVersion": "1",
        "labels": {"app": "sums", "job-name": "sums"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
    }
    made, notes = from_job(given | {"status": {"active": 1}})
    assert notes == []
    assert made["metadata"] == {"name": "sums", "namespace": "team", "labels": {"app": "sums"}}

"""Indexed Jobs that the API server took, with all that it wrote into them, taken over."""

import pytest

from distributedjob_api.convert import from_job
from tests.support.validation import assert_taken_and_read


def indexed(template=None, container=None, **spec):
    task = {"name": "main", "image": "busybox", "command": ["true"]} | (container or {})
    pod = {"restartPolicy": "Never", "containers": [task]} | (template or {})
    return {"completions": 10, "completionMode": "Indexed", "template": {"spec": pod}} | spec


JOBS = {
    "the least": indexed(),
    "limits and time": indexed(
        backoffLimitPerIndex=2,
        maxFailedIndexes=3,
        backoffLimit=20,
        activeDeadlineSeconds=100,
        ttlSecondsAfterFinished=10,
        suspend=True,
        parallelism=4,
    ),
    "rules of failure and success": indexed(
        backoffLimitPerIndex=1,
        podFailurePolicy={
            "rules": [
                {
                    "action": "FailIndex",
                    "onExitCodes": {"containerName": "main", "operator": "In", "values": [3, 300]},
                },
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]},
                {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [0, 1]}},
            ]
        },
        successPolicy={"rules": [{"succeededIndexes": "0-3,7", "succeededCount": 2}]},
    ),
    "where and with what": indexed(
        template={
            "nodeSelector": {"example.com/disk": "ssd"},
            "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoSchedule"}],
            "terminationGracePeriodSeconds": 5,
        },
        container={
            "args": ["$(A)"],
            "workingDir": "/tmp",
            "env": [
                {"name": "A", "value": "1"},
                {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            ],
            "resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "64Mi"}},
        },
        managedBy="example.com/controller",
    ),
}


@pytest.mark.parametrize("given", JOBS.values(), ids=JOBS.keys())
def test_what_the_server_takes_as_a_job_it_takes_converted(control_plane, namespace, jobs, given):
    client = control_plane.client
    answer = client.session.post(
        f"{client.url}/apis/batch/v1/namespaces/{namespace}/jobs",
        json={"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"}, "spec": given},
        params={"fieldValidation": "Strict"},
    )
    assert answer.ok, answer.text
    manifest, notes = from_job(answer.json())
    job = assert_taken_and_read(jobs, manifest["spec"])
    assert job.spec.tasks == given["completions"]
    # Of what the server wrote by itself, nothing needs a word.
    written = {note.partition(":")[0].rpartition(".")[2] for note in notes}
    known = {"image", "parallelism", "cpu", "memory", "values", "operator", "onPodConditions"}
    assert written <= known

"""Indexed Jobs of batch/v1, to be converted: one with a change each."""

import copy

JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "sums", "namespace": "team"},
    "spec": {
        "completions": 5,
        "parallelism": 2,
        "completionMode": "Indexed",
        "backoffLimitPerIndex": 1,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "containers": [
                    {
                        "name": "main",
                        "command": ["sum"],
                        "resources": {"requests": {"cpu": "100m"}},
                    }
                ],
            }
        },
    },
}
POD = "spec.template.spec"
CONTAINER = f"{POD}.containers[0]"


def job(**spec):
    made = copy.deepcopy(JOB)
    made["spec"] |= spec
    made["spec"] = {name: value for name, value in made["spec"].items() if value is not None}
    return made


def pod(**fields):
    made = job()
    made["spec"]["template"]["spec"] |= fields
    return made


def container(**fields):
    made = pod()
    made["spec"]["template"]["spec"]["containers"][0] |= fields
    return made


def variable(**fields):
    return container(env=[{"name": "A"} | fields])


def field_ref(path):
    return variable(valueFrom={"fieldRef": {"fieldPath": path}})


def codes(*values, operator="In", **fields):
    matcher = {"operator": operator, "values": list(values)} | fields
    return job(podFailurePolicy={"rules": [{"action": "FailIndex", "onExitCodes": matcher}]})


def conditions(action, kind="DisruptionTarget"):
    rule = {"action": action, "onPodConditions": [{"type": kind, "status": "True"}]}
    return job(podFailurePolicy={"rules": [rule]})

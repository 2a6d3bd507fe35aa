"""Jobs as the API server and the operator answer them to ``djob``, and where it asks for them."""

import json

JOBS = "/apis/distributedjob.dev/v1alpha1/namespaces/default/distributedjobs"
JOB = f"{JOBS}/job"
OPERATOR = "/v1/namespaces/default/distributedjobs/job"


def a_job(phase="Complete", name="job", token="", seen=1, **status):
    return {
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": f"uid-{name}",
            "resourceVersion": "7",
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"completions": 4, "template": {"command": ["true"]}}
        | ({"rerun": {"token": token}} if token else {}),
        "status": {"phase": phase, "observedGeneration": seen, **status},
    }


def lines(*rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)

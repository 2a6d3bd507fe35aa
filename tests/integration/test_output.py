"""``djob output`` against a whole cluster, as users with and without the right meet it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from distributedjob_local.cluster import Cluster

BINARY = r"printf 'task %d \377\000\n' $DJOB_INDEX; echo log $DJOB_INDEX >&2"
READER = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "reader"},
    "rules": [
        {
            "apiGroups": ["distributedjob.dev"],
            "resources": ["distributedjobs/log"],
            "verbs": ["get"],
        }
    ],
}


def djob_output(cluster: Cluster, *arguments: str, **environment: str) -> Any:
    return subprocess.run(
        [sys.executable, "-m", "distributedjob_cli", "output", *arguments],
        env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig), **environment},
        capture_output=True,
        check=False,
    )


def kubectl(cluster: Cluster, *arguments: str, document: object = None) -> str:
    done = cluster.kubectl(*arguments, input=json.dumps(document) if document else None)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def run_job(cluster: Cluster) -> None:
    job = {
        "apiVersion": "distributedjob.dev/v1alpha1",
        "kind": "DistributedJob",
        "metadata": {"name": "binary"},
        "spec": {"completions": 40, "template": {"command": ["sh", "-c", BINARY]}},
    }
    kubectl(cluster, "apply", "--filename=-", document=job)
    kubectl(cluster, "wait", "--for=condition=Complete", "--timeout=60s", "djob/binary")


def make_token(cluster: Cluster, account: str) -> str:
    kubectl(cluster, "create", "serviceaccount", account)
    return kubectl(cluster, "create", "token", account)


def test_output_reaches_those_who_may_read_it(cluster: Callable[..., Cluster]) -> None:
    """One cluster for the whole story: starting one takes seconds."""
    started = cluster(nodes=2)
    run_job(started)
    expected = b"".join(b"task %d \xff\0\n" % index for index in range(40))

    done = djob_output(started, "binary")
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, b"")
    done = djob_output(started, "binary", "--stream", "stderr")
    assert done.stdout == b"".join(b"log %d\n" % index for index in range(40))

    lease = kubectl(
        started, "get", "lease", "distributedjob", "--namespace=djob-system", "--output=json"
    )
    endpoint = json.loads(lease)["metadata"]["annotations"]["distributedjob.dev/endpoint"]
    token = make_token(started, "visitor")
    done = djob_output(started, "binary", DJOB_ENDPOINT=endpoint, DJOB_TOKEN=token)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == (
        b"djob: default/binary: needs the right to get distributedjobs/log in namespace default\n"
    )

    kubectl(started, "apply", "--filename=-", document=READER)
    account = "--serviceaccount=default:visitor"
    kubectl(started, "create", "rolebinding", "reader", "--role=reader", account)
    done = djob_output(started, "binary", DJOB_ENDPOINT=endpoint, DJOB_TOKEN=token)
    assert (done.returncode, done.stdout) == (0, expected), done.stderr

    done = djob_output(started, "binary", DJOB_ENDPOINT=endpoint, DJOB_TOKEN="garbage")
    assert (done.returncode, done.stderr) == (
        1,
        b"djob: default/binary: the API server does not know this token\n",
    )
    done = djob_output(started, "nowhere")
    assert (done.returncode, done.stderr) == (
        1,
        b"djob: there is no DistributedJob 'nowhere' in namespace 'default';"
        b" see them with: djob list -n default\n",
    )

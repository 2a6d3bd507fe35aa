"""What `helm test` runs: a job of three tasks, from its creation to its end."""

import sys
import time
import uuid
from pathlib import Path

from pykube.config import KubeConfig
from pykube.http import HTTPClient

SECONDS = 120
GROUP = "distributedjob.dev/v1alpha1"

namespace, pool, *command = sys.argv[1:]
account = Path("/var/run/secrets/kubernetes.io/serviceaccount")
client = HTTPClient(KubeConfig.from_service_account(account), timeout=10)
name = f"helm-test-{uuid.uuid4().hex[:8]}"
job = {
    "apiVersion": GROUP,
    "kind": "DistributedJob",
    "metadata": {"name": name, "namespace": namespace},
    "spec": {
        "completions": 3,
        "pool": pool,
        # As little as any pool has: a share of a small node may be less than one CPU.
        "template": {"command": command, "resources": {"requests": {"cpu": "10m"}}},
        "ttlSecondsAfterFinished": 600,
    },
}
created = client.post(
    version=GROUP, namespace=namespace, base="/apis", url="distributedjobs", json=job
)
if not created.ok:
    sys.exit(f"the job was refused: {created.text}")
deadline = time.monotonic() + SECONDS
said = ""
try:
    while True:
        url = f"distributedjobs/{name}"
        found = client.get(version=GROUP, namespace=namespace, base="/apis", url=url)
        if not found.ok:
            sys.exit(f"the job cannot be read: {found.text}")
        status = found.json().get("status", {})
        conditions = {each["type"]: each for each in status.get("conditions", ())}
        why = conditions.get("Reconciling", {}).get("message", "")
        line = (
            f"{status.get('phase', 'not seen by an operator')} {status.get('progress', '')} {why}"
        )
        if line != said:
            print(line.strip())
            said = line
        if conditions.get("Finished", {}).get("status") == "True":
            sys.exit(0 if status["phase"] == "Complete" else 1)
        if time.monotonic() > deadline:
            sys.exit(f"not finished after {SECONDS} s")
        time.sleep(0.2)
finally:
    client.delete(version=GROUP, namespace=namespace, base="/apis", url=f"distributedjobs/{name}")

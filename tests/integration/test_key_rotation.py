"""The keys of NATS are replaced under a running job: nobody restarts, nothing is lost."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nats.aio.client import Client
from nats.errors import Error

from distributedjob_local.cluster import Cluster
from tests.support.charts import CHART
from tests.support.jobs import Jobs
from tests.support.tasks import Ledger
from tests.support.waiting import wait_until

TASKS = 400
USERS = ("operator", "worker")


@contextmanager
def reloader(running: Cluster, folder: Path) -> Iterator[Path]:
    """What the chart puts beside NATS, for this cluster's server; yields the folder of its keys."""
    assert running.nats.component is not None
    target = Path(running.nats.component.command[-1])
    template = json.loads(target.read_text())
    keys = folder / "keys"
    keys.mkdir()
    for account in template["authorization"]["users"]:
        (keys / account["user"]).write_text(account.pop("password"))
    (folder / "nats.json").write_text(json.dumps(template))
    (folder / "nats.pid").write_text(str(running.nats.component.pid))
    script = CHART / "files" / "nats_config.py"
    files = (folder / "nats.json", keys, target, "--watch", "--pid", folder / "nats.pid")
    with subprocess.Popen([sys.executable, "-I", script, *files]) as process:
        try:
            yield keys
        finally:
            process.kill()


def accepted(url: str, user: str, password: str) -> bool:
    """Whether the server takes this password now."""

    async def tried() -> bool:
        async def silent(_: Exception) -> None:
            """The refusal is the answer."""

        client = Client()
        try:
            await client.connect(
                url, user=user, password=password, error_cb=silent, allow_reconnect=False
            )
        except (Error, OSError):
            return False
        finally:
            await client.close()
        return True

    return asyncio.run(tried())


def test_new_keys_reach_everyone_without_a_restart(
    cluster: Callable[..., Cluster], ledger: Ledger, tmp_path: Path
) -> None:
    running = cluster(nodes=2)
    processes = [running.nats.component, *running.operators, *running.workers]
    before = [each.pid for each in processes if each]
    old = {user: running.nats.password_file(user).read_text() for user in USERS}
    with reloader(running, tmp_path) as keys:
        jobs = Jobs(running, "default")
        command = ["sh", "-c", f"sleep 0.05; {ledger.note('$DJOB_INDEX')}"]
        jobs.apply("flight", command, completions=TASKS)
        ledger.wait_for(20)

        for user in USERS:
            (keys / user).write_text(f"a-new-password-of-{user}")
        for user in USERS:
            wait_until(
                lambda user=user: accepted(running.nats.url, user, old[user]),  # type: ignore[misc]
                lambda is_taken: not is_taken,
                30,
                f"the old password of {user} is refused",
            )
        # The clients' kubelets are later than the server's.
        for user in USERS:
            running.nats.password_file(user).write_text(f"a-new-password-of-{user}")
        status = jobs.wait_phase("flight", "Complete", "Failed", timeout=90)

    assert (status["phase"], status["succeeded"], status["failed"]) == ("Complete", TASKS, 0)
    assert ledger.indexes == list(range(TASKS))
    assert status["interruptions"] == 0
    assert [each.pid for each in processes if each and each.alive] == before

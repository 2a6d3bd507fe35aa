"""A stale leader changes nothing: each check is shown by what happens without it.

The broken builds are made here, by patches that the test applies; no switch ships.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import nats
import pytest
import yaml

from distributedjob_api.messages import Assign, Commands, Define, Refusal
from distributedjob_local.control_plane import ControlPlane
from distributedjob_operator.kube.client import connect
from distributedjob_operator.kube.distributedjobs import DistributedJobs
from distributedjob_operator.ports import Conflict
from tests.support.worker_driver import (
    FakeLeader,
    agent_process,
    assign,
    define,
    nats_process,
)

MANIFEST = {
    "apiVersion": "distributedjob.dev/v1alpha1",
    "kind": "DistributedJob",
    "metadata": {"name": "fenced"},
    "spec": {"completions": 3, "template": {"command": ["true"]}},
}
WITHOUT_EPOCH_CHECK = """
from distributedjob_worker.core.session import Session, Standing
Session.standing = lambda self, epoch, number: Standing.CURRENT
"""


async def write_as_stale_leader(
    control_plane: ControlPlane, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Write a status with a version that another leader's write has passed."""
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig))
    applied = control_plane.kubectl(
        "apply", "-n", namespace, "-o", "json", "-f", "-", input=yaml.safe_dump(MANIFEST)
    )
    metadata = json.loads(applied.stdout)["metadata"]
    where = (namespace, "fenced", metadata["uid"])
    api = await connect()
    try:
        store = DistributedJobs(api, [])
        seen_by_both = metadata["resourceVersion"]
        await store.write_status(*where, seen_by_both, {"epoch": 8, "succeeded": 3})
        with suppress(Conflict):
            await store.write_status(*where, seen_by_both, {"epoch": 7, "succeeded": 1})
        return dict((await store.read_job(namespace, "fenced"))["status"])
    finally:
        await api.close()


async def test_a_stale_status_write_fails(
    control_plane: ControlPlane, namespace: str, monkeypatch: pytest.MonkeyPatch
):
    status = await write_as_stale_leader(control_plane, namespace, monkeypatch)
    assert (status["epoch"], status["succeeded"]) == (8, 3)


async def test_without_the_version_the_stale_write_would_get_through(
    control_plane: ControlPlane, namespace: str, monkeypatch: pytest.MonkeyPatch
):
    checked = DistributedJobs.write_status

    async def blind(
        self: DistributedJobs, where: str, name: str, uid: str, version: str, status: dict[str, Any]
    ) -> str:
        body = await self.read_job(where, name)
        return await checked(self, where, name, uid, body["metadata"]["resourceVersion"], status)

    monkeypatch.setattr(DistributedJobs, "write_status", blind)
    status = await write_as_stale_leader(control_plane, namespace, monkeypatch)
    assert (status["epoch"], status["succeeded"]) == (7, 1)


@contextmanager
def a_patch(folder: Path, code: str) -> Iterator[dict[str, str]]:
    """An environment in which every Python process starts by running ``code``."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    yield {"PYTHONPATH": str(folder)}


async def order_as_stale_leader(folder: Path, ledger: Path, extra: dict[str, str]) -> FakeLeader:
    """Let the leader of epoch 5 be followed, then order a task as the one of epoch 4."""
    with nats_process(folder / "nats") as url, agent_process(url, folder / "agent", **extra):
        client = await nats.connect(url)
        try:
            leader = FakeLeader(client, epoch=5)
            await leader.listen()
            await leader.granted()
            touch: list[Define | Assign] = [define("touch", str(ledger)), assign((0, 0))]
            stale = [type(one)(*_numbered(one, number)) for number, one in enumerate(touch, 1)]
            await leader.send(Commands(4, leader.session, stale))
            await leader.until(
                lambda: ledger.exists() or any(isinstance(m, Refusal) for m in leader.heard)
            )
            return leader
        finally:
            await client.close()


def _numbered(command: Define | Assign, number: int) -> list[Any]:
    fields = [getattr(command, name) for name in command.__struct_fields__]
    return [number, *fields[1:]]


async def test_a_command_of_a_stale_leader_is_refused(tmp_path: Path):
    ledger = tmp_path / "ran"
    leader = await order_as_stale_leader(tmp_path, ledger, {})
    refusal = next(m for m in leader.heard if isinstance(m, Refusal))
    assert refusal.epoch == 5
    assert not ledger.exists()


async def test_without_the_epoch_check_the_stale_command_would_run(tmp_path: Path):
    ledger = tmp_path / "ran"
    with a_patch(tmp_path / "patch", WITHOUT_EPOCH_CHECK) as extra:
        await order_as_stale_leader(tmp_path, ledger, extra)
    assert ledger.exists()

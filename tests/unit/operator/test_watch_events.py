"""Through kopf's own machinery: every event reaches us, and nothing goes back."""

import asyncio
from typing import Any

import kopf
import pytest
from kopf._cogs.structs.references import Resource
from kopf._core.actions import application, lifecycles
from kopf._core.engines.indexing import OperatorIndexers
from kopf._core.reactor import inventory, processing

from distributedjob_api import constants
from distributedjob_operator.watch import Watch, quiet_settings
from tests.support.builders import job_body

JOBS = Resource(constants.GROUP, constants.VERSION, constants.PLURAL)


async def test_every_event_is_handed_over_as_it_came_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch,
):
    patches: list[Any] = []

    async def noted(*, patch: Any, **_: Any) -> tuple[None, None]:
        patches.append(dict(patch))
        return None, None

    monkeypatch.setattr(application, "patch_and_check", noted)
    jobs: list[tuple[Any, Any]] = []
    nodes: list[tuple[Any, Any]] = []
    registry = Watch(
        [], lambda kind, body: jobs.append((kind, body)), lambda *seen: nodes.append(seen)
    ).registry()
    memories, indexers = inventory.ResourceMemories(), OperatorIndexers()
    events = [
        (kind, {**job_body(version=version), "status": {"succeeded": version}})
        for version, kind in enumerate((None, "MODIFIED", "MODIFIED", "DELETED", "ADDED"), start=1)
    ]
    for kind, body in events:
        await processing.process_resource_event(
            lifecycle=lifecycles.all_at_once,
            indexers=indexers,
            registry=registry,
            settings=quiet_settings(),
            memories=memories,
            memobase=kopf.Memo(),
            resource=JOBS,
            raw_event={"type": kind, "object": body},  # type: ignore[typeddict-item]
            event_queue=asyncio.Queue(),
        )
    assert [kind for kind, _ in jobs] == [kind for kind, _ in events]
    assert all(got is sent for (_, got), (_, sent) in zip(jobs, events, strict=True))
    assert not nodes
    assert patches == [{}] * 4

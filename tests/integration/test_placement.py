"""Where tasks run and what they are told, and items that stand elsewhere, on real parts."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from distributedjob_local import bootstrap
from distributedjob_local.cluster import Cluster
from tests.support.jobs import Jobs, condition
from tests.support.tasks import Ledger, once

ON_NODE = "$DJOB_INDEX $DJOB_NODE"


def items(jobs: Jobs, *lines: str) -> None:
    """The ConfigMap ``list``, made or changed."""
    document = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "list", "namespace": jobs.namespace},
        "data": {"items.txt": "\n".join(lines)},
    }
    jobs.kubectl("apply", "-f", "-", input=json.dumps(document))


ITEMS_FROM = {"configMapKeyRef": {"name": "list", "key": "items.txt"}}


def test_items_come_from_a_config_map_as_soon_as_it_is_there(jobs: Jobs, ledger: Ledger):
    command = ["sh", "-c", ledger.note("$DJOB_INDEX", "$DJOB_ITEM")]
    jobs.apply("late", command, itemsFrom=ITEMS_FROM)
    status = jobs.wait_reason("late", "ItemsMissing")
    assert "list" in condition(status, "Reconciling")["message"]
    assert ledger.lines == []
    items(jobs, "apple", "pear", "fig")
    status = jobs.wait_phase("late", "Complete", "Failed")
    assert (status["phase"], status["progress"]) == ("Complete", "3/3")
    assert sorted(ledger.lines) == ["0 apple", "1 pear", "2 fig"]


def test_a_key_that_holds_no_text_is_named(jobs: Jobs):
    document = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "list", "namespace": jobs.namespace},
        "binaryData": {"items.txt": "/w=="},
    }
    jobs.kubectl("apply", "-f", "-", input=json.dumps(document))
    jobs.apply("binary", ["true"], itemsFrom=ITEMS_FROM)
    status = jobs.wait_reason("binary", "ItemsUnreadable")
    assert "binaryData" in condition(status, "Reconciling")["message"]


def test_a_config_map_that_changes_never_leads_to_a_wrong_run(
    cluster: Callable[..., Cluster], ledger: Ledger, tmp_path: Path
):
    """A new leader reads the list before anything else."""
    jobs, gate = Jobs(cluster(nodes=1), "default"), tmp_path / "gate"
    note = ledger.note("$DJOB_INDEX", "$DJOB_ITEM")
    waits = f'[ "$DJOB_INDEX" = 0 ] || {{ {once(gate)}; }}'
    items(jobs, "apple", "pear", "fig")
    jobs.apply("held", ["sh", "-c", f"{note}; {waits}"], itemsFrom=ITEMS_FROM)
    ledger.wait_for(2)
    jobs.patch("held", {"suspend": True})
    jobs.wait_for("held", "Suspended")
    items(jobs, "apple", "PEAR", "fig")
    operator = jobs.cluster.operators[0]
    operator.kill()
    operator.start()
    gate.touch()
    jobs.patch("held", {"suspend": False})
    status = jobs.wait_reason("held", "ItemsChanged")
    assert "list" in condition(status, "Reconciling")["message"]
    assert ledger.lines == ["0 apple", "1 pear"]
    items(jobs, "apple", "pear", "fig")
    jobs.wait_for("held", "Complete")
    assert ledger.lines == ["0 apple", "1 pear", "1 pear", "2 fig"]


@contextmanager
def changed_node(jobs: Jobs, *there: str, back: tuple[str, ...]) -> Iterator[None]:
    """Change a node with kubectl, and back."""
    jobs.kubectl(*there)
    try:
        yield
    finally:
        jobs.kubectl(*back)


def test_two_namespaces_share_the_slots_fairly(
    jobs: Jobs, shared_cluster: Cluster, ledger: Ledger, tmp_path: Path
):
    """However many jobs each of them has."""
    gate = tmp_path / "gate"
    jobs.apply("full", ["sh", "-c", once(gate)], completions=3, priority=10)
    jobs.wait_running("full", 3)
    other = Jobs(shared_cluster, f"jobs-{uuid.uuid4().hex[:8]}")
    bootstrap.apply_namespace(shared_cluster.api, other.namespace)
    crowd = [(jobs, name) for name in ("one", "two", "three")] + [(other, "only")]
    # So long that the leader hands out each of them when a slot is free.
    command = ["sh", "-c", f"{ledger.note('$DJOB_NAMESPACE')}; sleep 1.2"]
    quarter = {"resources": {"requests": {"cpu": "250m"}}}
    for whose, name in crowd:
        whose.apply(name, command, completions=18, template=quarter)
        whose.wait_reason(name, "NoFreeCPU")
    gate.touch()
    ledger.wait_for(36)
    for whose, name in crowd:
        whose.patch(name, {"cancel": True})
    # Twelve run at a time, six of each.
    assert 10 <= ledger.lines[:24].count(other.namespace) <= 14


def test_tasks_run_where_the_node_selector_says(jobs: Jobs, ledger: Ledger):
    selector = {"example.com/disk": "fast"}
    jobs.apply("chosen", ["sh", "-c", ledger.note(ON_NODE)], completions=6, nodeSelector=selector)
    jobs.wait_reason("chosen", "NoMatchingNode")
    label = ("label", "node", "node-2")
    back = (*label, "example.com/disk-")
    with changed_node(jobs, *label, "example.com/disk=fast", back=back):
        jobs.wait_for("chosen", "Complete")
    assert {line.split()[1] for line in ledger.lines} == {"node-2"}


def test_a_taint_keeps_tasks_away_unless_tolerated(jobs: Jobs, ledger: Ledger):
    note = ["sh", "-c", f"{ledger.note('$DJOB_NAME $DJOB_NODE')}; sleep 0.2"]
    toleration = {"key": "example.com/batch", "operator": "Exists", "effect": "NoSchedule"}
    taint = ("taint", "node", "node-3")
    back = (*taint, "example.com/batch-")
    with changed_node(jobs, *taint, "example.com/batch=yes:NoSchedule", back=back):
        jobs.wait_kept_off("node-3")
        jobs.apply("kept-away", note, completions=9)
        jobs.wait_for("kept-away", "Complete")
        jobs.apply("tolerant", note, completions=9, tolerations=[toleration])
        jobs.wait_for("tolerant", "Complete")
    where = {(line.split()[0], line.split()[1]) for line in ledger.lines}
    assert ("kept-away", "node-3") not in where
    assert ("tolerant", "node-3") in where


def test_a_request_of_more_memory_than_any_node_has_waits_and_heals(jobs: Jobs):
    node = json.loads(jobs.kubectl("get", "node", "node-1", "-o", "json"))["status"]["allocatable"]
    patch = ("patch", "node", "node-1", "--subresource=status", "--type=merge", "-p")

    def memory(value: str) -> str:
        return json.dumps({"status": {"allocatable": {"memory": value}}})

    with changed_node(jobs, *patch, memory("1Mi"), back=(*patch, memory(node["memory"]))):
        template = {"resources": {"requests": {"memory": "64Mi"}}}
        selector = {"kubernetes.io/hostname": "node-1"}
        jobs.apply("large", ["true"], template=template, nodeSelector=selector)
        status = jobs.wait_reason("large", "RequestTooLarge")
        assert "64 Mi" in condition(status, "Reconciling")["message"]
        assert status["phase"] == "Pending"
    jobs.wait_for("large", "Complete")


def test_a_retry_stays_on_its_node_when_asked(jobs: Jobs, ledger: Ledger):
    policy = {"initialSeconds": 0, "placement": "SameNode"}
    fails = f'{ledger.note(ON_NODE)}; [ "$DJOB_ATTEMPT" -ge 3 ]'
    jobs.apply("local", ["sh", "-c", fails], completions=3, retryPolicy=policy)
    jobs.wait_for("local", "Complete")
    assert len(ledger.lines) == 9
    assert len(set(ledger.lines)) == 3


@pytest.mark.parametrize("path", ["metadata.name", "metadata.namespace", "metadata.uid"])
def test_a_variable_takes_a_field_of_the_job(jobs: Jobs, ledger: Ledger, path: str):
    source = {"valueFrom": {"fieldRef": {"fieldPath": path}}}
    node = {"valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    env = [{"name": "FIELD", **source}, {"name": "NODE", **node}]
    command = ["sh", "-c", ledger.note("$FIELD", "$NODE", "$DJOB_NODE")]
    jobs.apply("told", command, template={"env": env})
    jobs.wait_for("told", "Complete")
    metadata = json.loads(jobs.kubectl("get", "djob", "told", "-o", "json"))["metadata"]
    [(field, node_name, seen)] = [line.split() for line in ledger.lines]
    assert (field, node_name) == (metadata[path.removeprefix("metadata.")], seen)

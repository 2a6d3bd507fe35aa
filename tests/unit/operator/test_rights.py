"""Least privilege: what the code calls is what the chart grants, and nothing besides."""

import ast
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[3]
CODE: Final = ROOT / "operator" / "distributedjob_operator"
INSTALLED: Final = list(
    yaml.safe_load_all((ROOT / "gitops" / "kustomize" / "install.yaml").read_text())
)
JOBS: Final = ("distributedjob.dev", "distributedjobs")
LEASES: Final = ("coordination.k8s.io", "leases")

CALLS: Final = {
    "create_namespaced_event": ("events.k8s.io", "events", "create"),
    "create_namespaced_lease": (*LEASES, "create"),
    "create_subject_access_review": (
        "authorization.k8s.io",
        "subjectaccessreviews",
        "create",
    ),
    "create_token_review": ("authentication.k8s.io", "tokenreviews", "create"),
    "delete_namespaced_custom_object": (*JOBS, "delete"),
    "get_namespaced_custom_object": (*JOBS, "get"),
    "list_cluster_custom_object": (*JOBS, "list"),
    "list_namespaced_custom_object": (*JOBS, "list"),
    # Only ever with watch=True.
    "list_namespaced_lease_without_preload_content": (*LEASES, "watch"),
    "list_node_without_preload_content": ("", "nodes", "list"),
    "read_namespaced_config_map": ("", "configmaps", "get"),
    "read_namespaced_lease": (*LEASES, "get"),
    "replace_namespaced_custom_object_status": (JOBS[0], f"{JOBS[1]}/status", "update"),
    "replace_namespaced_lease": (*LEASES, "update"),
}
"""Methods of the client that the operator uses, as the API server sees them."""

NOT_GRANTED: Final = {
    # The chart makes the Lease: a right to create one could not be bound to a name.
    CALLS["create_namespaced_lease"],
}
WATCHED: Final = {(*JOBS, "list"), (*JOBS, "watch"), ("", "nodes", "list"), ("", "nodes", "watch")}
"""What kopf does for the two resources that ``watch`` names."""

Right = tuple[str, str, str]


def called() -> set[str]:
    """The methods of the client's APIs that the adapters mention."""
    verbs = ("create_", "delete_", "get_", "list_", "patch_", "read_", "replace_", "connect_")
    names = set()
    for file in (CODE / "kube").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and node.attr.startswith(verbs)
                and isinstance(node.value, ast.Attribute)
                and isinstance(node.value.value, ast.Name)
                and node.value.value.id == "self"
            ):
                names.add(node.attr)
    return names


def granted(account: str) -> set[Right]:
    """What the roles bound to an account let it do."""
    roles = {
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]): each
        for each in INSTALLED
        if each["kind"] in ("Role", "ClusterRole")
    }
    found = set()
    for each in INSTALLED:
        if each["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        if account not in [subject["name"] for subject in each["subjects"]]:
            continue
        kind = each["roleRef"]["kind"]
        namespace = each["metadata"].get("namespace") if kind == "Role" else None
        for rule in roles[kind, namespace, each["roleRef"]["name"]]["rules"]:
            found |= rights_of(rule)
    return found


def rights_of(rule: dict[str, Any]) -> set[Right]:
    return {
        (group, resource, verb)
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_every_call_is_known_here() -> None:
    assert called() == CALLS.keys()


def test_the_operator_may_do_what_it_calls_and_nothing_else() -> None:
    needed = {CALLS[name] for name in called()} | WATCHED
    assert granted("distributedjob-operator") == needed - NOT_GRANTED


def test_the_lease_is_the_only_one_that_is_opened() -> None:
    rules = [
        rule
        for each in INSTALLED
        if each["kind"] in ("Role", "ClusterRole")
        for rule in each["rules"]
        if "leases" in rule["resources"]
    ]
    assert rules
    assert all(rule["resourceNames"] == ["distributedjob"] for rule in rules)


def test_the_lease_is_made_by_the_chart() -> None:
    assert [each["metadata"]["name"] for each in INSTALLED if each["kind"] == "Lease"] == [
        "distributedjob"
    ]


def test_workers_and_nats_have_no_rights_and_no_token() -> None:
    pods = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in INSTALLED
        if each["kind"] in ("DaemonSet", "StatefulSet")
    }
    assert set(pods) == {"distributedjob-worker-default", "distributedjob-nats"}
    for pod in pods.values():
        assert pod["automountServiceAccountToken"] is False
        assert granted(pod["serviceAccountName"]) == set()

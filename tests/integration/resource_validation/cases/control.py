"""Suspension, reruns, priority and nodes: what the API server takes and what it refuses."""

from tests.support.validation import items, out_of_bounds, refused, spec


def rerun(token="1", **fields):
    return spec(rerun={"token": token} | fields)


def tolerating(**fields):
    return spec(tolerations=[fields])


LONGEST_KEY = "a" * 253 + "/" + "b" * 63

REFUSED = [
    refused("spec.suspendMode", '"Drain", "Now"', spec(suspendMode="Later"), case="a third mode"),
    refused("spec.suspend", "must be of type boolean", spec(suspend="yes"), case="a word"),
    # Running again.
    refused("spec.rerun.token", "Required value", spec(rerun={}), case="no token"),
    *(
        refused(
            "token must be letters, digits",
            "write something like 2026-01-31",
            rerun(token),
            case=case,
        )
        for case, token in {
            "an empty token": "",
            "a blank in a token": "a b",
            "a newline in a token": "a\n",
            "a dash at the end of a token": "a-",
        }.items()
    ),
    refused("spec.rerun.token", "may not be more than 64", rerun("a" * 65), case="a long token"),
    *(
        refused(
            "indexes must be indexes and ranges",
            "write failed, or something like 0-99,200",
            rerun(indexes=text),
            case=case,
        )
        for case, text in {
            "no index again": "",
            "an unknown word": "all",
            "a word beside an index": "failed,1",
        }.items()
    ),
    refused(
        "indexes must ascend", "write something like 0-99,200", rerun(indexes="9-3"), case="down"
    ),
    refused("rerun.indexes", "more than 65536", rerun(indexes="1" * 65_537), case="long indexes"),
    *(
        refused("indexes of rerun must be below completions", "write 99 at most", given, case=case)
        for case, given in {
            "a rerun beyond completions": rerun(indexes="0-100"),
            "a rerun beyond the items": items("a") | {"rerun": {"token": "1", "indexes": "1"}},
        }.items()
    ),
    refused(
        "rerun cannot be set or changed where cancel is true",
        "create the job anew",
        rerun() | {"cancel": True},
        case="a rerun of what is cancelled",
    ),
    # Before whom and where.
    *out_of_bounds(
        "spec",
        [
            ("priority", -1001, "greater than or equal to -1000"),
            ("priority", 1001, "less than or equal to 1000"),
        ],
        spec,
    ),
    refused(
        "spec.nodeSelector",
        "at most 32",
        spec(nodeSelector={f"a{i}": "" for i in range(33)}),
        case="too many labels",
    ),
    *(
        refused(
            "key of nodeSelector must be a label's key",
            "write something like example.com/disk",
            spec(nodeSelector={key: "a"}),
            case=case,
        )
        for case, key in {
            "nameless label": "",
            "label without a name": "example.com/",
            "label with two slashes": "a/b/c",
            "label of blanks": "a b",
            "long label": "a" * 64,
            "long label with a prefix": "a" + LONGEST_KEY,
            "a subject wildcard for a label": "*",
        }.items()
    ),
    *(
        refused(
            "value of nodeSelector must be a label's value",
            "write something like ssd",
            spec(nodeSelector={"a": value}),
            case=case,
        )
        for case, value in {"a dash for a value": "-", "a path for a value": "../a"}.items()
    ),
    refused(
        "spec.nodeSelector.a", "more than 63", spec(nodeSelector={"a": "a" * 64}), case="long value"
    ),
    refused(
        "spec.tolerations",
        "at most 32 items",
        spec(tolerations=[{"operator": "Exists"}] * 33),
        case="too many tolerations",
    ),
    refused(
        "value must be empty where operator is Exists",
        "keep value out",
        tolerating(key="a", operator="Exists", value="b"),
        case="a value that is not compared",
    ),
    *(
        refused("operator must be Exists where key is empty", "write the key", given, case=case)
        for case, given in {
            "an empty toleration": tolerating(),
            "a value of every taint": tolerating(operator="Equal", value="a"),
        }.items()
    ),
    refused(
        "key must be a taint's key",
        "write something like example.com/dedicated",
        tolerating(key="a b"),
        case="a taint of blanks",
    ),
    refused(
        "tolerations[0].key", "more than 317", tolerating(key="a" * 318), case="long key of a taint"
    ),
    refused(
        "value must be a taint's value",
        "write something like batch",
        tolerating(key="a", value="b c"),
        case="a taint's value of blanks",
    ),
    refused(
        "tolerations[0].value",
        "more than 63",
        tolerating(key="a", value="a" * 64),
        case="long value of a taint",
    ),
    refused(
        "tolerations[0].operator",
        '"Exists", "Equal"',
        tolerating(key="a", operator="In"),
        case="in",
    ),
    refused(
        "tolerations[0].effect",
        '"NoSchedule", "PreferNoSchedule", "NoExecute"',
        tolerating(key="a", effect="Never"),
        case="an unknown effect",
    ),
    # Whose.
    *(
        refused(
            "managedBy must be a path with a domain in front",
            "write something like example.com/controller",
            spec(managedBy=name),
            case=case,
        )
        for case, name in {
            "nobody": "",
            "no domain": "controller",
            "a domain alone": "example.com/",
            "a path alone": "/controller",
            "capitals in a domain": "Example.com/controller",
        }.items()
    ),
    refused(
        "spec.managedBy", "may not be more than 63", spec(managedBy="a/" + "b" * 62), case="long"
    ),
]

ACCEPTED = {
    "suspended from the start": spec(suspend=True, suspendMode="Drain"),
    "a mode without suspension": spec(suspendMode="Drain"),
    "cancelled from the start": spec(cancel=True),
    "the longest token": rerun("a" * 64),
    "a time for a token": rerun("2026-01-31T10:20:30.5+01:00"),
    "the failed ones again": rerun(indexes="failed"),
    "all again": rerun(indexes="0-99"),
    "the lowest priority": spec(priority=-1000),
    "the highest priority": spec(priority=1000),
    "the longest label": spec(nodeSelector={LONGEST_KEY: "a" * 63}),
    "the most labels": spec(nodeSelector={f"example.com/a{i}": "A_b.c-1" for i in range(32)}),
    "an empty label value": spec(nodeSelector={"node-role.kubernetes.io/gpu": ""}),
    "every taint": tolerating(operator="Exists"),
    "every taint of one effect": tolerating(operator="Exists", effect="NoExecute"),
    "an empty taint value": tolerating(key="a"),
    "the largest toleration": tolerating(
        key=LONGEST_KEY, operator="Equal", value="a" * 63, effect="PreferNoSchedule"
    ),
    "managed by this operator": spec(managedBy="distributedjob.dev/operator"),
    "managed by Kueue": spec(managedBy="kueue.x-k8s.io/multikueue"),
}

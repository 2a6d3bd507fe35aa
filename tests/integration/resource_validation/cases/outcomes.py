"""What a failure and a success mean: what the API server takes and what it refuses."""

from distributedjob_api.v1alpha1 import FailureReason
from tests.support.validation import items, refused, spec


def failing(*rules):
    return spec(failurePolicy={"rules": list(rules)})


def codes(*values, operator="In"):
    return failing(
        {"action": "Ignore", "onExitCodes": {"operator": operator, "values": list(values)}}
    )


def why(*reasons, action="Ignore"):
    return failing({"action": action, "onReasons": list(reasons)})


def succeeding(*rules, **fields):
    return spec(successPolicy={"rules": list(rules)}, **fields)


LARGEST_INDEXES = ",".join(str(i) for i in range(1, 200_001, 12))[:65_534].rpartition(",")[0]
LONGEST_INDEXES = ",".join(str(i) for i in range(1, 20_001, 12))[:4094].rpartition(",")[0]


REFUSED = [
    # What a failure means.
    refused("failurePolicy.rules", "Required value", spec(failurePolicy={}), case="no rule list"),
    refused("failurePolicy.rules", "at least 1 items", failing(), case="no failure rule"),
    refused(
        "failurePolicy.rules",
        "at most 20 items",
        failing(*[{"action": "Count", "onReasons": ["Error"]}] * 21),
        case="too many failure rules",
    ),
    refused("rules[0].action", "Required value", failing({"onReasons": ["Error"]}), case="inert"),
    refused("rules[0].action", '"FailJob", "FailIndex"', why("Error", action="Retry"), case="act"),
    *(
        refused(
            "exactly one of onExitCodes and onReasons", "write a rule for each", given, case=case
        )
        for case, given in {
            "a rule that matches nothing": failing({"action": "Ignore"}),
            "a rule that matches by both": failing(
                {
                    "action": "Ignore",
                    "onReasons": ["Error"],
                    "onExitCodes": {"operator": "In", "values": [1]},
                }
            ),
        }.items()
    ),
    refused("onExitCodes.values", "at least 1 items", codes(), case="no exit code"),
    refused("onExitCodes.values", "at most 255", codes(*range(256)), case="too many exit codes"),
    refused("values[0]", "greater than or equal to 0", codes(-1), case="negative exit code"),
    refused("values[0]", "less than or equal to 255", codes(256), case="exit code of two bytes"),
    refused("values[1]", "Duplicate value", codes(1, 1), case="repeated exit code"),
    refused("values must ascend", "write something like [1, 42]", codes(2, 1), case="descending"),
    refused(
        "values of the operator In must not hold 0",
        "write codes from 1",
        codes(0, 1),
        case="success as a failure",
    ),
    refused("onExitCodes.operator", '"In", "NotIn"', codes(1, operator="Is"), case="operator"),
    refused("onReasons", "at least 1 items", why(), case="no reason"),
    refused("onReasons[1]", "Duplicate value", why("Error", "Error"), case="repeated reason"),
    *(
        refused("onReasons[0]", '"Error", "Signaled", "Interrupted"', why(reason), case=case)
        for case, reason in {
            "an unknown reason": "OutOfLuck",
            "a reason that is no failure": "Stopped",
            "a reason that comes after the rules": "InterruptionLimitExceeded",
        }.items()
    ),
    # What success means.
    refused("successPolicy.rules", "Required value", spec(successPolicy={}), case="no rules"),
    refused("successPolicy.rules", "at least 1 items", succeeding(), case="no success rule"),
    refused(
        "successPolicy.rules",
        "at most 20 items",
        succeeding(*[{"succeededCount": 1}] * 21),
        case="too many success rules",
    ),
    refused(
        "must have succeededIndexes, succeededCount or both",
        "write succeededCount: 1",
        succeeding({}),
        case="a rule that always holds",
    ),
    refused(
        "rules[0].succeededCount",
        "greater than or equal to 1",
        succeeding({"succeededCount": 0}),
        case="success of nothing",
    ),
    refused(
        "rules[0].succeededCount",
        "less than or equal to 1000000",
        succeeding({"succeededCount": 1_000_001}),
        case="success of more than a job can hold",
    ),
    *(
        refused("succeededCount must not exceed completions", "lower it", given, case=case)
        for case, given in {
            "success of more than completions": succeeding({"succeededCount": 101}),
            "success of more than the items": items("a")
            | {"successPolicy": {"rules": [{"succeededCount": 2}]}},
        }.items()
    ),
    *(
        refused(
            "succeededCount must not exceed the number of indexes",
            "lower it, or write more indexes",
            succeeding({"succeededIndexes": text, "succeededCount": count}),
            case=case,
        )
        for case, text, count in [
            ("two of one index", "7", 2),
            ("five of a range of four", "3-6", 5),
            ("eight of seven in two ranges and an index", "0-2,5,10-12", 8),
        ]
    ),
    *(
        refused(
            "succeededIndexes must be indexes and ranges",
            "write something like 0-99,200",
            succeeding({"succeededIndexes": text}),
            case=case,
        )
        for case, text in {"no index at all": "", "a word": "all", "an open range": "3-"}.items()
    ),
    refused(
        "succeededIndexes must ascend",
        "write something like 0-99,200",
        succeeding({"succeededIndexes": "3,1"}),
        case="descending indexes of success",
    ),
    *(
        refused("succeededIndexes must be below completions", "write 99 at most", given, case=case)
        for case, given in {
            "success beyond completions": succeeding({"succeededIndexes": "0-100"}),
            "success beyond the items": items("a")
            | {"successPolicy": {"rules": [{"succeededCount": 1}, {"succeededIndexes": "1"}]}},
        }.items()
    ),
    refused(
        "succeededIndexes",
        "may not be more than 4096",
        succeeding({"succeededIndexes": "1" * 4097}),
        case="long indexes of success",
    ),
]

ACCEPTED = {
    "the most failure rules with the most codes": failing(
        *[
            {
                "action": "FailIndex",
                "onExitCodes": {"operator": "In", "values": list(range(1, 256))},
            }
        ]
        * 20
    ),
    "any exit code": codes(0, operator="NotIn"),
    "every reason": why(*FailureReason, action="FailJob"),
    "the most success rules with the longest indexes": succeeding(
        *[{"succeededIndexes": LONGEST_INDEXES, "succeededCount": 2}] * 20, completions=1_000_000
    ),
    "as many as there are": succeeding(
        {"succeededIndexes": "0-2,5,10-12", "succeededCount": 7}, {"succeededCount": 100}
    ),
    "everything at its largest": spec(
        completions=500_000,
        indexes=LARGEST_INDEXES,
        rerun={"token": "a" * 64, "indexes": LARGEST_INDEXES},
        template={"command": ["a" * 32_000, "b" * 32_000]},
        failurePolicy={
            "rules": [
                {
                    "action": "FailIndex",
                    "onExitCodes": {"operator": "NotIn", "values": list(range(255))},
                }
            ]
            * 20
        },
        successPolicy={"rules": [{"succeededIndexes": LONGEST_INDEXES, "succeededCount": 2}] * 20},
        nodeSelector={f"{'a' * 253}/{'b' * 60}{i}": "c" * 63 for i in range(32)},
        tolerations=[{"key": f"{'a' * 253}/{'b' * 63}", "value": "c" * 63}] * 32,
    ),
    "the last index of all": succeeding({"succeededIndexes": "99"}),
}

"""How tasks are run and tried again: what the API server takes and what it refuses."""

from tests.support.validation import items, items_from, out_of_bounds, refused, spec

REFUSED = [
    *(
        refused(f"spec.{name}", words, spec(**{name: value}), case=f"{name} {value}")
        for name, value, words in [
            ("parallelism", -1, "greater than or equal to 0"),
            ("parallelism", 1_000_001, "less than or equal to 1000000"),
            ("backoffLimitPerIndex", -1, "greater than or equal to 0"),
            ("backoffLimitPerIndex", 101, "less than or equal to 100"),
            ("interruptionLimit", -1, "greater than or equal to 0"),
            ("interruptionLimit", 101, "less than or equal to 100"),
        ]
    ),
    *(
        refused(
            "above 500000 completions, backoffLimitPerIndex and interruptionLimit",
            "lower them or split the job",
            spec(completions=500_001, **{name: 11}),
            case=f"a large job with a large {name}",
        )
        for name in ("backoffLimitPerIndex", "interruptionLimit")
    ),
    *(
        refused(
            f"spec.retryPolicy.{name}",
            words,
            spec(retryPolicy={name: value}),
            case=f"{name} {value}",
        )
        for name, value, words in [
            ("initialSeconds", -1, "greater than or equal to 0"),
            ("initialSeconds", 86_401, "less than or equal to 86400"),
            ("factor", 0, "greater than or equal to 1"),
            ("factor", 11, "less than or equal to 10"),
            ("maxSeconds", -1, "greater than or equal to 0"),
            ("maxSeconds", 86_401, "less than or equal to 86400"),
            ("placement", "Near", '"Anywhere", "OtherNode", "SameNode"'),
        ]
    ),
    refused(
        "maxSeconds must not be below initialSeconds",
        "raise maxSeconds or lower initialSeconds",
        spec(retryPolicy={"initialSeconds": 61}),
        case="a longest wait below the first",
    ),
    *(
        refused(f"spec.output.{name}", words, spec(output={name: value}), case=f"{name} {value}")
        for name, value, words in [
            ("limitBytes", -1, "greater than or equal to 0"),
            ("limitBytes", 1_048_577, "less than or equal to 1048576"),
            ("policy", "Some", '"All", "Failed", "None"'),
        ]
    ),
    *(
        refused(
            "pool must be lower-case letters", "write something like gpu-nodes", given, case=case
        )
        for case, given in {
            "capitals in a pool": spec(pool="GPU"),
            "dots in a pool": spec(pool="a.b"),
            "no pool": spec(pool=""),
            "pool that ends in a dash": spec(pool="a-"),
        }.items()
    ),
    refused("spec.pool", "may not be more than 63", spec(pool="a" * 64), case="long pool"),
    # When failures end the job.
    *out_of_bounds(
        "spec",
        [
            ("backoffLimit", -1, "greater than or equal to 0"),
            ("backoffLimit", 2**31, "less than or equal to 2147483647"),
            ("maxFailedIndexes", -1, "greater than or equal to 0"),
            ("maxFailedIndexes", 1_000_001, "less than or equal to 1000000"),
            ("activeDeadlineSeconds", 0, "greater than or equal to 1"),
            ("activeDeadlineSeconds", 2**31, "less than or equal to 2147483647"),
            ("ttlSecondsAfterFinished", -1, "greater than or equal to 0"),
            ("ttlSecondsAfterFinished", 2**31, "less than or equal to 2147483647"),
        ],
        spec,
    ),
    *(
        refused("maxFailedIndexes must not exceed completions", "lower it", given, case=case)
        for case, given in {
            "more failed indexes than completions": spec(maxFailedIndexes=101),
            "more failed indexes than items": items("a") | {"maxFailedIndexes": 2},
        }.items()
    ),
]

ACCEPTED = {
    "paused": spec(parallelism=0),
    "every limit at its lowest": spec(
        backoffLimitPerIndex=0,
        interruptionLimit=0,
        retryPolicy={"initialSeconds": 0, "factor": 1, "maxSeconds": 0},
        output={"policy": "None", "limitBytes": 0},
    ),
    "every limit at its highest": spec(
        completions=500_000,
        backoffLimitPerIndex=100,
        interruptionLimit=100,
        retryPolicy={"initialSeconds": 86_400, "factor": 10, "maxSeconds": 86_400},
        output={"policy": "Failed", "limitBytes": 1_048_576},
    ),
    "every policy at its lowest": spec(
        backoffLimit=0, maxFailedIndexes=0, activeDeadlineSeconds=1, ttlSecondsAfterFinished=0
    ),
    "every policy at its highest": spec(
        completions=1_000_000,
        backoffLimit=2**31 - 1,
        maxFailedIndexes=1_000_000,
        activeDeadlineSeconds=2**31 - 1,
        ttlSecondsAfterFinished=2**31 - 1,
    ),
    "all indexes may fail": spec(maxFailedIndexes=100),
    "limits on items that are not known yet": items_from(
        maxFailedIndexes=1000, successPolicy={"rules": [{"succeededIndexes": "0-999999"}]}
    ),
    "again on the same node": spec(retryPolicy={"placement": "SameNode"}),
}

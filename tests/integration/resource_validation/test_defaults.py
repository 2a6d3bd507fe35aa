"""What a real API server adds to a DistributedJob, and keeps of its status."""

from distributedjob_api.v1alpha1 import parse
from tests.support.validation import spec


def test_defaults_appear_in_the_stored_object(jobs):
    stored = jobs.create(spec())["spec"]
    assert stored == {
        "completions": 100,
        "template": {
            "command": ["true"],
            "args": [],
            "env": [],
            "workingDir": "",
            "scratchDir": True,
            "resources": {"requests": {"cpu": "1"}},
            "terminationGracePeriodSeconds": 30,
        },
        "backoffLimitPerIndex": 3,
        "interruptionLimit": 5,
        "retryPolicy": {
            "initialSeconds": 1,
            "factor": 2,
            "maxSeconds": 60,
            "placement": "Anywhere",
        },
        "suspend": False,
        "suspendMode": "Now",
        "cancel": False,
        "priority": 0,
        "nodeSelector": {},
        "tolerations": [],
        "pool": "default",
        "output": {"policy": "All", "limitBytes": 65536},
    }


def test_defaults_appear_in_the_parts_that_are_unset_by_default(jobs):
    stored = jobs.create(spec(rerun={"token": "1"}, tolerations=[{"key": "a"}]))["spec"]
    assert stored["rerun"] == {"token": "1", "indexes": "failed"}
    assert stored["tolerations"] == [{"key": "a", "operator": "Equal", "value": "", "effect": ""}]


STATUS = {
    "observedGeneration": 1,
    "phase": "Running",
    "conditions": [
        {
            "type": "Reconciling",
            "status": "True",
            "reason": "TasksRunning",
            "message": "10 of 100 tasks done.",
            "lastTransitionTime": "2026-01-02T03:04:05Z",
            "observedGeneration": 1,
        }
    ],
    "startTime": "2026-01-02T03:04:05Z",
    "completionTime": "2026-01-02T03:04:06.250000Z",
    "progress": "10/100",
    "duration": "1m5s",
    "pending": 80,
    "running": 10,
    "succeeded": 9,
    "failed": 1,
    "cancelled": 2,
    "failures": 5,
    "retries": 3,
    "interruptions": 4,
    "completedIndexes": "0-8",
    "failedIndexes": "9",
    "exact": {"completed": "AA==", "failed": "AA=="},
    "counters": {
        "uncharged": ["AA=="],
        "failures": ["AA=="],
        "interruptions": ["AA=="],
        "ignored": ["AA=="],
    },
    "recentFailures": [
        {
            "index": 9,
            "attempt": 4,
            "node": "node-1",
            "reason": "NonZeroExit",
            "exitCode": 2,
            "signal": 9,
            "tail": "no such file",
        }
    ],
    "nodes": ["node-1", "node-2"],
    "installation": "djob-system/distributedjob",
    "leader": "operator-a",
    "epoch": 1 << 40,
    "run": 0,
    "rerunToken": "2026-01-31",
    "rerunIndexes": "AA==",
    "itemsHash": "0" * 64,
    "activeSeconds": 12.5,
    "dispatchedBelow": 20,
}


def test_every_field_of_the_status_is_stored_and_read_back(jobs):
    written = jobs.write_status(jobs.create(spec()), STATUS)
    assert isinstance(written, dict), written
    assert written["status"] == STATUS
    assert parse(written).status.model_dump(mode="json", by_alias=True) == STATUS

"""Every version that an object had, and the laws that a job's versions keep.

The laws are those of ``batch/v1`` Job (KEP-3998, KEP-4368): an end is announced
before it is final, it is final when nothing runs, the ends exclude each other, and
what was counted or decided stays so.
"""

import itertools
import json
from dataclasses import dataclass
from typing import Any

from distributedjob_api import constants
from distributedjob_api.indexes import CUT_MARK, parse_indexes
from tests.support.jobs import Jobs, condition

Version = dict[str, Any]

ANNOUNCED_BY = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}
ENDS = (*ANNOUNCED_BY, "Cancelled")
FOR_GOOD = (*ENDS, *ANNOUNCED_BY.values(), "Finished")
COUNTS = ("succeeded", "failed", "failures", "retries", "interruptions")


@dataclass(frozen=True)
class Watch:
    """The jobs of a namespace from one moment on; the API server keeps what was before."""

    jobs: Jobs
    since: str

    @classmethod
    def begin(cls, jobs: Jobs) -> "Watch":
        """Remember this moment."""
        listed = jobs.cluster.api.session.get(_url(jobs), timeout=30).json()
        return cls(jobs, listed["metadata"]["resourceVersion"])

    def versions(self, name: str) -> list[Version]:
        """Each version of a job from then until now; it must exist."""
        listed = self.jobs.cluster.api.session.get(_url(self.jobs), timeout=30).json()
        found: list[Version] = []
        with self.jobs.cluster.api.session.get(
            _url(self.jobs),
            params={
                "watch": "true",
                "resourceVersion": self.since,
                "timeoutSeconds": "60",
                "allowWatchBookmarks": "true",
            },
            stream=True,
            timeout=70,
        ) as answer:
            upto = {
                one["metadata"]["uid"]: one["metadata"]["resourceVersion"]
                for one in listed["items"]
                if one["metadata"]["name"] == name
            }
            for line in answer.iter_lines():
                event = json.loads(line)
                assert event["type"] != "ERROR", event["object"]
                body = event["object"]
                if event["type"] == "BOOKMARK" or body["metadata"]["name"] != name:
                    continue
                found.append(body)
                if upto.get(body["metadata"]["uid"]) == body["metadata"]["resourceVersion"]:
                    return found
        raise AssertionError(f"{name} was not seen as it stands; versions: {len(found)}")


def finish(jobs: Jobs, name: str, timeout: float = 60) -> None:
    """Wait until a job has ended, however it did."""
    jobs.kubectl("wait", "--for=condition=Finished", f"djob/{name}", f"--timeout={timeout:g}s")


def ended(watch: Watch, name: str, end: str, reason: str, timeout: float = 60) -> Version:
    """Wait for a job to end so, and only so, by the laws; its status."""
    finish(watch.jobs, name, timeout)
    versions = watch.versions(name)
    assert_lawful(versions)
    status = dict(versions[-1]["status"])
    assert (status["phase"], condition(status, end).get("reason")) == (end, reason), status
    assert versions[-1]["status"]["observedGeneration"] == versions[-1]["metadata"]["generation"]
    return status


def assert_lawful(versions: list[Version]) -> None:
    """No version of one run of a job breaks a law, nor does a step between two."""
    for version in versions:
        _assert_sound(version.get("status", {}), version["metadata"]["generation"])
    for before, after in itertools.pairwise(versions):
        if before["metadata"]["uid"] == after["metadata"]["uid"]:
            _assert_onward(before.get("status", {}), after.get("status", {}))


def holding(status: Version) -> set[str]:
    """The conditions that hold."""
    return {one["type"] for one in status.get("conditions", ()) if one["status"] == "True"}


def _assert_sound(status: Version, generation: int) -> None:
    holds = holding(status)
    ends = holds & {*ENDS}
    assert len(ends) <= 1, ends
    assert len(holds & {*ANNOUNCED_BY.values()}) <= 1, holds
    assert ("Finished" in holds) is bool(ends), holds
    for end in ends:
        assert ANNOUNCED_BY.get(end, "Finished") in holds, f"{end} without its announcement"
        assert status["running"] == 0, f"{end} while {status['running']} tasks run"
        assert (status["phase"], "completionTime" in status) == (end, True)
    assert ends or "completionTime" not in status
    assert status.get("observedGeneration", 0) <= generation
    assert all(one["observedGeneration"] <= generation for one in status.get("conditions", ()))


def _assert_onward(before: Version, after: Version) -> None:
    if before.get("run", 0) < after.get("run", 0):
        return  # A rerun is the one way out of an end.
    assert holding(before) & {*FOR_GOOD} <= holding(after), "an end, or its announcement, is gone"
    for count in COUNTS:
        assert before.get(count, 0) <= after.get(count, 0), f"{count} went down"
    for text in ("completedIndexes", "failedIndexes"):
        assert _indexes(before, text) <= _indexes(after, text), f"{text} lost some"
    assert before.get("observedGeneration", 0) <= after.get("observedGeneration", 0)
    assert before.get("epoch", 0) <= after.get("epoch", 0)
    for stamp in ("startTime", "completionTime"):
        assert before.get(stamp, after.get(stamp)) == after.get(stamp), f"{stamp} changed"


def _indexes(status: Version, text: str) -> set[int]:
    written = status.get(text, "")
    if written.endswith(CUT_MARK):
        return set()
    return {*parse_indexes(written, below=constants.MAX_COMPLETIONS)}


def _url(jobs: Jobs) -> str:
    path = f"/apis/{constants.API_VERSION}/namespaces/{jobs.namespace}/{constants.PLURAL}"
    return f"{jobs.cluster.api.url}{path}"

"""Three builds that each lack one safety, made by patches from outside.

A ``sitecustomize`` on the ``PYTHONPATH`` of a run changes its processes as they
start. Nothing of this ships; the checker must catch each of them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class BrokenBuild:
    """What is left out, the row that shows it, and the invariants it breaks."""

    name: str
    row: int
    letters: str
    code: str

    def environment(self, folder: Path) -> dict[str, str]:
        """Variables with which a run starts this build."""
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(self.code)
        return {"PYTHONPATH": str(folder)}


NO_EPOCH_CHECK: Final = BrokenBuild(
    "no epoch check in the worker",
    34,
    "CDE",
    """
import sys
if "distributedjob_worker" in sys.orig_argv:
    from distributedjob_worker.core.session import Session, Standing

    Session.standing = lambda self, epoch, number: Standing.CURRENT
""",
)
EARLY_ACKNOWLEDGEMENT: Final = BrokenBuild(
    "acknowledgement before the checkpoint",
    1,
    "ABCD",
    """
import sys
if "distributedjob_operator" in sys.orig_argv:
    from distributedjob_operator.core import reporting

    fold = reporting._fold

    def fold_and_acknowledge(leader, worker, job, stated, dropped, now):
        whole = fold(leader, worker, job, stated, dropped, now)
        dropped.append((job.uid, worker.folded[job.uid]))
        return whole

    reporting._fold = fold_and_acknowledge
""",
)
BLIND_PATCH: Final = BrokenBuild(
    "blind status merge patch",
    17,
    "AEF",
    """
import sys
if "distributedjob_operator" in sys.orig_argv:
    from distributedjob_api import constants
    from distributedjob_operator.kube.client import REQUEST_SECONDS, in_our_words
    from distributedjob_operator.kube.distributedjobs import DistributedJobs

    async def write_blindly(self, namespace, name, uid, version, status):
        async with in_our_words():
            answer = await self._custom.patch_namespaced_custom_object_status(
                constants.GROUP,
                constants.VERSION,
                namespace,
                constants.PLURAL,
                name,
                {"status": status},
                _content_type="application/merge-patch+json",
                _request_timeout=REQUEST_SECONDS,
            )
        return str(answer["metadata"]["resourceVersion"])

    DistributedJobs.write_status = write_blindly
""",
)
BROKEN: Final = (NO_EPOCH_CHECK, EARLY_ACKNOWLEDGEMENT, BLIND_PATCH)

"""Debian with Python as an image, made from packages alone: for a machine with no registry."""

from typing import Final

from distributedjob_local.progress import Progress
from tests.e2e.engine import Engine, run
from tests.e2e.scratch import scratch

RELEASE: Final = "bookworm"
PACKAGES: Final = ("ca-certificates", "python3", "python3-venv")
TAG: Final = f"localhost/e2e/debian-python:{RELEASE}"


def make(engine: Engine, progress: Progress) -> str:
    """Make the image unless it is there; its tag."""
    if engine.has(TAG):
        return TAG
    with scratch() as context, progress.step("making a base image", "(a minute)"):
        run(
            # In namespaces of its own, so that no mount and no process of it stays.
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
            *("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"),
            *(RELEASE, str(context / "files")),
        )
        for unneeded in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc"):
            run("find", str(context / "files" / unneeded), "-type", "f", "-delete")
        dockerfile = 'FROM scratch\nCOPY files /\nCMD ["python3"]\n'
        (context / "Dockerfile").write_text(dockerfile, encoding="utf-8")
        engine.build("--tag", TAG, str(context))
    return TAG

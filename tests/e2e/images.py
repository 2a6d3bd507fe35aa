"""Every image of the tests: the project's own, and those of one static program each."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from distributedjob_local.progress import Progress
from tests.e2e.engine import Engine, run

PROJECT: Final = Path(__file__).parents[2]
PROGRAMS: Final = Path(__file__).parent / "programs"
VERSION: Final = "e2e"
TARGETS: Final = ("operator", "worker")


def build_project(engine: Engine, prefix: str, base: str, progress: Progress) -> dict[str, str]:
    """Build the targets of the project's Dockerfile; each with its tag."""
    options = ["--build-arg", f"BASE_IMAGE={base}"] if base else []
    tags = {target: f"{prefix}/distributedjob-{target}:{VERSION}" for target in TARGETS}
    for target, tag in tags.items():
        with progress.step(f"building the image of the {target}"):
            engine.build(tag, PROJECT, [*options, "--target", target])
    return tags


def build_foreign(engine: Engine, prefix: str) -> str:
    """Build an image with neither Python nor a shell; its tag."""
    tag = f"{prefix}/foreign:{VERSION}"
    build_compiled(engine, tag, "foreign.c")
    return tag


def build_nats(engine: Engine, prefix: str, program: Path) -> str:
    """Build NATS' own image in short, from the server alone; its tag."""
    tag = f"{prefix}/nats:{VERSION}"
    build_single(engine, tag, program, "nats-server")
    return tag


def build_single(engine: Engine, tag: str, program: Path, called: str = "program") -> None:
    """Build an image that has nothing but one program."""
    with tempfile.TemporaryDirectory() as name:
        context = Path(name)
        shutil.copy(program, context / called)
        dockerfile = f'FROM scratch\nCOPY {called} /\nENV PATH=/\nENTRYPOINT ["/{called}"]\n'
        (context / "Dockerfile").write_text(dockerfile, encoding="utf-8")
        engine.build(tag, context)


def build_compiled(engine: Engine, tag: str, source: str) -> None:
    """Build an image of one of the C programs beside this file."""
    with tempfile.TemporaryDirectory() as name:
        program = Path(name) / "program"
        run("cc", "-static", "-Os", "-s", "-o", str(program), str(PROGRAMS / source))
        build_single(engine, tag, program)


def archive(engine: Engine, tags: Sequence[str], folder: Path) -> dict[str, str]:
    """Write each image into an archive of its own in the folder; the files by tag."""
    files = {tag: str(folder / f"{number}.tar") for number, tag in enumerate(tags)}
    for tag, file in files.items():
        engine.save(tag, Path(file))
    return files

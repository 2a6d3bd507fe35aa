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
FOREIGN: Final = "localhost/e2e/foreign:1"


def build_project(engine: Engine, tags: dict[str, str], base: str, progress: Progress) -> None:
    """Build the targets of the project's Dockerfile under these tags."""
    options = ["--build-arg", f"BASE_IMAGE={base}"] if base else []
    for target, tag in tags.items():
        with progress.step(f"building the image of the {target}"):
            engine.build(tag, PROJECT, [*options, "--target", target])


def build_single(engine: Engine, tag: str, program: Path) -> None:
    """Build an image that has nothing but one program."""
    with tempfile.TemporaryDirectory() as name:
        context = Path(name)
        shutil.copy(program, context / "program")
        dockerfile = 'FROM scratch\nCOPY program /program\nENTRYPOINT ["/program"]\n'
        (context / "Dockerfile").write_text(dockerfile, encoding="utf-8")
        engine.build(tag, context)


def build_compiled(engine: Engine, tag: str, source: str) -> None:
    """Build an image of one of the C programs beside this file."""
    with tempfile.TemporaryDirectory() as name:
        program = Path(name) / "program"
        run("cc", "-static", "-Os", "-s", "-o", str(program), str(PROGRAMS / source))
        build_single(engine, tag, program)


def archive(engine: Engine, tags: Sequence[str], folder: Path) -> list[Path]:
    """Write each image into an archive of its own in the folder."""
    files = []
    for number, tag in enumerate(tags):
        file = folder / f"{number}.tar"
        engine.save(tag, file)
        files.append(file)
    return files

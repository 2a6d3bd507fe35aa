"""Every image of the tests: the project's own, and those of one static program each."""

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import yaml

from distributedjob_local.progress import Progress
from tests.e2e import readme
from tests.e2e.engine import Engine, run
from tests.e2e.scratch import scratch

PROJECT: Final = Path(__file__).parents[2]
PROGRAMS: Final = Path(__file__).parent / "programs"
VERSION: Final = "e2e"
CHART: Final = "helm/distributedjob"
HUB: Final = "docker.io/library"
"""Where a node looks for an image whose name has no registry."""


def build_project(engine: Engine, registry: str, progress: Progress) -> dict[str, str]:
    """Run README's commands that build; each target with its tag."""
    tags = {}
    for arguments in _of_engine("build", registry):
        target = arguments[arguments.index("--target") + 1]
        with progress.step(f"building the image of the {target}"):
            engine.build(*arguments)
        tags[target] = arguments[arguments.index("--tag") + 1]
    return tags


def push_project(engine: Engine, registry: str) -> None:
    """Run README's commands that push."""
    for (tag,) in _of_engine("push", registry):
        engine.push(tag)


def _of_engine(verb: str, registry: str) -> list[list[str]]:
    """The arguments of README's commands of the engine that begin with this verb."""
    lines = [
        line for line in readme.commands("Install") if line.startswith(f"{readme.ENGINE} {verb} ")
    ]
    # Nothing of these is for a shell but the one variable.
    return [shlex.split(line.replace("$REGISTRY", registry))[2:] for line in lines]


def build_foreign(engine: Engine, prefix: str) -> str:
    """Build an image with neither Python nor a shell; its tag."""
    tag = f"{prefix}/foreign:{VERSION}"
    build_compiled(engine, tag, "foreign.c")
    return tag


def build_nats(engine: Engine, program: Path) -> str:
    """Build, for a machine with no registry, what the chart pulls: the server alone; its tag."""
    values = yaml.safe_load((PROJECT / CHART / "values.yaml").read_text(encoding="utf-8"))
    image = values["nats"]["image"]
    tag = f"{HUB}/{image['repository']}:{image['tag']}"
    build_single(engine, tag, program, "nats-server")
    return tag


def build_single(engine: Engine, tag: str, program: Path, called: str = "program") -> None:
    """Build an image that has nothing but one program."""
    with scratch() as context:
        shutil.copy(program, context / called)
        dockerfile = f'FROM scratch\nCOPY {called} /\nENV PATH=/\nENTRYPOINT ["/{called}"]\n'
        (context / "Dockerfile").write_text(dockerfile, encoding="utf-8")
        engine.build("--tag", tag, str(context))


def build_compiled(engine: Engine, tag: str, source: str) -> None:
    """Build an image of one of the C programs beside this file."""
    with scratch() as folder:
        program = folder / "program"
        run("cc", "-static", "-Os", "-s", "-o", str(program), str(PROGRAMS / source))
        build_single(engine, tag, program)


def archive(engine: Engine, tags: Sequence[str], folder: Path) -> dict[str, str]:
    """Write each image into an archive of its own in the folder; the files by tag."""
    files = {tag: str(folder / f"{number}.tar") for number, tag in enumerate(tags)}
    for tag, file in files.items():
        engine.save(tag, Path(file))
    return files

"""The images are those that README tells to build, by its own commands."""

from pathlib import Path

import yaml

from distributedjob_local.progress import Progress
from tests.e2e import images, readme


class Recorder:
    """An engine that only takes notes."""

    def __init__(self) -> None:
        self.built: list[tuple[str, ...]] = []
        self.pushed: list[str] = []

    def build(self, *arguments: str) -> None:
        self.built.append(arguments)

    def has(self, tag: str) -> bool:
        return False

    def save(self, tag: str, archive: Path) -> None: ...

    def push(self, tag: str) -> None:
        self.pushed.append(tag)


def test_readme_builds_and_pushes_what_its_helm_install_names() -> None:
    engine = Recorder()

    tags = images.build_project(engine, "registry.example/me", Progress())
    images.push_project(engine, "registry.example/me")

    chart = yaml.safe_load((images.PROJECT / images.CHART / "Chart.yaml").read_text())
    assert tags == {
        role: f"registry.example/me/distributedjob-{role}:{chart['appVersion']}"
        for role in ("operator", "worker")
    }
    assert engine.pushed == list(tags.values())
    (install,) = [line for line in readme.commands("Install") if line.startswith("helm install ")]
    for role in tags:
        assert f"--set {role}.image.repository=$REGISTRY/distributedjob-{role} " in f"{install} "


def test_every_command_of_the_engine_in_readme_is_run() -> None:
    engine = Recorder()
    images.build_project(engine, "r", Progress())
    images.push_project(engine, "r")

    lines = [line for line in readme.commands("Install") if line.startswith(readme.ENGINE)]

    assert len(engine.built) + len(engine.pushed) == len(lines) > 0

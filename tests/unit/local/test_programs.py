"""The order in which programs are looked for."""

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

import pytest

from distributedjob_local import programs
from distributedjob_local.errors import UnsupportedMachineError
from distributedjob_local.machine import architecture
from distributedjob_local.programs import present_sources, resolve
from distributedjob_local.progress import Progress
from distributedjob_local.sources import Provision


@dataclass
class Shop:
    """A source that has some programs, and remembers what it was asked for."""

    title: str
    has: Set[str]
    reason: str = ""
    asked: Set[str] = frozenset()

    def provide(self, names: Set[str]) -> Provision:
        self.asked = names
        return Provision({name: Path(self.title, name) for name in names & self.has}, self.reason)


class Notes(Progress):
    """Keeps what a user would read."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(autouse=True)
def _any_kubectl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "kubectl_fault", lambda _: "")


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_each_program_comes_from_the_first_source_that_has_it() -> None:
    first, second = Shop("first", {"etcd"}), Shop("second", {"etcd", "kubectl"})

    found = resolve({"etcd", "kubectl"}, [first, second], Notes())

    assert found == {"etcd": Path("first/etcd"), "kubectl": Path("second/kubectl")}
    assert second.asked == {"kubectl"}


def test_nothing_is_asked_once_everything_is_found() -> None:
    last = Shop("last", {"etcd"})

    resolve({"etcd"}, [Shop("first", {"etcd"}), last], Notes())

    assert last.asked == frozenset()


def test_a_refusal_is_one_line_that_names_the_next_source() -> None:
    notes = Notes()

    resolve({"etcd"}, [Shop("first", set(), "403"), Shop("second", {"etcd"})], notes)

    assert notes.lines == ["first: 403; next: second"]


def test_assets_come_before_the_cache_and_both_before_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets, cache, path = tmp_path / "assets", tmp_path / "cache", tmp_path / "path"
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    monkeypatch.setenv("PATH", str(path))
    etcd = program(assets / "etcd")
    program(cache / "etcd")
    server = program(cache / "kube-apiserver")
    program(path / "kube-apiserver")
    kubectl = program(path / "kubectl")

    found = resolve({"etcd", "kube-apiserver", "kubectl"}, present_sources(cache), Notes())

    assert found == {"etcd": etcd, "kube-apiserver": server, "kubectl": kubectl}


def test_what_is_found_by_a_relative_path_can_be_run_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", "assets")
    monkeypatch.setenv("PATH", "path")
    etcd, kubectl = program(tmp_path / "assets" / "etcd"), program(tmp_path / "path" / "kubectl")

    found = resolve({"etcd", "kubectl"}, present_sources(tmp_path / "cache"), Notes())

    assert found == {"etcd": etcd, "kubectl": kubectl}


@pytest.mark.parametrize(
    ("present", "said"),
    [(None, "is no directory"), ("etcd", "lacks kube-apiserver, kubectl")],
    ids=["a typing error", "some are missing"],
)
def test_assets_without_what_they_are_for_are_told(
    present: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets, cache = tmp_path / "assets", tmp_path / "cache"
    if present:
        program(assets / present)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    notes = Notes()

    resolve(programs.EVERYTHING, present_sources(cache), notes)

    assert notes.lines == [f"KUBEBUILDER_ASSETS: {assets} {said}; next: cache"]


def test_a_kubectl_that_is_too_old_is_told_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setattr(programs, "kubectl_fault", lambda path: f"{path} is older than 1.27")
    monkeypatch.setenv("PATH", str(tmp_path))
    kubectl = program(tmp_path / "kubectl")
    notes = Notes()

    assert resolve({"kubectl"}, present_sources(tmp_path / "cache"), notes) == {}
    assert notes.lines == [f"PATH: {kubectl} is older than 1.27"]


def test_a_file_that_cannot_be_run_is_not_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    program(tmp_path / "etcd").chmod(0o644)

    assert resolve({"etcd"}, present_sources(tmp_path), Notes()) == {}


@pytest.mark.parametrize(
    ("processor", "name"),
    [("x86_64", "amd64"), ("aarch64", "arm64")],
)
def test_supported_machines(processor: str, name: str) -> None:
    assert architecture("Linux", processor) == name


@pytest.mark.parametrize(
    ("system", "processor"), [("Darwin", "arm64"), ("Windows", "AMD64"), ("Linux", "riscv64")]
)
def test_other_machines_are_told_so_in_one_line(system: str, processor: str) -> None:
    with pytest.raises(UnsupportedMachineError, match=f"not on {system} {processor}$"):
        architecture(system, processor)

"""The agent in a root file system that has nothing: no Python, no shell, no libraries."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SCRIPT: Final = ROOT / "worker" / "agent_tree.py"
AGENT: Final = "/opt/elsewhere"
"""Any place will do: nothing in the tree knows where it stands."""

OURS: Final = ("distributedjob_api", "distributedjob_worker")
OTHERS: Final = ("distributedjob_cli", "distributedjob_local", "distributedjob_operator")

FOREIGN: Final = """
#include <stdio.h>
#include <stdlib.h>
int main(void) { printf("LD_LIBRARY_PATH=%s\\n", getenv("LD_LIBRARY_PATH") ?: ""); return 0; }
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty root with the tree in it, and one static program."""
    folder = tmp_path_factory.mktemp("root")
    for name in ("proc", "tmp", "opt"):
        (folder / name).mkdir()
    packages = tmp_path_factory.mktemp("packages")
    for name in locked():
        found = distribution(name)
        for part in {file.parts[0] for file in found.files or () if ".." not in file.parts}:
            (packages / part).symlink_to(found.locate_file(part))
    for name in (*OURS, *OTHERS):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.submodule_search_locations
        (packages / name).symlink_to(spec.submodule_search_locations[0])
    about = distribution("distributedjobs")
    metadata = next(file for file in about.files or () if file.name == "METADATA")
    (packages / metadata.parts[0]).symlink_to(about.locate_file(metadata).parent)
    subprocess.run(
        [sys.executable, SCRIPT, packages, f"{folder}{AGENT}"], check=True, capture_output=True
    )
    source = packages / "foreign.c"
    source.write_text(FOREIGN)
    subprocess.run(["cc", "-static", "-o", folder / "foreign", source], check=True)
    yield folder
    shutil.rmtree(folder)


def locked() -> list[str]:
    """The distributions that the worker's image has."""
    lines = (ROOT / "requirements-worker.lock").read_text().splitlines()
    return [line.partition("==")[0] for line in lines if "==" in line]


def inside(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the tree's Python in that root, as no user in particular, with a stray environment."""
    loader = (f"{AGENT}/lib/ld.so", "--library-path", f"{AGENT}/lib")
    python = (*loader, "--argv0", f"{AGENT}/bin/python3", f"{AGENT}/bin/python3")
    enter = ("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork")
    mount = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
    return subprocess.run(
        [*enter, "sh", "-c", mount, root, *python, "-I", "-B", *arguments],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": "/nowhere", "PYTHONHOME": "/x"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_agent_starts_and_says_what_it_lacks(root: Path) -> None:
    done = inside(root, "-m", "distributedjob_worker")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("distributedjob-worker: DJOB_NATS_URL is not set")


def test_it_brings_no_code_but_the_workers(root: Path) -> None:
    brought = {file.name for file in root.glob(f".{AGENT}/lib/python3*/distributedjob_*")}
    assert brought == set(OURS)


def test_it_has_all_that_the_agent_imports_later(root: Path) -> None:
    modules = "asyncio, ctypes, encodings.idna, hashlib, json, socket, ssl, zlib"
    late = f"import {modules}; print(ssl.OPENSSL_VERSION)"
    done = inside(root, "-c", late)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("OpenSSL")


def test_a_program_of_the_image_finds_its_own_libraries(root: Path) -> None:
    start = (
        "import os; pid = os.posix_spawn('/foreign', ['foreign'], os.environ); os.waitpid(pid, 0)"
    )
    done = inside(root, "-c", start)
    assert (done.returncode, done.stdout) == (0, "LD_LIBRARY_PATH=\n")


def test_a_library_that_is_not_there_is_named() -> None:
    spec = importlib.util.spec_from_file_location("agent_tree", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    listing = "/x:\n\tlibz.so.1 => /lib/libz.so.1 (0x1)\n\tlibno.so.1 => not found\n"
    with pytest.raises(SystemExit, match=r"libno\.so\.1"):
        module.needed_libraries(listing)
    loader = "\t/lib64/ld-linux-x86-64.so.2 (0x1)\n\tlinux-vdso.so.1 (0x2)\n"
    assert module.needed_libraries(loader) == {"ld.so": Path("/lib64/ld-linux-x86-64.so.2")}

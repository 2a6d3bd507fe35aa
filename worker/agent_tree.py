"""Gather the agent with its interpreter into one tree that runs in any image.

``agent_tree.py SITE_PACKAGES TREE`` copies the interpreter that runs this script, its
standard library, the packages, every shared library that any of them needs, and the
dynamic loader itself. The tree takes nothing from the root file system it stands in, so
that a musl image or an empty one serves as well, and it works wherever it is put:

    TREE/lib/ld.so --library-path TREE/lib --argv0 TREE/bin/python3 TREE/bin/python3 -I -m ...

No variable of the environment points to the libraries: what the agent starts, a program
of the image, must find its own.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

UNNEEDED: Final = (
    *("__pycache__", "dist-packages", "site-packages", "config-*", "EXTERNALLY-MANAGED"),
    *("distutils", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "unittest"),
    *("curses", "dbm", "sqlite3", "tkinter", "turtledemo"),
    *("_curses*", "_dbm*", "_gdbm*", "_sqlite3*", "_test*", "_tkinter*", "nis.*", "readline.*"),
)
"""Parts of the standard library that no program of ours imports."""

OTHERS: Final = ("distributedjob_cli", "distributedjob_local", "distributedjob_operator")
"""What the project's one distribution has beside the worker and what it knows."""

_NEEDED: Final = re.compile(r"^\s*(?:(?P<name>\S+) => )?(?P<path>/\S+) \(0x", re.MULTILINE)
_MISSING: Final = re.compile(r"^\s*(\S+) => not found", re.MULTILINE)


def needed_libraries(listing: str) -> dict[str, Path]:
    """What ``ldd`` listed: the name a program asks for, and the file that answers.

    The loader has no name there but its own path; it is filed under ``ld.so``.

    Raises:
        SystemExit: one of them is on no path.
    """
    if missing := _MISSING.findall(listing):
        raise SystemExit(f"agent_tree: not found: {', '.join(missing)}")
    found = {}
    for line in _NEEDED.finditer(listing):
        name = line["name"] or "ld.so"
        found["ld.so" if "/ld-" in line["path"] else name] = Path(line["path"])
    return found


def build(site_packages: Path, tree: Path) -> None:
    """Make the tree; it must not exist yet."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = tree / "lib" / version
    shutil.copytree(
        sysconfig.get_path("stdlib"),
        library,
        symlinks=False,
        ignore=shutil.ignore_patterns(*UNNEEDED),
        ignore_dangling_symlinks=True,
    )
    # Beside the standard library: distributions do not agree where else packages are looked for.
    shutil.copytree(
        site_packages,
        library,
        ignore=shutil.ignore_patterns("__pycache__", "pip", "pip-*", "setuptools*", *OTHERS),
        dirs_exist_ok=True,
    )
    (tree / "bin").mkdir()
    program = shutil.copy(os.path.realpath(sys.executable), tree / "bin" / "python3")
    for name, file in _libraries([Path(program), *library.rglob("*.so"), *library.rglob("*.so.*")]):
        target = tree / "lib" / name
        if not target.exists():
            shutil.copy(file, target)


def _libraries(programs: list[Path]) -> Iterator[tuple[str, Path]]:
    listing = subprocess.run(
        ["/usr/bin/ldd", *programs], capture_output=True, text=True, check=True
    ).stdout
    return iter(needed_libraries(listing).items())


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))

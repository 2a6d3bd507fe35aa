"""``python -m distributedjob_api``: write the CRD and what is made of it, or check them.

The one module of this package that touches files.
"""

import argparse
import sys
from pathlib import Path

import distributedjob_api
from distributedjob_api import constants, reference, schema


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m distributedjob_api",
        description=f"Write the CRD {constants.CRD_NAME} and what is made of it from the models.",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when a file is stale"
    )
    parser.add_argument(
        "--directory",
        type=Path,
        help="where all stand (default: in the tree that this package runs from)",
    )
    options = parser.parse_args(arguments)
    rendered = _rendered(options.directory)
    if rendered is None:
        print(
            "this package does not run from a source tree: name the directory with --directory",
            file=sys.stderr,
        )
        return 2
    return _check(rendered) if options.check else _write(rendered)


def _rendered(directory: Path | None) -> dict[Path, str] | None:
    """What each file should hold, or None where there is no place for them."""
    source = Path(distributedjob_api.__path__[0]).resolve().parent
    root = source.parent
    if directory is None and not (root / "pyproject.toml").is_file():
        return None
    crds = directory or source
    docs = directory or root / "docs"
    templates = directory or root / "helm" / "distributedjob" / "templates"
    if not all(place.is_dir() for place in (crds, docs, templates)):
        return None
    return {
        crds / f"{constants.CRD_NAME}.yaml": schema.render(),
        docs / reference.FILE_NAME: reference.render(),
        templates / schema.TEMPLATE_NAME: schema.render_template(),
    }


def _check(rendered: dict[Path, str]) -> int:
    stale = [
        file
        for file, text in rendered.items()
        if not file.is_file() or file.read_text(encoding="utf-8") != text
    ]
    for file in stale:
        print(f"{file} is not what the models say: run `make crds`", file=sys.stderr)
    return 1 if stale else 0


def _write(rendered: dict[Path, str]) -> int:
    for file, text in rendered.items():
        file.write_text(text, encoding="utf-8")
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())

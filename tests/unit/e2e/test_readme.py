"""README's commands are found as a reader sees them."""

import re

import pytest

from tests.e2e import readme
from tests.e2e.release import Release

TEXT = """\
# Project

## Install

Do this:

```console
$ helm install it chart \\
    --wait   # a minute
installed
```

### With care

```sh
# Look first.
kubectl get nodes
```

## Uninstall

Words only.

```yaml
kind: NoCommand
```
"""


def test_prompts_and_scripts_give_commands_without_output_and_comments() -> None:
    assert readme.commands("Install", TEXT) == [
        "helm install it chart --wait",
        "kubectl get nodes",
    ]


@pytest.mark.parametrize("heading", ["Uninstall", "Upgrade"])
def test_a_heading_with_nothing_to_run_is_an_error(heading: str) -> None:
    with pytest.raises(LookupError, match=heading):
        readme.commands(heading, TEXT)


class Recorder:
    """A cluster that only takes notes."""

    def __init__(self) -> None:
        self.run_lines: list[str] = []

    def run(self, program: str, *arguments: str) -> None:
        assert (program, *arguments[:-1]) == ("bash", "-euo", "pipefail", "-c")
        self.run_lines.append(arguments[-1])


@pytest.mark.parametrize("heading", ["Install", "Uninstall"])
def test_the_stories_run_every_command_but_those_that_make_images(heading: str) -> None:
    cluster = Recorder()

    Release(cluster).follow(heading)  # type: ignore[arg-type]

    lines = readme.commands(heading)
    assert cluster.run_lines == [line for line in lines if not line.startswith("docker ")]
    assert cluster.run_lines


@pytest.mark.parametrize("heading", ["Install", "Uninstall"])
def test_no_command_stands_there_in_another_way(heading: str) -> None:
    """A block of another language, or one that is only indented, would be passed over."""
    text = readme.README.read_text(encoding="utf-8")
    section = re.split(r"^## ", text.partition(f"\n## {heading}\n")[2], flags=re.MULTILINE)[0]
    blocks = re.findall(r"^```.*?^```$", section, re.MULTILINE | re.DOTALL)
    assert blocks
    assert {block.partition("\n")[0] for block in blocks} == {"```console"}
    told = "\n".join(blocks).replace("\\\n", " ").splitlines()
    assert len([line for line in told if line.startswith("$ ")]) == len(readme.commands(heading))
    assert not re.search(r"^( {4}|\t)\S", section.replace("\\\n", " "), re.MULTILINE)

"""README's commands are found as a reader sees them."""

import pytest

from tests.e2e import readme

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

"""What stands beside NATS in its pod: the configuration with everyone's password in it."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

SCRIPT: Final = Path(__file__).parents[3] / "helm" / "distributedjob" / "files" / "nats_config.py"
TEMPLATE: Final[dict[str, Any]] = {
    "listen": "0.0.0.0:4222",
    "authorization": {"users": [{"user": "operator"}, {"user": "pool-a"}]},
    "cluster": {"authorization": {"user": "route"}, "routes": ["nats://nats-0:6222"]},
}
KEYS: Final = {"operator": "o", "pool-a": "a", "route": "r/?"}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("nats_config", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files(script: ModuleType, folder: Path, **keys: str) -> Any:
    """What the script reads of mounted files."""
    (folder / "keys").mkdir(exist_ok=True)
    for name, password in keys.items():
        (folder / "keys" / name).write_text(f"{password}\n")
    (folder / "template").write_text(json.dumps(TEMPLATE))
    return script.read(folder / "template", folder / "keys", None)


def test_everyone_gets_the_own_password(script: ModuleType, tmp_path: Path) -> None:
    complete = json.loads(script.configuration(files(script, tmp_path, **KEYS)))
    users = complete["authorization"]["users"]
    assert {each["user"]: each["password"] for each in users} == {"operator": "o", "pool-a": "a"}
    assert complete["cluster"]["authorization"]["password"] == "r/?"
    assert complete["cluster"]["routes"] == ["nats://route:r%2F%3F@nats-0:6222"]
    assert complete["listen"] == TEMPLATE["listen"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"operator": "o", "route": "r"}, "no key pool-a: add a password"),
        ({**KEYS, "route": ""}, "key route is empty: put a password there"),
    ],
)
def test_a_user_without_a_password_is_named(
    script: ModuleType, tmp_path: Path, keys: dict[str, str], said: str
) -> None:
    with pytest.raises(script.Unfit, match=said):
        script.configuration(files(script, tmp_path, **keys))


@pytest.mark.parametrize(
    ("change", "waits"),
    [({}, False), ({"pool-b": "b"}, False), ({"pool-a": "new"}, True)],
    ids=["nothing", "a new user", "a new password"],
)
def test_only_who_has_a_password_already_is_waited_for(
    script: ModuleType, tmp_path: Path, change: dict[str, str], waits: bool
) -> None:
    before = files(script, tmp_path, **KEYS)
    assert script.replaced(before, files(script, tmp_path, **change)) is waits


def test_a_user_who_is_gone_is_waited_for_as_well(script: ModuleType, tmp_path: Path) -> None:
    before = files(script, tmp_path, **KEYS)
    (tmp_path / "keys" / "pool-a").unlink()
    assert script.replaced(before, files(script, tmp_path))
    assert not script.replaced(None, before)

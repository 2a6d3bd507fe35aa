"""The environment: defaults, quantities, and one clear line for each mistake."""

from pathlib import Path

import pytest

from distributedjob_worker.errors import SettingsError
from distributedjob_worker.settings import read_password, read_settings, task_environment

GOOD = {
    "DJOB_NATS_URL": "nats://nats:4222",
    "DJOB_INSTALLATION": "djob-system/djob",
    "DJOB_NODE": "node-1",
    "DJOB_STATE_DIR": "/var/lib/djob",
}


def test_defaults() -> None:
    settings = read_settings(GOOD)
    assert settings.pool == "default"
    assert settings.cpu_millis >= 1000
    assert settings.memory_bytes > 0
    assert settings.ready_file is None


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("", None),
        (":9464", ("", 9464)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:9464", ("::1", 9464)),
    ],
)
def test_where_metrics_are_served(listen: str, address: tuple[str, int] | None) -> None:
    assert read_settings(GOOD | {"DJOB_METRICS_LISTEN": listen}).metrics_address == address


def test_quantities() -> None:
    settings = read_settings(GOOD | {"DJOB_CPU": "1500m", "DJOB_MEMORY": "2Gi"})
    assert (settings.cpu_millis, settings.memory_bytes) == (1500, 2 << 30)


@pytest.mark.parametrize(
    ("share", "reserve", "usable"),
    [("1", "0", 4000), ("0.5", "0", 2000), ("0.5", "300m", 1700), ("0.1", "1", 0)],
)
def test_what_tasks_may_fill(share: str, reserve: str, usable: int) -> None:
    told = {"DJOB_CPU": "4", "DJOB_CPU_SHARE": share, "DJOB_CPU_RESERVE": reserve}
    assert read_settings(GOOD | told).usable_cpu_millis == usable


def test_tasks_get_what_the_pool_names_and_nothing_of_the_agent() -> None:
    environment = GOOD | {"DJOB_TASK_ENV": "PATH,DJOB_NATS_URL,ABSENT", "PATH": "/x", "HOME": "/h"}
    assert task_environment(read_settings(environment), environment) == {"PATH": "/x"}
    assert task_environment(read_settings(GOOD), GOOD | {"PATH": "/x"}) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DJOB_METRICS_LISTEN", "9464"),
        ("DJOB_METRICS_LISTEN", ":70000"),
        ("DJOB_METRICS_LISTEN", "host:port"),
        ("DJOB_LOG_FORMAT", "xml"),
        ("DJOB_CPU_SHARE", "0"),
        ("DJOB_CPU_SHARE", "1.5"),
        ("DJOB_CPU_RESERVE", "much"),
        ("DJOB_TASK_ENV", "PATH,"),
        ("DJOB_TASK_ENV", "A=1"),
        ("DJOB_NATS_URL", ""),
        ("DJOB_NATS_URL", "nats:4222"),
        ("DJOB_NATS_URL", "http://nats:4222"),
        ("DJOB_NATS_URL", "nats://"),
        ("DJOB_NATS_URL", "nats://:4222"),
        ("DJOB_NATS_URL", "nats://nats:port"),
        ("DJOB_NATS_URL", "nats://nats:70000"),
        ("DJOB_NATS_URL", "nats://[::1"),
        ("DJOB_NATS_URL", "nats://one,two:4222"),
        ("DJOB_INSTALLATION", "djob"),
        ("DJOB_NODE", ""),
        ("DJOB_NODE", "Node"),
        ("DJOB_NODE", "node_1"),
        ("DJOB_NODE", "node..1"),
        ("DJOB_NODE", "node-1."),
        ("DJOB_NODE", "n" * 254),
        ("DJOB_POOL", "gpu.nodes"),
        ("DJOB_POOL", "-gpu"),
        ("DJOB_POOL", "gpu\n"),
        ("DJOB_POOL", "p" * 64),
        ("DJOB_STATE_DIR", ""),
        ("DJOB_CPU", "0"),
        ("DJOB_CPU", "many"),
        ("DJOB_MEMORY", "-1"),
        ("DJOB_EXECUTORS", "0"),
        ("DJOB_EXECUTORS", "257"),
        ("DJOB_EXECUTORS", "auto"),
        ("DJOB_LOG_LEVEL", "LOUD"),
        ("DJOB_JOURNAL", "maybe"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings(GOOD | {name: value})
    assert name in str(raised.value)
    assert "set it to" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_malformed_url_does_not_give_its_password_away() -> None:
    with pytest.raises(SettingsError, match=r"DJOB_NATS_URL is 'nats://host:4222'") as raised:
        read_settings(GOOD | {"DJOB_NATS_URL": "nats://user:se#cret@host:4222"})
    assert "cret" not in str(raised.value)


def test_a_relative_state_directory_is_made_absolute() -> None:
    # Its scratch directories are the TMPDIR of tasks that begin elsewhere.
    settings = read_settings(GOOD | {"DJOB_STATE_DIR": "state"})
    assert settings.state_dir == Path.cwd() / "state"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DJOB_NATS_URL", "tls://nats.example"),
        ("DJOB_NATS_URL", "nats://user:secret@[::1]:4222"),
        ("DJOB_NODE", "ip-10-0-0-1.eu.example"),
        ("DJOB_NODE", "1"),
        ("DJOB_POOL", "gpu-nodes"),
    ],
)
def test_what_is_well_formed_is_taken(name: str, value: str) -> None:
    assert value in read_settings(GOOD | {name: value}).model_dump().values()


@pytest.mark.parametrize(
    ("cpu", "cores", "given", "slots", "executors"),
    [
        ("500m", 8, "", 1, 1),
        ("4", 64, "", 4, 1),
        ("4900m", 64, "", 4, 1),
        ("5", 64, "", 5, 2),
        ("64", 64, "", 64, 16),
        ("64", 2, "", 2, 1),
        ("2", 2, "3", 2, 3),
        ("64", 64, "1", 64, 1),
    ],
)
def test_large_nodes_have_an_executor_for_four_slots(
    cpu: str, cores: int, given: str, slots: int, executors: int
) -> None:
    settings = read_settings(GOOD | {"DJOB_CPU": cpu, "DJOB_EXECUTORS": given})
    assert (settings.slots(cores), settings.executor_count(cores)) == (slots, executors)


def test_a_password_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "password"
    settings = read_settings(GOOD | {"DJOB_NATS_PASSWORD_FILE": str(file)})
    with pytest.raises(SettingsError, match="DJOB_NATS_PASSWORD_FILE"):
        read_password(settings)
    file.write_text("secret\n")
    assert read_password(settings) == "secret"


def test_a_password_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(b"\xff\xfe")
    settings = read_settings(GOOD | {"DJOB_NATS_PASSWORD_FILE": str(file)})
    with pytest.raises(SettingsError, match=r"^DJOB_NATS_PASSWORD_FILE .* is not UTF-8: "):
        read_password(settings)

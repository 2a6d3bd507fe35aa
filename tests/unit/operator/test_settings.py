"""The operator's environment: defaults, and one clear line for each mistake."""

from pathlib import Path

import pytest

from distributedjob_operator.errors import SettingsError
from distributedjob_operator.settings import read_settings


def test_defaults_hold_for_empty_variables() -> None:
    names = ("NATS_URL", "LEASE_NAME", "LEASE_NAMESPACE", "IDENTITY", "LOG_LEVEL", "NAMESPACES")
    settings = read_settings({f"DJOB_{name}": "" for name in names})
    assert settings.installation == "djob-system/distributedjob"
    assert settings.listen == ("127.0.0.1", 8080)
    assert settings.log_level == "INFO"
    assert settings.identity


def test_no_two_processes_are_the_same_holder() -> None:
    same = {"DJOB_IDENTITY": "one", "DJOB_INCARNATION": "1"}
    assert read_settings(same).holder != read_settings(same).holder


@pytest.mark.parametrize(
    ("listen", "expected"),
    [(":0", ("0.0.0.0", 0)), ("[::1]:65535", ("::1", 65_535)), ("localhost:1", ("localhost", 1))],
)
def test_addresses_to_listen_on(listen: str, expected: tuple[str, int]) -> None:
    assert read_settings({"DJOB_ENDPOINT_LISTEN": listen}).listen == expected


def test_the_journal_is_bounded_by_bytes_and_age() -> None:
    bounds = {"DJOB_JOURNAL_MAX_BYTES": "1.5Gi", "DJOB_JOURNAL_MAX_AGE_SECONDS": "3600"}
    settings = read_settings(bounds)
    assert settings.journal_max_bytes == 3 * 2**29
    assert settings.journal_max_age_seconds == 3600


def test_the_case_of_the_log_level_does_not_matter() -> None:
    assert read_settings({"DJOB_LOG_LEVEL": "debug"}).log_level == "DEBUG"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DJOB_NATS_URL", "garbage"),
        ("DJOB_NATS_URL", "http://nats:4222"),
        ("DJOB_NATS_URL", "nats://nats:port"),
        ("DJOB_NATS_URL", "nats://nats:99999"),
        ("DJOB_NATS_URL", "nats://["),
        ("DJOB_LEASE_NAMESPACE", "Not A Name"),
        ("DJOB_LEASE_NAMESPACE", "two.labels"),
        ("DJOB_LEASE_NAMESPACE", "a" * 64),
        ("DJOB_LEASE_NAME", "-x"),
        ("DJOB_LEASE_NAME", "x/y"),
        ("DJOB_NAMESPACES", "good,Not Good"),
        ("DJOB_LEASE_DURATION_SECONDS", "long"),
        ("DJOB_LEASE_DURATION_SECONDS", "inf"),
        ("DJOB_RENEW_DEADLINE_SECONDS", "0"),
        ("DJOB_RENEW_DEADLINE_SECONDS", "7"),
        ("DJOB_RETRY_PERIOD_SECONDS", "3.9"),
        ("DJOB_SILENCE_SECONDS", "nan"),
        ("DJOB_REPORT_SECONDS", "0.001"),
        ("DJOB_JOURNAL_REPLICAS", "0"),
        ("DJOB_ENDPOINT_LISTEN", "8080x"),
        ("DJOB_ENDPOINT_LISTEN", "localhost"),
        ("DJOB_ENDPOINT_LISTEN", "localhost:65536"),
        ("DJOB_ENDPOINT_LISTEN", "localhost:-1"),
        ("DJOB_LOG_LEVEL", "LOUD"),
        ("DJOB_LOG_FORMAT", "xml"),
        ("DJOB_METRICS_PER_JOB", "sometimes"),
        ("DJOB_JOURNAL_MAX_BYTES", "much"),
        ("DJOB_JOURNAL_MAX_BYTES", "1Ki"),
        ("DJOB_JOURNAL_MAX_BYTES", "9Ei"),
        ("DJOB_JOURNAL_MAX_AGE_SECONDS", "7d"),
        ("DJOB_JOURNAL_MAX_AGE_SECONDS", "59"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings({name: value})
    line = str(raised.value)
    assert name in line
    assert "Value error" not in line
    assert "\n" not in line


def test_the_line_about_the_url_does_not_show_its_password() -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings({"DJOB_NATS_URL": "nats://user:secret@nats:port"})
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_password_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    settings = read_settings({"DJOB_NATS_PASSWORD_FILE": str(file)})
    with pytest.raises(SettingsError, match="DJOB_NATS_PASSWORD_FILE"):
        settings.password()
    file.write_text("secret\n")
    assert settings.password() == "secret"

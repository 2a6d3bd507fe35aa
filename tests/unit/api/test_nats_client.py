"""What a refusal is, and which password the next attempt to connect has."""

import pytest

from distributedjob_api.nats_client import Password, refuses


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("nats: 'Authorization Violation'", True),
        ("'authorization violation'", True),
        ("'User Authentication Expired'", True),
        ("'User Authentication Revoked'", True),
        ("'Permissions Violation for Publish to \"djob.v1.a.authorization.worker.n\"'", False),
        ("'Maximum Payload Violation'", False),
        ("[Errno 111] Connect call failed ('127.0.0.1', 4222)", False),
    ],
)
def test_what_a_refusal_is(said: str, refused: bool) -> None:
    assert refuses(said) is refused


def test_a_password_is_the_one_in_the_file_by_now() -> None:
    answers = ["old", "new"]
    password = Password(lambda: answers.pop(0))
    assert password() == "new"


def test_a_password_that_cannot_be_read_for_a_moment_is_the_last_one() -> None:
    answers = ["old", "new"]
    password = Password(lambda: answers.pop(0))
    assert [password(), password()] == ["new", "new"]


def test_a_password_that_cannot_be_read_at_all_is_an_error() -> None:
    with pytest.raises(IndexError):
        Password(lambda: [""][1])

"""Subjects keep names apart, whatever is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributedjob_api.subjects import Subjects, decode_token, encode_token, sender

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(names)
def test_a_token_is_one_token_and_is_read_back(name):
    token = encode_token(name)
    assert token.isascii()
    assert not set(token) & set(".*> \t\r\n")
    assert token
    assert decode_token(token) == name


@given(names, names)
def test_different_names_have_different_tokens(one, other):
    assert (encode_token(one) == encode_token(other)) == (one == other)


@given(names, names)
def test_the_sender_is_read_off_a_leader_subject(pool, worker):
    assert sender(Subjects("djob-system/leader").leader(pool, worker)) == (pool, worker)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        pytest.param(
            lambda s: s.worker("default", "node-1.example"),
            "djob.v1.ns_2fa.default.worker.node-1_2eexample",
            id="commands to a worker",
        ),
        pytest.param(lambda s: s.announce(), "djob.v1.ns_2fa.announce", id="announcement"),
        pytest.param(
            lambda s: s.leader("default", "a_b"),
            "djob.v1.ns_2fa.default.leader.a_5fb",
            id="reports of a worker",
        ),
        pytest.param(lambda s: s.every_leader(), "djob.v1.ns_2fa.*.leader.*", id="every report"),
        pytest.param(
            lambda s: s.journal("default", "u-1"),
            "djob.v1.ns_2fa.default.journal.u-1",
            id="journal of a job in a pool",
        ),
        pytest.param(
            lambda s: s.journal_of("u-1"), "djob.v1.ns_2fa.*.journal.u-1", id="journal of a job"
        ),
        pytest.param(lambda s: s.every_journal(), "djob.v1.ns_2fa.*.journal.*", id="every journal"),
        pytest.param(lambda s: s.journal_stream(), "DJOB_ns_2fa", id="stream of the journal"),
    ],
)
def test_the_form_is_pinned(subject, expected):
    assert subject(Subjects("ns/a")) == expected

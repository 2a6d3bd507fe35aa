"""A session opens what its token opens, for as long as it is used."""

from distributedjob_operator.page.sessions import AT_MOST, IDLE_SECONDS, Sessions


def test_a_session_has_its_token_until_it_is_closed():
    sessions = Sessions()
    name = sessions.open("token", 0)
    assert sessions.token(name, 1) == "token"
    sessions.close(name)
    assert sessions.token(name, 2) == ""


def test_use_keeps_it_open_and_idleness_ends_it():
    sessions = Sessions()
    name = sessions.open("token", 0)
    assert sessions.token(name, IDLE_SECONDS) == "token"
    assert sessions.token(name, 2 * IDLE_SECONDS) == "token"
    assert sessions.token(name, 3 * IDLE_SECONDS + 1) == ""


def test_nobody_has_a_session_by_guessing_nothing():
    assert Sessions().token("", 0) == ""


def test_one_too_many_costs_the_one_idle_longest():
    sessions = Sessions()
    names = [sessions.open(str(n), n) for n in range(AT_MOST)]
    sessions.token(names[0], AT_MOST)
    sessions.open("new", AT_MOST)
    assert sessions.token(names[0], AT_MOST) == "0"
    assert sessions.token(names[1], AT_MOST) == ""


def test_a_token_of_whoever_does_not_come_back_is_not_kept():
    sessions = Sessions()
    sessions.open("theirs", 0)
    ours = sessions.open("ours", IDLE_SECONDS)
    assert sessions.token(ours, IDLE_SECONDS + 1) == "ours"
    assert "theirs" not in repr(vars(sessions))

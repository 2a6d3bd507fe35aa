"""References as pods expand them: the cases of Kubernetes' own table, and per-task holes."""

import pytest

from distributedjob_worker.core.expansion import compile_template, literal, variable

KNOWN = {
    "VAR_A": literal("A"),
    "VAR_B": literal("B"),
    "VAR_C": literal("C"),
    "VAR_REF": literal("$(VAR_A)"),
    "VAR_EMPTY": literal(""),
    "INDEX": variable("INDEX"),
    "PAIR": compile_template("<$(INDEX)>", {"INDEX": variable("INDEX")}),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("$(VAR_A)", "A", id="whole string"),
        pytest.param("___$(VAR_B)___", "___B___", id="middle"),
        pytest.param("___$(VAR_C)", "___C", id="end"),
        pytest.param("$(VAR_A)_$(VAR_B)", "A_B", id="two"),
        pytest.param("$(VAR_A)$(VAR_B)$(VAR_A)", "ABA", id="repeated"),
        pytest.param("$(VAR_REF)_$(VAR_C)", "$(VAR_A)_C", id="values are not expanded again"),
        pytest.param("foo\\$(VAR_C)bar", "foo\\Cbar", id="backslash escapes nothing"),
        pytest.param("foo\\\\$(VAR_C)bar", "foo\\\\Cbar", id="two backslashes"),
        pytest.param("$$(VAR_A)", "$(VAR_A)", id="escaped"),
        pytest.param("f000-$$VAR_A", "f000-$VAR_A", id="escaped operator alone"),
        pytest.param("$$$(VAR_A)", "$A", id="escape, then a reference"),
        pytest.param("$$$$(VAR_A)", "$$(VAR_A)", id="two escapes"),
        pytest.param("$VAR_A", "$VAR_A", id="no brackets"),
        pytest.param("$", "$", id="operator alone"),
        pytest.param("$$", "$", id="escaped operator at the end"),
        pytest.param("foo$", "foo$", id="operator at the end"),
        pytest.param("$(VAR_A", "$(VAR_A", id="not closed"),
        pytest.param("$(VAR_A_$(VAR_B)", "$(VAR_A_$(VAR_B)", id="the closer belongs to the first"),
        pytest.param("$(VAR_B_$(VAR_A", "$(VAR_B_$(VAR_A", id="neither closed"),
        pytest.param("$()", "$()", id="no name"),
        pytest.param("$(UNKNOWN)", "$(UNKNOWN)", id="unknown"),
        pytest.param("$($(VAR_A))", "$($(VAR_A))", id="nested"),
        pytest.param("a$(VAR_EMPTY)b", "ab", id="empty value"),
        pytest.param("$?_boo_$!", "$?_boo_$!", id="other characters"),
        pytest.param("$(INDEX)/$$(INDEX)/$(PAIR)", "7/$(INDEX)/<7>", id="per-task values"),
    ],
)
def test_expansion(text: str, expected: str) -> None:
    assert compile_template(text, KNOWN).fill({"INDEX": "7"}) == expected


def test_what_is_the_same_in_every_task_is_known_at_once() -> None:
    assert compile_template("a$(VAR_A)$$", KNOWN).constant == "aA$"
    assert compile_template("", KNOWN).constant == ""
    assert compile_template("a$(INDEX)", KNOWN).constant is None
    assert compile_template("$(INDEX)", KNOWN).constant is None

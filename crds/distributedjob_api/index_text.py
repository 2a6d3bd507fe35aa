"""How a user writes a set of indexes, and the rules that hold a text to it."""

from typing import Any, Final

from distributedjob_api.rules import rule

MAX_LENGTH: Final = 65_536

_INDEX: Final = "(0|[1-9][0-9]{0,6})"
_ITEM: Final = f" *{_INDEX}(-{_INDEX})? *"
_LIST: Final = f"{_ITEM}(,{_ITEM})*"


def well_formed(name: str, *, or_word: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """The rules of a text such as ``0-99,200``.

    That the numbers ascend says at once that no range runs backwards and that none
    overlap. Taking each range apart would cost far more than the budget.

    Args:
        name: the field, as messages call it.
        or_word: a word that stands for a set the operator knows.
    """
    whole = f"{_LIST}|{or_word}" if or_word else _LIST
    instead = f"{or_word}, or something like 0-99,200" if or_word else "something like 0-99,200"
    return (
        rule(
            f"self.matches('^({whole})$')",
            f"{name} must be indexes and ranges joined by commas; write {instead}",
        ),
        rule(
            "self.findAll('[0-9]+').map(index, int(index)).isSorted()",
            f"{name} must ascend, without backward or overlapping ranges;"
            " write something like 0-99,200",
        ),
    )


def last(text: str) -> str:
    """CEL for the last number in ``text``, which is the highest where the rules hold.

    A text without a number gives 0: another rule says what is wrong with it.
    """
    return f"int('0' + {text}.find('[0-9]+ *$').trim())"

"""Kubernetes quantities, as far as CPU and memory need them.

The grammar is that of ``k8s.io/apimachinery/pkg/api/resource``: a decimal number
with an SI suffix (``m``, ``k``, ``M``, ...), a binary one (``Ki``, ``Mi``, ...) or a
decimal exponent.
"""

import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import Final

# An exponent of two digits is beyond any machine; longer ones fill memory, here as well as
# in an API server, which takes minutes over 1e999999999.
GRAMMAR: Final = (
    "[+]?(?P<number>[0-9]+(?:[.][0-9]*)?|[.][0-9]+)"
    "(?P<suffix>[numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?"
)
_QUANTITY: Final = re.compile(GRAMMAR)
_SCALE: Final = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", start=1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
}


class QuantityError(ValueError):
    """A text that is no Kubernetes quantity."""


def parse_quantity(text: str) -> Decimal:
    """The value of ``500m``, ``1.5``, ``2Gi`` or ``1e3``.

    Raises:
        QuantityError: the text is none of these, or is negative.
    """
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        raise QuantityError(f"{text!r} is not a quantity; write something like 500m, 2 or 1.5Gi")
    suffix = found["suffix"] or ""
    if suffix in _SCALE:
        return Decimal(found["number"]) * _SCALE[suffix]
    return Decimal(found["number"] + suffix)


@lru_cache(maxsize=1024)  # Asked for each job in each round of the planner.
def cpu_millis(text: str) -> int:
    """A CPU quantity in millicores, rounded up as the scheduler does."""
    return int((parse_quantity(text) * 1000).to_integral_value(ROUND_CEILING))


def cpu_text(millis: int) -> str:
    """Millicores as a CPU quantity: 2 or 500m."""
    return str(millis // 1000) if millis % 1000 == 0 else f"{millis}m"


@lru_cache(maxsize=1024)
def memory_bytes(text: str) -> int:
    """A memory quantity in bytes, rounded up."""
    return int(parse_quantity(text).to_integral_value(ROUND_CEILING))

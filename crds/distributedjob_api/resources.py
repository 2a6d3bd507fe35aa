"""``spec.template.resources``: what a task occupies while it runs."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field

from distributedjob_api import quantity
from distributedjob_api.model import Model
from distributedjob_api.rules import notes, rule, rules

MAX_CORES: Final = 10_000
MAX_MEMORY: Final = "1Pi"

_JOB: Final = "template.spec.containers[0].resources"


def _text_of_integer(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _cpu_in_bounds(text: str) -> str:
    if not 0 < quantity.cpu_millis(text) <= MAX_CORES * 1000:
        raise ValueError(f"{text} is not above 0 and at most {MAX_CORES}")
    return text


def _memory_in_bounds(text: str) -> str:
    value = quantity.parse_quantity(text)
    if not 1 <= value <= quantity.parse_quantity(MAX_MEMORY):
        raise ValueError(f"{text} is not at least 1 and at most {MAX_MEMORY}")
    return text


def _quantity_schema(lowest: str, highest: str, message: str) -> Callable[[dict[str, Any]], None]:
    """Let users write ``cpu: 2`` as well as ``cpu: 500m``, as in a pod."""
    most = int(quantity.parse_quantity(highest))

    def change(schema: dict[str, Any]) -> None:
        for branches in ("type", "anyOf"):
            schema.pop(branches, None)
        schema["maxLength"] = 32
        schema["x-kubernetes-int-or-string"] = True
        schema |= rules(
            rule(
                f"type(self) == int ? self > 0 && self <= {most}"
                f" : self.matches('^({quantity.GRAMMAR})$')"
                f" && quantity(self){lowest}"
                f" && quantity(self).compareTo(quantity('{highest}')) <= 0",
                message,
            )
        )

    return change


def _cpu_schema(schema: dict[str, Any]) -> None:
    _quantity_schema(
        ".isGreaterThan(quantity('0'))",
        str(MAX_CORES),
        f"cpu must be a quantity above 0 and at most {MAX_CORES};"
        " write cores such as 2 or millicores such as 500m",
    )(schema)
    schema |= notes(job=f"{_JOB}.requests.cpu")


def _memory_schema(schema: dict[str, Any]) -> None:
    _quantity_schema(
        ".compareTo(quantity('1')) >= 0",
        MAX_MEMORY,
        f"memory must be a quantity of bytes, from 1 to {MAX_MEMORY};"
        " write something like 512Mi (512m is half a byte)",
    )(schema)
    schema |= notes(job=f"{_JOB}.requests.memory")


class Requests(Model):
    """What a task occupies while it runs."""

    cpu: Annotated[str, BeforeValidator(_text_of_integer), AfterValidator(_cpu_in_bounds)] = Field(
        default="1",
        max_length=32,
        description=(
            'CPU that one task occupies, in cores or millicores: 2, "0.5" or 500m.'
            " A node runs as many tasks at one time as its allocatable CPU holds."
        ),
        json_schema_extra=_cpu_schema,
    )
    memory: (
        Annotated[
            str,
            Field(max_length=32),
            BeforeValidator(_text_of_integer),
            AfterValidator(_memory_in_bounds),
        ]
        | None
    ) = Field(
        default=None,
        description=(
            "Memory that one task occupies, in bytes: 512Mi or 2Gi. Counted against the node's"
            " allocatable memory. Unset means that it is not counted."
        ),
        json_schema_extra=_memory_schema,
    )

    @property
    def cpu_millis(self) -> int:
        """The CPU of one slot, in millicores."""
        return quantity.cpu_millis(self.cpu)

    @property
    def memory_bytes(self) -> int:
        """The memory of one slot, 0 where it is not counted."""
        return 0 if self.memory is None else quantity.memory_bytes(self.memory)


class Resources(Model):
    """Resources of one task."""

    requests: Requests = Field(
        default=Requests(),
        description="What one task occupies.",
        json_schema_extra=notes(job=f"{_JOB}.requests"),
    )

"""``spec.nodeSelector`` and ``spec.tolerations``: on which nodes tasks may run, as for pods."""

from enum import StrEnum
from typing import Any, Final

from pydantic import ConfigDict, Field

from distributedjob_api.model import Model
from distributedjob_api.rules import notes, rule, rules

_JOB: Final = "template.spec.tolerations[]"

LABEL_KEY_LENGTH: Final = 253 + 1 + 63
_NAME: Final = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_PREFIX: Final = "[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
LABEL_KEY: Final = f"({_PREFIX}/)?{_NAME}"
LABEL_VALUE: Final = f"({_NAME})?"
LABEL_VALUE_LENGTH: Final = 63

NODE_LABELS: Final = 32
TOLERATIONS: Final = 32


def node_selector_schema(schema: dict[str, Any]) -> None:
    """Bound a map of labels."""
    schema["additionalProperties"] = {"type": "string", "maxLength": LABEL_VALUE_LENGTH}
    schema |= rules(
        rule(
            f"self.all(key, size(key) <= {LABEL_KEY_LENGTH} && key.matches('^{LABEL_KEY}$'))",
            "a key of nodeSelector must be a label's key; write something like example.com/disk",
        ),
        rule(
            f"self.all(key, self[key].matches('^({LABEL_VALUE})$'))",
            "a value of nodeSelector must be a label's value: letters, digits and - _ . between"
            " them; write something like ssd",
        ),
    ) | notes(
        job="template.spec.nodeSelector",
        change="While suspended; for tasks that start from then on.",
    )


class TolerationOperator(StrEnum):
    """How a toleration stands to a taint's value."""

    EXISTS = "Exists"
    EQUAL = "Equal"


class TaintEffect(StrEnum):
    """What a taint does; the empty one stands for all of them."""

    ALL = ""
    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Toleration(Model):
    """A taint that does not keep tasks away from a node."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.operator != 'Exists' || self.value == ''",
                "value must be empty where operator is Exists, which takes any value;"
                " write operator: Equal, or keep value out",
                field="value",
            ),
            rule(
                "self.key != '' || self.operator == 'Exists'",
                "operator must be Exists where key is empty, which stands for every taint;"
                " write the key, or operator: Exists",
                field="operator",
            ),
        )
    )

    key: str = Field(
        default="",
        max_length=LABEL_KEY_LENGTH,
        description="Key of the taint. Empty, with operator Exists, stands for every taint.",
        json_schema_extra=rules(
            rule(
                f"self.matches('^({LABEL_KEY})?$')",
                "key must be a taint's key; write something like example.com/dedicated",
            )
        )
        | notes(job=f"{_JOB}.key"),
    )
    operator: TolerationOperator = Field(
        default=TolerationOperator.EQUAL,
        description="Equal: the taint has this value. Exists: whatever its value.",
        json_schema_extra=notes(job=f"{_JOB}.operator"),
    )
    value: str = Field(
        default="",
        max_length=LABEL_VALUE_LENGTH,
        description="Value of the taint.",
        json_schema_extra=rules(
            rule(
                f"self.matches('^({LABEL_VALUE})$')",
                "value must be a taint's value: letters, digits and - _ . between them;"
                " write something like batch",
            )
        )
        | notes(job=f"{_JOB}.value"),
    )
    effect: TaintEffect = Field(
        default=TaintEffect.ALL,
        description="NoSchedule, PreferNoSchedule or NoExecute. Empty stands for all of them.",
        json_schema_extra=notes(job=f"{_JOB}.effect"),
    )

"""``spec.itemsFrom``: items that are too many or too large to stand in the job."""

from typing import Final

from pydantic import Field

from distributedjob_api.model import Model
from distributedjob_api.rules import rule, rules

_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"


class ConfigMapKeyRef(Model):
    """A key of a ConfigMap in the job's namespace."""

    name: str = Field(
        max_length=253,
        description="Name of the ConfigMap.",
        json_schema_extra=rules(
            rule(
                f"self.matches('^{_LABEL}([.]{_LABEL})*$')",
                "name must be that of a ConfigMap; write something like my-items",
            )
        ),
    )
    key: str = Field(
        max_length=253,
        description="Key under which the items stand, one a line.",
        json_schema_extra=rules(
            rule(
                "self.matches('^[-._a-zA-Z0-9]+$') && !self.matches('^[.]([.].*)?$')",
                "key must be one that a ConfigMap can have; write something like items.txt",
            )
        ),
    )


class ItemsFrom(Model):
    """Where the items stand."""

    config_map_key_ref: ConfigMapKeyRef = Field(
        description="A key of a ConfigMap in the job's namespace; each line is one item. Where it"
        " changes or goes after the job began, what runs goes on and nothing else starts until it"
        " is as it was."
    )

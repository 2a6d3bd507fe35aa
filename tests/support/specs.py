"""Specs nobody would write: made at random from the CRD's own schema, or by malice."""

import random
from typing import Any

from hypothesis import strategies as st

from distributedjob_api.schema import custom_resource_definition

NASTY_TEXTS = (
    "",
    "*",
    ">",
    "a.b.*.>",
    "../../etc/passwd",
    "$(DJOB_INDEX)$$(X)$(",
    "\N{ZERO WIDTH SPACE}\N{RIGHT-TO-LEFT OVERRIDE}\N{PILE OF POO}",
    "a" * 4096,
    "0-99,200",
    "5-1",
    "0," * 2000 + "0",
    "999999999999999999999",
    "line\nbreak\ttab",
    "NaN",
    "1e999",
    "-1",
    "true",
)
NASTY_NUMBERS = (-1, 0, 1, 2, 63, 100, 101, 65_536, 1_000_000, 1_000_001, 2**31, 2**53, -(2**63))


_VERSION = custom_resource_definition()["spec"]["versions"][0]
SCHEMA: dict[str, Any] = _VERSION["schema"]["openAPIV3Schema"]["properties"]["spec"]
"""The schema of ``spec`` as the API server has it."""


def random_spec(choose: random.Random, *, sane: float = 0.9) -> dict[str, Any]:
    """A spec of the right shape; each value is in its bounds with probability ``sane``."""
    spec = _object(SCHEMA, choose, sane)
    if choose.random() < 0.8:
        # Most of them get as far as the operator.
        for name in ("completions", "items", "itemsFrom"):
            spec.pop(name, None)
        spec["completions"] = choose.randint(1, 1000)
        template = spec.get("template")
        spec["template"] = {"command": ["true"], **(template if isinstance(template, dict) else {})}
    return spec


def _value(schema: dict[str, Any], choose: random.Random, sane: float) -> Any:
    if choose.random() > sane and choose.random() < 0.1:
        return choose.choice([None, [], {}, "text", 7, True, -1])
    if "enum" in schema:
        return choose.choice(schema["enum"]) if choose.random() < sane else "Nonsense"
    if schema.get("x-kubernetes-int-or-string"):
        return choose.choice([1, 2, "500m", "1", "0.25", "-1", "1e9", "x"])
    match schema.get("type"):
        case "object":
            return _object(schema, choose, sane)
        case "array":
            count = choose.choice([0, 1, 1, 2, 3])
            return [_value(schema["items"], choose, sane) for _ in range(count)]
        case "boolean":
            return choose.random() < 0.3
        case "integer" | "number":
            if choose.random() > sane:
                return choose.choice(NASTY_NUMBERS)
            return choose.randint(schema.get("minimum", 0), min(schema.get("maximum", 100), 1000))
        case _:
            if choose.random() > sane:
                return choose.choice(NASTY_TEXTS)
            return choose.choice(["a", "default", "x1", "true", "0-3", "2026-01-01"])


def _object(schema: dict[str, Any], choose: random.Random, sane: float) -> dict[str, Any]:
    required = schema.get("required", ())
    made = {
        name: _value(inner, choose, sane)
        for name, inner in schema.get("properties", {}).items()
        if (name in required and choose.random() < sane + 0.09) or choose.random() < 0.25
    }
    if "additionalProperties" in schema and choose.random() < 0.5:
        made["key"] = _value(schema["additionalProperties"], choose, sane)
    return made


def specs() -> st.SearchStrategy[dict[str, Any]]:
    """Specs of the right shape, and a little beside it; what fails is made smaller."""
    return st.one_of(_strategy(SCHEMA), _strategy(SCHEMA).map(_plausible))


def _plausible(spec: dict[str, Any]) -> dict[str, Any]:
    """Most of them should get as far as the operator."""
    kept = {name: value for name, value in spec.items() if name not in ("items", "itemsFrom")}
    template = kept.get("template")
    return {
        **kept,
        "completions": 1 + len(str(kept)) % 1000,
        "template": {"command": ["true"], **(template if isinstance(template, dict) else {})},
    }


def _strategy(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from([*schema["enum"], "Nonsense"])
    if schema.get("x-kubernetes-int-or-string"):
        return st.sampled_from([1, 2, "500m", "1", "0.25", "-1", "1e9", "x"])
    match schema.get("type"):
        case "object":
            return _objects(schema)
        case "array":
            return st.lists(_strategy(schema["items"]), max_size=3)
        case "boolean":
            return st.booleans()
        case "integer" | "number":
            low, high = schema.get("minimum", 0), min(schema.get("maximum", 100), 1000)
            return st.integers(low, high) | st.sampled_from(NASTY_NUMBERS)
        case _:
            plain = st.sampled_from(["a", "default", "x1", "true", "0-3", "2026-01-01"])
            return plain | st.sampled_from(NASTY_TEXTS) | st.text(max_size=20)


def _objects(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    inner = {name: _strategy(one) for name, one in schema.get("properties", {}).items()}
    required = {name: inner.pop(name) for name in schema.get("required", ()) if name in inner}
    if "additionalProperties" in schema:
        return st.dictionaries(st.text(max_size=9), _strategy(schema["additionalProperties"]))
    return st.fixed_dictionaries(required, optional=inner)


def hostile_specs() -> list[dict[str, Any]]:
    """Each made to hurt one part."""
    plain = {"completions": 1, "template": {"command": ["true"]}}
    deep: Any = "end"
    for _ in range(200):
        deep = {"deeper": deep}
    return [
        *({**plain, "pool": text} for text in NASTY_TEXTS),
        *({**plain, "indexes": text} for text in NASTY_TEXTS),
        *({**plain, "template": {"command": [text]}} for text in NASTY_TEXTS),
        {**plain, "template": {"command": ["a" * 1024 * 1024]}},
        {**plain, "template": {"command": ["true"] * 5000}},
        {**plain, "template": deep},
        {**plain, "completions": 10**9},
        {**plain, "unknown": deep},
        {"items": ["x" * 4096] * 1000, "template": plain["template"]},
        {"items": list(NASTY_TEXTS), "template": {"command": ["echo", "$(DJOB_ITEM)"]}},
        {**plain, "template": {"command": ["true"], "workingDir": "/../../proc/1/root"}},
        {**plain, "template": {"command": ["$(DJOB_ITEM)", "$(", "$$", "$(A)$(B)$(A)"]}},
    ]

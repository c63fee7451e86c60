"""Compiling conditions: what is left is plain JSON Schema without ``$ref``, and what it reads is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tokenguard.durations import parse_iso8601
from tokenguard.model import Schema
from tokenguard.rules.keywords import DURATIONS, KEYWORDS, Holds, Kind

References = Mapping[str, Schema]
"""The conditions that ``$ref`` may name, by reference: ``#/parameters/NAME`` and ``#/$defs/NAME``."""

APP_ID = "appId"
_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def compiled(condition: Schema, references: References, property_name: str = "") -> dict[str, Any]:
    """`condition`, checked before, with references inlined, durations in seconds, and ids in lower case.

    `property_name` is the property that the condition is on: resources hold GUIDs in lower case, so one that is
    written in capitals in a rule must not be missed for its spelling.
    """
    result: dict[str, Any] = {}
    for keyword, value in condition.items():
        word = KEYWORDS[keyword]
        if word.kind is Kind.APPLICATOR:
            within = property_name if word.in_place else ""
            result[keyword] = _each(value, word.holds, within, lambda part, name: compiled(part, references, name))
        elif keyword in DURATIONS:
            result[DURATIONS[keyword]] = seconds(value)
        elif word.kind is Kind.ASSERTION:
            result[keyword] = _lower_ids(keyword, value, property_name)
    if "$ref" not in condition:
        return result
    referred = compiled(references[condition["$ref"]], references, property_name)
    return {**result, "allOf": [*result.get("allOf", ()), referred]} if result else referred


def seconds(duration: str) -> int:
    """An ISO 8601 duration in whole seconds. Raises `DurationError`."""
    return int(parse_iso8601(duration).total_seconds())


def _each(value: Any, holds: Holds | None, name: str, change: Callable[[Schema, str], Schema]) -> Any:
    if holds is Holds.LIST:
        return [change(part, name) for part in value]
    if holds is Holds.MAP:
        return {key: change(part, key) for key, part in value.items()}
    return change(value, name)


def _lower_ids(keyword: str, value: Any, property_name: str) -> Any:
    if keyword not in ("const", "enum") or not (property_name == "id" or property_name.endswith("Id")):
        return value
    return [_lower(item) for item in value] if keyword == "enum" else _lower(value)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) and _GUID.fullmatch(value) else value


def names_read(condition: Schema) -> frozenset[str]:
    """The names of the properties that a compiled condition on an object reads, at this depth."""
    names = {*condition.get("properties", ()), *condition.get("required", ())}
    for name, others in condition.get("dependentRequired", {}).items():
        names.update([name, *others])
    for part in _in_place(condition):
        names |= names_read(part)
    return frozenset(names)


def parameters_read(condition: Schema, definitions: Mapping[str, Schema]) -> frozenset[str]:
    """The names of the parameters that a condition of a rule document reads, itself or by way of its `definitions`.

    No definition refers to itself, whether directly or through others: such a rule is refused when it is read.
    """
    names: frozenset[str] = frozenset()
    kind, _, name = condition.get("$ref", "").rpartition("/")
    if kind == "#/parameters":
        names = frozenset({name})
    elif kind == "#/$defs":
        names = parameters_read(definitions[name], definitions)
    return names.union(*(parameters_read(part, definitions) for part in _parts(condition)))


def _parts(condition: Schema) -> Iterator[Schema]:
    """The conditions that stand directly in `condition`."""
    for keyword, value in condition.items():
        if KEYWORDS[keyword].kind is Kind.APPLICATOR:
            holds = KEYWORDS[keyword].holds
            yield from value if holds is Holds.LIST else value.values() if holds is Holds.MAP else [value]


def _in_place(condition: Schema) -> Iterator[Schema]:
    for keyword, value in condition.items():
        word = KEYWORDS[keyword]
        if word.in_place:
            yield from value if word.holds is Holds.LIST else [value]


def pinned_app_ids(select: Schema | None) -> frozenset[str] | None:
    """The appIds that a compiled `select` pins, required, with ``const`` or ``enum``; None when it pins none."""
    if select is None or APP_ID not in select.get("required", ()):
        return None
    on_id = select.get("properties", {}).get(APP_ID, {})
    ids = [on_id["const"]] if "const" in on_id else on_id.get("enum")
    if ids is None or not all(isinstance(item, str) for item in ids):
        return None
    return frozenset(ids)

"""A first rule over a resource type: complete, true of the type's neutral resource, and there to be changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tokenguard.durations import format_iso8601
from tokenguard.errors import RuleError
from tokenguard.judging.engine import TypeCheck
from tokenguard.model import Example, Outcome, ResourceType
from tokenguard.rules.examples import laid_over
from tokenguard.rules.fit import types_of
from tokenguard.rules.messages import SECONDS
from tokenguard.rules.soundness import EDITOR_SCHEMA, type_fault


def draft_rule(id_: str, type_: ResourceType) -> dict[str, Any]:
    """A document that is a rule as it stands. Raises `RuleError` for a type that offers nothing to demand."""
    fault = type_fault(type_)
    if fault:
        raise RuleError(fault)
    name, other = _subject(type_)
    neutral = type_.schema["examples"][0][name]
    timed = name.endswith(SECONDS)
    length = {"maximum": {"title": "Longest accepted", "maxDuration": _duration(neutral)}} if timed else {}
    return {
        "$schema": f"./{EDITOR_SCHEMA}",
        "id": id_,
        "title": id_.replace("-", " ").capitalize(),
        "severity": "medium",
        "resource": type_.name,
        **({"parameters": length} if timed else {}),
        "require": {"properties": {name: {"$ref": "#/parameters/maximum"} if timed else {"const": neutral}}},
        "message": f"{name} of {{name}} is {{{name}}}",
        "rationale": "Say here why this matters, and what can happen where nobody mends it.",
        "references": [],
        "remediation": {"safety": "manual", "guidance": "Say here what to do, and what to know before."},
        "examples": list(_examples(type_, name, other)),
    }


def _subject(type_: ResourceType) -> tuple[str, Any]:
    """A property to make demands of, a length of time if there is one, and a value that it should not have."""
    for name in sorted(type_.schema["properties"], key=lambda name: _rank(type_, name)):
        for value in _values(type_, name):
            return name, value
    raise RuleError(f"resource type {type_.name!r} has no property that could have another value")


def _rank(type_: ResourceType, name: str) -> tuple[bool, ...]:
    """Lengths of time first, then yes and no, then numbers, as rules most often demand them."""
    types = types_of(type_.schema["properties"][name])
    return (not name.endswith(SECONDS), "boolean" not in types, "number" not in types)


def _values(type_: ResourceType, name: str) -> Iterator[Any]:
    """Valid values of a property that differ from the neutral resource's, and for a length of time exceed it."""
    neutral = type_.schema["examples"][0][name]
    check = TypeCheck(type_)
    if name.endswith(SECONDS):
        candidates = [8 * neutral] if neutral else []
    else:
        candidates = [*type_.schema["properties"][name].get("enum", ()), True, False, 0, 1, 2, "another"]
    for value in candidates:
        example = Example(Outcome.FAIL, {name: value})
        if value != neutral and check.flaw(laid_over(type_, example)) is None:
            yield value


def _examples(type_: ResourceType, name: str, other: Any) -> Iterator[dict[str, Any]]:
    yield {"outcome": "pass", "properties": {name: type_.schema["examples"][0][name]}}
    yield {"outcome": "fail", "properties": {name: other}}
    yield {"outcome": "not-evaluated", "unknown": {name: "it could not be read"}}


def _duration(seconds: int) -> str:
    return format_iso8601(timedelta(seconds=seconds))

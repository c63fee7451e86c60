"""Compiled conditions in words, for people who read a rule rather than write one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tokenguard.model import Schema
from tokenguard.rules.messages import present

_ASSERTIONS = {
    "type": "is of type {}",
    "const": "is {}",
    "enum": "is one of: {}",
    "maximum": "is at most {}",
    "minimum": "is at least {}",
    "exclusiveMaximum": "is below {}",
    "exclusiveMinimum": "is above {}",
    "multipleOf": "is a multiple of {}",
    "maxLength": "has at most {} characters",
    "minLength": "has at least {} characters",
    "pattern": "matches {}",
    "maxItems": "has at most {} items",
    "minItems": "has at least {} items",
    "uniqueItems": "has no item twice",
    "maxContains": "has at most {} such items",
    "minContains": "has at least {} such items",
}
_PARTS = {"items": "each item of {}", "contains": "some item of {}"}
_CHOICES = {"anyOf": "any of", "oneOf": "exactly one of"}


def in_words(condition: Schema, subject: str = "") -> list[str]:
    """What a compiled `condition` demands of the property `subject`, one clause each; all of them must hold."""
    return list(_clauses(condition, subject))


def _clauses(condition: Schema, subject: str) -> Iterator[str]:
    for keyword, value in condition.items():
        if keyword in _ASSERTIONS:
            yield f"{subject or 'the resource'} {_ASSERTIONS[keyword].format(present(subject, value))}"
        elif keyword in _PARTS:
            yield from _clauses(value, _PARTS[keyword].format(subject))
        elif keyword in _CHOICES:
            yield f"{_CHOICES[keyword]}: {' · '.join(_joined(part, subject) for part in value)}"
        else:
            yield from _others(keyword, value, subject, condition)


def _others(keyword: str, value: Any, subject: str, condition: Schema) -> Iterator[str]:
    match keyword:
        case "properties":
            for name, part in value.items():
                yield from _clauses(part, _below(subject, name))
        case "allOf":
            for part in value:
                yield from _clauses(part, subject)
        case "not":
            yield f"not: {_joined(value, subject)}"
        case "if":
            yield from _conditional(value, condition, subject)
        case "required":
            yield from (f"{_below(subject, name)} is there" for name in value)
        case "dependentRequired":
            yield from _dependent(value, subject)


def _conditional(test: Schema, condition: Schema, subject: str) -> Iterator[str]:
    for keyword, word in (("then", "where"), ("else", "except where")):
        if keyword in condition:
            yield f"{word} {_joined(test, subject)}: {_joined(condition[keyword], subject)}"


def _dependent(value: Mapping[str, list[str]], subject: str) -> Iterator[str]:
    for name, others in value.items():
        listed = ", ".join(_below(subject, other) for other in others)
        yield f"where {_below(subject, name)} is there: {listed} too"


def _joined(condition: Schema, subject: str) -> str:
    return " and ".join(_clauses(condition, subject)) or "anything"


def _below(subject: str, name: str) -> str:
    return f"{subject}.{name}" if subject else name

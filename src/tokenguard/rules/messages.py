"""The messages of rules: a small grammar, ``{property[:duration|count]}``, and names and values as people say them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from tokenguard.durations import humanize
from tokenguard.excerpts import is_excerpt, shown
from tokenguard.model import Resource, Schema
from tokenguard.rules.mistakes import did_you_mean, quote

SECONDS = "Seconds"
"""A property whose name ends so holds a length of time in whole seconds."""

_LONGEST = timedelta.max // timedelta(seconds=1)
"""Seconds that a `timedelta` holds; what is longer, as a file that was tampered with may say, stays a number."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_FIELD = re.compile(r"\{([^{}]*)\}")
_OWN_NAMES = ("id", "name")
"""Of the resource itself, beside its properties."""
_FORMATS = ("duration", "count")


def check_template(template: str, properties: Mapping[str, Schema]) -> list[str]:
    """What is wrong with a message for resources of these `properties` (name to schema), one sentence each."""
    problems = [problem for field in _FIELD.findall(template) for problem in _check_field(field, properties)]
    if re.search(r"[{}]", _FIELD.sub("", template)):
        problems.append("a brace that is no part of {property}")
    return problems


def _check_field(field: str, properties: Mapping[str, Schema]) -> Iterator[str]:
    name, colon, form = field.partition(":")
    if name not in properties and name not in _OWN_NAMES:
        yield f"no property {quote(name)} to put in a message{did_you_mean(name, [*properties, *_OWN_NAMES])}"
    elif colon and form not in _FORMATS:
        yield f"no format {quote(form)} for {name}{did_you_mean(form, _FORMATS)}"
    elif form == "duration" and not name.endswith(SECONDS):
        yield f"{name} is no length of time: only a property whose name ends with {SECONDS} is"
    elif form == "count" and "array" not in properties.get(name, {}).get("type", ()):
        yield f"{name} is no list that could be counted"


def mentioned(template: str) -> frozenset[str]:
    """The names that a message mentions."""
    return frozenset(field.partition(":")[0] for field in _FIELD.findall(template))


def render(template: str, resource: Resource) -> str:
    """Fill in a checked `template`. Null reads "none", a property that could not be determined "unknown"."""
    return _FIELD.sub(lambda field: _fill(field[1], resource), template)


def _fill(field: str, resource: Resource) -> str:
    name, _, form = field.partition(":")
    if name in resource.unknown:
        return "unknown"
    value = resource.properties[name] if name in resource.properties else getattr(resource, name)
    return str(len(value)) if form == "count" and value is not None else present(name, value)


def present(name: str, value: Any) -> str:
    """`value` of the property `name` (or of the JSON Pointer that ends with it) as people read it.

    A long list is its number and its first items: ``12 values (a, b, c, …)``.
    """
    match shown(value, texts=False):
        case None | []:
            return "none"
        case str(text):
            return text
        case int(number) if name.endswith(SECONDS) and not isinstance(number, bool) and 0 <= number <= _LONGEST:
            return humanize(timedelta(seconds=number))
        case list(items):
            return ", ".join(present(name, item) for item in items)
        case dict(members):
            return _members(name, members)
        case other:
            return json.dumps(other)


def _members(name: str, members: Mapping[str, Any]) -> str:
    if is_excerpt(members):
        return f"{members['count']} values ({present(name, members['first'])}, …)"
    return ", ".join(f"{key} {present(key, item)}" for key, item in members.items())


def words_of(name: str) -> str:
    """A property or a type as people say it: ``access token lifetime`` for ``accessTokenLifetimeSeconds``."""
    return _HUMP.sub(" ", name.removesuffix(SECONDS)).lower()


def count(number: int, noun: str) -> str:
    """``1 finding``, ``2 findings``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

"""Whether a condition can mean anything over its resource type: every name it reads exists, every keyword can fail.

A misspelt property, or a keyword for another type of value, would make an assertion that no resource can violate: a
rule that passes whatever the tenant looks like.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tokenguard.errors import DurationError
from tokenguard.model import Schema
from tokenguard.rules.conditions import References, seconds
from tokenguard.rules.keywords import DURATIONS, KEYWORDS, NEEDS, Holds, Kind
from tokenguard.rules.messages import SECONDS
from tokenguard.rules.mistakes import Mistake, did_you_mean, pointer, quote
from tokenguard.rules.patterns import pattern_problem

MAXIMUM_CONDITIONS = 10_000
"""Of one rule, after every ``$ref`` is followed: definitions that double each other at every step end here."""
MAXIMUM_NESTING = 64
"""Of conditions within one another, after every ``$ref`` is followed: as deep as a document nests, far from any limit
of what compiles and judges them."""

_COUNTED = {"minItems": "list", "minLength": "text"}
"""Keywords that ask for so many of something, and of what."""
_JSON_TYPES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk is: in the rule, and beside it in the schema of the type."""

    path: str
    """JSON Pointer into the rule."""
    schema: Schema
    """Of the value that the condition is on."""
    name: str = ""
    """Of the property that it is on; empty for the whole resource."""
    trail: tuple[str, ...] = ()
    """The definitions that are being followed."""
    depth: int = 0
    """How many conditions the one at this place stands within."""


class Fit:
    """Walks the conditions of one rule, beside the schema of its type."""

    def __init__(self, type_schema: Schema, references: References) -> None:
        self.used: set[str] = set()
        """The references that were followed."""
        self._schema = type_schema
        self._references = references
        self._conditions = 0

    def mistakes(self, condition: Schema, path: str) -> Iterator[Mistake]:
        """What is wrong with a `condition` that is valid against the dialect and stands at `path` of its rule."""
        yield from self._condition(condition, _Place(path, self._schema))

    def _condition(self, condition: Schema, place: _Place) -> Iterator[Mistake]:
        self._conditions += 1
        if self._conditions > MAXIMUM_CONDITIONS:
            if self._conditions == MAXIMUM_CONDITIONS + 1:
                yield Mistake(place.path, f"more than {MAXIMUM_CONDITIONS} conditions once every $ref is followed")
            return
        if place.depth == MAXIMUM_NESTING:
            yield Mistake(place.path, f"conditions nested deeper than {MAXIMUM_NESTING} once every $ref is followed")
            return
        place = replace(place, depth=place.depth + 1)
        yield from _combination(condition, place)
        for keyword, value in condition.items():
            word, here = KEYWORDS[keyword], replace(place, path=pointer(place.path, keyword))
            if word.types and not word.types & types_of(place.schema):
                yield _cannot_fail(keyword, here)
            elif word.kind is Kind.APPLICATOR:
                yield from self._applicator(keyword, value, here)
            elif word.kind is Kind.REFERENCE:
                yield from self._reference(value, here)
            elif word.kind is Kind.ASSERTION:
                yield from _assertion(keyword, value, here)

    def _applicator(self, keyword: str, value: Any, place: _Place) -> Iterator[Mistake]:
        word = KEYWORDS[keyword]
        if word.holds is Holds.MAP:
            yield from self._properties(value, place)
        elif word.holds is Holds.LIST:
            for index, part in enumerate(value):
                yield from self._condition(part, replace(place, path=pointer(place.path, index)))
        elif word.in_place:
            yield from self._condition(value, place)
        else:
            yield from self._condition(value, replace(place, schema=place.schema.get("items", {}), name=place.name))

    def _properties(self, conditions: dict[str, Schema], place: _Place) -> Iterator[Mistake]:
        known = place.schema.get("properties", {})
        for name, condition in conditions.items():
            here = replace(place, path=pointer(place.path, name), schema=known.get(name, {}), name=name)
            if name in known:
                yield from self._condition(condition, here)
            else:
                yield _no_property(name, known, here)

    def _reference(self, reference: str, place: _Place) -> Iterator[Mistake]:
        target = self._references.get(reference)
        if target is None:
            yield Mistake(
                place.path, f"{quote(reference)} is not in this rule{did_you_mean(reference, self._references)}"
            )
        elif reference in place.trail:
            chain = " → ".join([*place.trail[place.trail.index(reference) :], reference])
            yield Mistake(place.path, f"definitions that refer to each other in a circle: {chain}")
        else:
            self.used.add(reference)
            path = reference.removeprefix("#")
            yield from self._condition(target, replace(place, path=path, trail=(*place.trail, reference)))


def types_of(schema: Schema) -> frozenset[str]:
    """The JSON types that a value of `schema` can have; an integer is also a number."""
    types = _named_types(schema)
    return types | {"number"} if "integer" in types else types


def _named_types(schema: Schema) -> frozenset[str]:
    named = schema.get("type", ["array", "boolean", "integer", "null", "number", "object", "string"])
    return frozenset([named] if isinstance(named, str) else named)


def json_type(value: Any) -> str:
    """The JSON type of a value, a whole number being an integer however it is written; else the name of its type."""
    if isinstance(value, float) and value.is_integer():
        return "integer"
    return _JSON_TYPES.get(type(value), type(value).__name__)


def meaning_problem(keyword: str, value: Any) -> str | None:
    """What a JSON Schema cannot say about a keyword's value: a duration that is none, an unaccepted pattern."""
    if keyword == "pattern":
        return pattern_problem(value)
    if keyword in DURATIONS:
        try:
            seconds(value)
        except DurationError as error:
            return f"{error.message}; {error.hint}"
    return None


def _combination(condition: Schema, place: _Place) -> Iterator[Mistake]:
    """Keywords that need, or exclude, another one beside them."""
    for keyword, other in NEEDS.items():
        if keyword in condition and other not in condition:
            yield Mistake(pointer(place.path, keyword), f'"{keyword}" says nothing without "{other}" beside it')
    if "if" in condition and not {"then", "else"} & condition.keys():
        yield Mistake(pointer(place.path, "if"), '"if" says nothing without "then" or "else" beside it')
    if condition.get("minContains") == 0 and "maxContains" not in condition:
        yield Mistake(pointer(place.path, "minContains"), _vacuous('"minContains" of 0', "list"))
    for keyword, plain in DURATIONS.items():
        if keyword in condition and plain in condition:
            yield Mistake(
                pointer(place.path, keyword), f'"{keyword}" and "{plain}" are one keyword in two units; keep one'
            )


def _reached(keyword: str, value: Any, schema: Schema) -> bool:
    """Whether every number of `schema` is at least what `keyword` asks for."""
    least = seconds(value) if keyword in DURATIONS else value
    return "minimum" in schema and least <= schema["minimum"]


def _vacuous(what: str, of: str) -> str:
    return f"{what} holds for every {of}, so it could never fail"


def _cannot_fail(keyword: str, place: _Place) -> Mistake:
    types = types_of(place.schema)
    fitting = ", ".join(word.name for word in KEYWORDS.values() if word.settable and word.types & types)
    text = f'"{keyword}" says nothing about {_what(place)}, so it could never fail'
    return Mistake(place.path, f"{text}; what fits is {fitting or 'const, enum'}")


def _what(place: _Place) -> str:
    types = " or ".join(sorted(types_of(place.schema) - {"number"})) if place.name else "object"
    return f"{place.name or 'the resource'} ({types})"


def _no_property(name: str, known: Collection[str], place: _Place) -> Mistake:
    return Mistake(place.path, f"there is no property {quote(name)} here{did_you_mean(name, known)}")


def _assertion(keyword: str, value: Any, place: _Place) -> Iterator[Mistake]:
    problem = meaning_problem(keyword, value)
    if problem:
        yield Mistake(place.path, problem)
    elif keyword == "pattern" and not value:  # as from a variable that is not set
        yield Mistake(place.path, "an empty regular expression is found in every text, so it could never fail")
    elif keyword in _COUNTED and not value:
        yield Mistake(place.path, _vacuous(f'"{keyword}" of 0', _COUNTED[keyword]))
    elif keyword in ("minimum", "minDuration") and _reached(keyword, value, place.schema):
        yield Mistake(place.path, f"{_what(place)} is never less than {quote(value)}, so it could never fail")
    elif keyword in ("required", "dependentRequired") and not value:
        yield Mistake(place.path, _vacuous(f'"{keyword}" without a name', "object"))
    elif keyword in DURATIONS and not place.name.endswith(SECONDS):
        yield Mistake(place.path, f"{_what(place)} is no length of time: only a name that ends with {SECONDS} is")
    elif keyword in ("const", "enum"):
        yield from _values([value] if keyword == "const" else value, place)
    elif keyword == "type":
        yield from _types([value] if isinstance(value, str) else value, place)
    elif keyword in ("required", "dependentRequired"):
        yield from _names(value, place)


def _values(values: list[Any], place: _Place) -> Iterator[Mistake]:
    """Values that the property can never have."""
    if not place.name:
        yield Mistake(place.path, "the resource as a whole cannot be compared; name the properties that matter")
        return
    possible, types = place.schema.get("enum"), _named_types(place.schema)
    types |= {"integer"} if "number" in types else frozenset()
    for value in values:
        if json_type(value) not in types:
            hint = "; write constDuration for a length of time" if place.name.endswith(SECONDS) else ""
            yield Mistake(place.path, f"{quote(value)} is never the value of {_what(place)}{hint}")
        elif possible is not None and value not in possible:
            text = f"{quote(value)} is never the value of {place.name}"
            yield Mistake(place.path, text + did_you_mean(value, [str(item) for item in possible]))


def _types(types: list[str], place: _Place) -> Iterator[Mistake]:
    for type_ in types:
        if type_ not in types_of(place.schema):
            yield Mistake(place.path, f"{_what(place)} is never of type {quote(type_)}")


def _names(value: Any, place: _Place) -> Iterator[Mistake]:
    known = place.schema.get("properties", {})
    names = value if isinstance(value, list) else [name for key, others in value.items() for name in (key, *others)]
    for name in names:
        if name not in known:
            yield _no_property(name, known, place)

"""The rule language as one table of keywords, from which the schemas of rule files come (`dialect`).

A condition is a JSON Schema 2020-12 of these keywords, and of three of our own for durations. What reads all names of
an object (``additionalProperties`` and its kin) is not among them: of every condition it must be plain which
properties it reads, since a property that could not be determined must never lead to a pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tokenguard.model import Schema


class Kind(Enum):
    """What a keyword does."""

    APPLICATOR = "applies other conditions"
    ASSERTION = "demands something"
    REFERENCE = "stands for a condition elsewhere"
    ANNOTATION = "says something to people"


class Holds(Enum):
    """How an applicator holds its conditions."""

    ONE = "one"
    LIST = "list"
    MAP = "map"


@dataclass(frozen=True, slots=True)
class Keyword:
    """One word of the rule language."""

    name: str
    kind: Kind
    value: Schema
    """JSON Schema of the keyword's own value."""
    says: str
    """For people: what it demands, shown by editors."""
    types: frozenset[str] = frozenset()
    """The JSON types that it says something about; empty: all."""
    holds: Holds | None = None
    settable: bool = False
    """Whether a parameter may be made of it."""
    in_place: bool = False
    """An applicator of conditions on the same value, not on a part of it."""


CONDITION: Final = {"$ref": "#/$defs/condition"}
_NUMBER: Final = frozenset({"integer", "number"})
_STRING: Final = frozenset({"string"})
_ARRAY: Final = frozenset({"array"})
_OBJECT: Final = frozenset({"object"})
LARGEST_NUMBER: Final = 2**53 - 1
"""Beyond it JSON readers disagree about integers (RFC 8259, section 6)."""
_ANY_NUMBER: Final = {"type": "number", "minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER}
_COUNT: Final = {"type": "integer", "minimum": 0, "maximum": LARGEST_NUMBER}
_DURATION: Final = {"type": "string", "pattern": "^P[0-9DTHMSW]+$", "examples": ["PT1H", "PT1H30M", "PT8H", "P1D"]}
_NAMES: Final = {"description": "Names.", "type": "array", "items": {"type": "string"}, "uniqueItems": True}
_JSON_TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")

_HELD: Final[Mapping[Holds, Schema]] = {
    Holds.ONE: CONDITION,
    Holds.LIST: {"type": "array", "minItems": 1, "items": CONDITION},
    Holds.MAP: {"type": "object", "additionalProperties": CONDITION},
}


def _applicator(name: str, says: str, holds: Holds, types: frozenset[str] = frozenset()) -> Keyword:
    return Keyword(name, Kind.APPLICATOR, _HELD[holds], says, types, holds, in_place=not types)


def _assertion(name: str, says: str, value: Schema, types: frozenset[str] = frozenset()) -> Keyword:
    return Keyword(name, Kind.ASSERTION, value, says, types, settable=True)


def _structure(name: str, says: str, value: Schema, types: frozenset[str] = frozenset()) -> Keyword:
    """An assertion about shape, which no user of a rule could sensibly set to another value."""
    return Keyword(name, Kind.ASSERTION, value, says, types)


def _annotation(name: str, says: str) -> Keyword:
    return Keyword(name, Kind.ANNOTATION, {"type": "string"}, says)


KEYWORDS: Final[Mapping[str, Keyword]] = {
    keyword.name: keyword
    for keyword in (
        _applicator("properties", "Conditions on properties, by name.", Holds.MAP, _OBJECT),
        _applicator("items", "A condition that every item of a list meets.", Holds.ONE, _ARRAY),
        _applicator("contains", "A condition that at least one item of a list meets.", Holds.ONE, _ARRAY),
        _applicator("allOf", "Every one of these conditions.", Holds.LIST),
        _applicator("anyOf", "At least one of these conditions.", Holds.LIST),
        _applicator("oneOf", "Exactly one of these conditions.", Holds.LIST),
        _applicator("not", "Not this condition.", Holds.ONE),
        _applicator("if", "Where this condition is met, `then` must be, else `else`.", Holds.ONE),
        _applicator("then", "What must hold where `if` is met.", Holds.ONE),
        _applicator("else", "What must hold where `if` is not met.", Holds.ONE),
        _assertion("maxDuration", "At most this long, e.g. PT8H; of a property in seconds.", _DURATION, _NUMBER),
        _assertion("minDuration", "At least this long, e.g. PT10M; of a property in seconds.", _DURATION, _NUMBER),
        _assertion("constDuration", "Exactly this long, e.g. PT5H; of a property in seconds.", _DURATION, _NUMBER),
        _structure(
            "type",
            f"The JSON type, or several to choose from: {', '.join(_JSON_TYPES)}.",
            {
                "anyOf": [
                    {"enum": list(_JSON_TYPES)},
                    {"type": "array", "items": {"enum": list(_JSON_TYPES)}, "minItems": 1, "uniqueItems": True},
                ]
            },
        ),
        _assertion("const", "Exactly this value.", {}),
        _assertion("enum", "One of these values.", {"type": "array"}),
        _assertion("maximum", "A number of at most this.", _ANY_NUMBER, _NUMBER),
        _assertion("minimum", "A number of at least this.", _ANY_NUMBER, _NUMBER),
        _assertion("exclusiveMaximum", "A number below this.", _ANY_NUMBER, _NUMBER),
        _assertion("exclusiveMinimum", "A number above this.", _ANY_NUMBER, _NUMBER),
        _assertion("multipleOf", "A multiple of this integer.", {**_COUNT, "minimum": 1}, _NUMBER),
        _assertion("maxLength", "At most so many characters.", _COUNT, _STRING),
        _assertion("minLength", "At least so many characters.", _COUNT, _STRING),
        _assertion("pattern", "A text in which this regular expression is found.", {"type": "string"}, _STRING),
        _assertion("maxItems", "A list of at most so many items.", _COUNT, _ARRAY),
        _assertion("minItems", "A list of at least so many items.", _COUNT, _ARRAY),
        _structure("uniqueItems", "A list without repetitions.", {"const": True}, _ARRAY),
        _structure("maxContains", "At most so many items meet `contains`.", _COUNT, _ARRAY),
        _structure("minContains", "At least so many items meet `contains`.", _COUNT, _ARRAY),
        _structure("required", "Names of properties that must be there.", _NAMES, _OBJECT),
        _structure(
            "dependentRequired",
            "For a property that is there, the names of others that must be there too.",
            {"type": "object", "additionalProperties": _NAMES},
            _OBJECT,
        ),
        Keyword(
            "$ref",
            Kind.REFERENCE,
            {"type": "string", "pattern": "^#/(parameters|\\$defs)/[^/]+$"},
            "A parameter or definition of this rule: #/parameters/NAME or #/$defs/NAME. Nothing is ever fetched.",
        ),
        _annotation("title", "A name for people."),
        _annotation("description", "An explanation for people."),
        _annotation("$comment", "A note for the rule's maintainers."),
    )
}

DURATIONS: Final = {"maxDuration": "maximum", "minDuration": "minimum", "constDuration": "const"}
"""Our own keywords, and what they are rewritten to: the same in whole seconds."""

NEEDS: Final = {"then": "if", "else": "if", "minContains": "contains", "maxContains": "contains"}
"""Keywords that say nothing without another beside them."""

_READS_ALL_NAMES: Final = "it reads every property, so it could not be told what an undetermined one means"
_FETCHES: Final = "a rule refers only to its own #/parameters/NAME and #/$defs/NAME; nothing is ever fetched"
REFUSED: Final = {
    **dict.fromkeys(
        (
            "additionalProperties",
            "patternProperties",
            "propertyNames",
            "minProperties",
            "maxProperties",
            "unevaluatedProperties",
            "dependentSchemas",
            "dependencies",
        ),
        _READS_ALL_NAMES,
    ),
    **dict.fromkeys(("$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$vocabulary"), _FETCHES),
    **dict.fromkeys(("$defs", "definitions"), "definitions stand at the top of the rule, in $defs"),
    **dict.fromkeys(("prefixItems", "additionalItems", "unevaluatedItems"), "no resource has lists of fixed places"),
    "format": "engines disagree on formats; write a pattern, or maxDuration for a length of time",
}
"""Keywords of JSON Schema that are left out of the rule language, and why."""

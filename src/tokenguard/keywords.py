"""The rule language as one table of keywords, and the two schemas of rule files that come from it.

A condition is a JSON Schema 2020-12 of these keywords, and of three of our own for durations. What reads all names of
an object (``additionalProperties`` and its kin) is not among them: of every condition it must be plain which
properties it reads, since a property that could not be determined must never lead to a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from tokenguard.model import Outcome, Safety, Schema, Severity
from tokenguard.schemas import SCHEMA_BASE, data_folder


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


_CONDITION: Final = {"$ref": "#/$defs/condition"}
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
    Holds.ONE: _CONDITION,
    Holds.LIST: {"type": "array", "minItems": 1, "items": _CONDITION},
    Holds.MAP: {"type": "object", "additionalProperties": _CONDITION},
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


def dialect_schema() -> dict[str, Any]:
    """The strict schema that every rule file is held to: JSON Schema 2020-12."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{SCHEMA_BASE}dialect"}
    return {**head, **_rule_schema()}


def editor_schema() -> dict[str, Any]:
    """The same for editors, whose completion knows draft-07 best: also offers types, snippets and examples."""
    document = _moved(_rule_schema())
    document["properties"]["resource"]["examples"] = sorted(
        path.name.partition(".")[0] for path in (data_folder("schemas") / "resources").glob("*.schema.json")
    )
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "$id": f"{SCHEMA_BASE}rule"}
    return {**head, **document}


def _moved(part: Any) -> Any:
    """`part` with its definitions where draft-07 has them."""
    if isinstance(part, list):
        return [_moved(item) for item in part]
    if not isinstance(part, dict):
        return part
    moved = {key: _moved(value) for key, value in part.items()}
    if str(moved.get("$ref", "")).startswith("#/$defs/"):
        moved["$ref"] = moved["$ref"].replace("$defs", "definitions")
    if "condition" in moved.get("$defs", ()):
        moved["definitions"] = moved.pop("$defs")
    return moved


def _rule_schema() -> dict[str, Any]:
    return {
        "title": "tokenguard rule",
        "description": "A resource that meets `select` must meet `require`.",
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "title", "severity", "resource", "require", "examples"],
        "properties": _RULE,
        "$defs": {
            "condition": _closed("A condition in the rule language.", _keyword_schemas(KEYWORDS.values())),
            "parameter": _closed(
                "A value that users of the rule may set: a title and exactly one keyword.",
                _keyword_schemas(word for word in KEYWORDS.values() if word.settable or word.kind is Kind.ANNOTATION),
                ["title"],
            ),
            "remediation": _closed("How a finding can be mended: `set` or `remove`, or guidance alone.", _REMEDIATION),
            "example": _closed("A worked case, laid over the type's neutral resource.", _EXAMPLE, ["outcome"]),
        },
    }


def _closed(says: str, properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    """Schema of an object that has no properties but these."""
    schema = {"description": says, "type": "object", "additionalProperties": False, "properties": properties}
    return {**schema, "required": required} if required else schema


def _keyword_schemas(keywords: Iterable[Keyword]) -> dict[str, Any]:
    return {word.name: {**word.value, "description": word.says} for word in keywords}


def _text(says: str) -> dict[str, Any]:
    return {"description": says, "type": "string", "minLength": 1}


def _named(says: str, what: str) -> dict[str, Any]:
    return {
        "description": says,
        "type": "object",
        "propertyNames": {"description": "A name of letters and digits.", "pattern": "^[A-Za-z][A-Za-z0-9_-]*$"},
        "additionalProperties": {"$ref": f"#/$defs/{what}"},
    }


_RULE: Final = {
    "$schema": {"description": "For editors: where rule.schema.json is, or its name.", "type": "string"},
    "$comment": _text("A note for the rule's maintainers."),
    "id": {
        "description": "The defect in lower-case words with hyphens, e.g. lifetime-too-long; also the file's name.",
        "type": "string",
        "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
    },
    "title": _text("The defect in one sentence, for people."),
    "severity": {
        "description": "How bad a finding is.",
        "enum": [str(severity) for severity in Severity],
    },
    "resource": _text("The resource type that the rule is over."),
    "absent": {
        "description": "What is said of an object that `select` pins by appId and that the tenant does not have.",
        "enum": [str(Outcome.NOT_EVALUATED), str(Outcome.FAIL), str(Outcome.PASS)],
        "default": str(Outcome.NOT_EVALUATED),
    },
    "parameters": _named("Values that users of the rule may set.", "parameter"),
    "$defs": _named("Conditions to refer to as #/$defs/NAME.", "condition"),
    "select": {"description": "Which resources the rule is about; all when left out.", **_CONDITION},
    "require": {"description": "What must hold for those resources.", **_CONDITION},
    "message": _text("One sentence about a finding; {property}, {property:duration}, {property:count} are filled in."),
    "rationale": _text("Why the defect matters."),
    "references": {
        "description": "Where to read more.",
        "type": "array",
        "items": {"description": "An address that begins with https://.", "type": "string", "pattern": "^https://"},
        "uniqueItems": True,
    },
    "frameworks": {
        "description": "Ids in catalogues of controls or attacks, e.g. mitre-attack: T1550.001.",
        "type": "object",
        "additionalProperties": {
            "description": "Ids in this catalogue.",
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "uniqueItems": True,
        },
    },
    "remediation": {"$ref": "#/$defs/remediation"},
    "examples": {
        "description": "At least one pass and one fail; run whenever the rule is loaded.",
        "type": "array",
        "minItems": 2,
        "items": {"$ref": "#/$defs/example"},
    },
}
_REMEDIATION: Final = {
    "safety": {
        "description": "safe: touches only what the finding names and ends nobody's sign-in; manual: guidance only.",
        "enum": [str(safety) for safety in Safety],
        "default": str(Safety.UNSAFE),
    },
    "set": {
        "description": 'Writable properties and their values; {"$parameter": NAME} stands for a parameter\'s value.',
        "type": "object",
        "minProperties": 1,
    },
    "remove": {"description": "Remove the resource.", "const": True},
    "guidance": _text("What people should know before, or do themselves."),
}
_EXAMPLE: Final = {
    "title": _text("What the case shows."),
    "outcome": {"description": "What the rule says of it.", "enum": [str(outcome) for outcome in Outcome]},
    "properties": {"description": "Where it differs from the neutral resource.", "type": "object"},
    "unknown": {
        "description": "Properties that could not be determined, and why.",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": _text("Why it could not be determined."),
    },
}

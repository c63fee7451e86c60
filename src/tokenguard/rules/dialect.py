"""The two schemas of rule files: the strict one that they are held to, and the same for editors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from tokenguard.model import Outcome, Safety, Severity
from tokenguard.rules.keywords import CONDITION, KEYWORDS, Keyword, Kind
from tokenguard.schemas import SCHEMA_BASE, data_folder


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
    "select": {"description": "Which resources the rule is about; all when left out.", **CONDITION},
    "require": {"description": "What must hold for those resources.", **CONDITION},
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

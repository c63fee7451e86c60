"""A rule document to change in one place, and what the reader says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tokenguard.errors import RuleError
from tokenguard.model import ResourceType, Rule
from tokenguard.rules.parameters import Override
from tokenguard.rules.parsing import parse_rules
from tokenguard.schemas import data_folder, schema

TYPES = {
    name: ResourceType(name, schema(f"resources/{name}"), ())
    for name in sorted(path.name.partition(".")[0] for path in (data_folder("schemas") / "resources").iterdir())
}

TOO_LONG: Mapping[str, Any] = {
    "id": "lives-too-long",
    "title": "Tokens live too long",
    "severity": "high",
    "resource": "tokenLifetimePolicyAssignment",
    "parameters": {"maximum": {"title": "Longest accepted lifetime", "maxDuration": "PT1H30M"}},
    "require": {"properties": {"accessTokenLifetimeSeconds": {"$ref": "#/parameters/maximum"}}},
    "message": "{policyName} lets tokens for {name} live {accessTokenLifetimeSeconds:duration}",
    "examples": [
        {"outcome": "fail", "properties": {"accessTokenLifetimeSeconds": 5401}},
        {"outcome": "pass", "properties": {"accessTokenLifetimeSeconds": 5400}},
        {"outcome": "not-evaluated", "unknown": {"accessTokenLifetimeSeconds": "the definition is no JSON"}},
    ],
}


def rule_document(**changes: Any) -> dict[str, Any]:
    """`TOO_LONG` with other fields; None takes a field away, ``defs`` and ``schema`` stand for those with a dollar."""
    renamed = {{"defs": "$defs", "schema": "$schema"}.get(name, name): value for name, value in changes.items()}
    return {name: value for name, value in {**TOO_LONG, **renamed}.items() if value is not None}


def load(document: Any, overrides: Mapping[str, Override] | None = None) -> Rule:
    """The rule that `document` says, from a file of the right name."""
    (rule,) = parse_rules([(file_of(document), json.dumps(document).encode())], TYPES, overrides or {})
    return rule


def mistakes(document: Any) -> list[str]:
    """The mistakes in `document`, each ``path: text``; empty for a good rule."""
    try:
        load(document)
    except RuleError as error:
        return [line.removeprefix(f"  {file_of(document)}: ") for line in error.message.splitlines()[1:]]
    return []


def file_of(document: Any) -> str:
    return f"{document['id']}.json" if isinstance(document, dict) and "id" in document else "rule.json"

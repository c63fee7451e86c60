"""How SARIF describes a rule: what it looks for, why, how grave that is, and what to do."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import tokenguard
from tokenguard.excerpts import shown
from tokenguard.model import Rule, Severity
from tokenguard.reporters import wording
from tokenguard.schemas import data_folder
from tokenguard.untrusted import doubled_braces, markdown, sarif_text

LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
    Severity.INFO: "0.0",
}
"""Within GitHub's ranges: over 9.0 critical, from 7.0 high, from 4.0 medium, from 0.1 low, 0.0 none."""


def message(*lines: str) -> dict[str, str]:
    """A SARIF message that says just these lines."""
    return {"text": "\n".join(map(sarif_text, lines))}


def descriptor(rule: Rule) -> dict[str, Any]:
    """The `reportingDescriptor` of `rule`."""
    addresses = wording.addresses(rule)
    sections = _sections(rule)
    return {
        "id": rule.id,
        "shortDescription": message(rule.title),
        "fullDescription": message(rule.rationale or rule.title),
        "help": {
            **message(*(f"{title}: {text}" for title, texts in sections for text in texts), *addresses),
            "markdown": doubled_braces(_markdown(sections, addresses)),
        },
        **_help_page(rule.id),
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {
            "tags": ["security", *(f"external/{name}/{id_}" for name, ids in rule.frameworks.items() for id_ in ids)],
            "precision": "very-high",
            "security-severity": _SCORES[rule.severity],
        },
    }


def _help_page(rule_id: str) -> dict[str, str]:
    """Where a built-in rule is described, once the project has an address. Its references are no help of ours."""
    described = tokenguard.page("docs/reference/rules.md")
    return {"helpUri": f"{described}#{rule_id}"} if described and rule_id in _built_in() else {}


@cache
def _built_in() -> frozenset[str]:
    return frozenset(path.stem for path in data_folder("rules").rglob("*.json"))


def _sections(rule: Rule) -> list[tuple[str, list[str]]]:
    """What there is to say about `rule`: titles, and the paragraphs under them."""
    sections = [
        ("Why", [rule.rationale or rule.title]),
        ("Parameters", [f"{item.title}: {_json(item.value)}" for item in rule.parameters.values()]),
    ]
    if rule.remediation is not None:
        how = wording.remediation(rule.remediation, rule.resource)
        sections.append((f"How to fix ({rule.remediation.safety})", [how]))
    return [section for section in sections if section[1]]


def _markdown(sections: list[tuple[str, list[str]]], addresses: list[str]) -> str:
    paragraphs = [part for title, texts in sections for part in (f"## {title}", *map(markdown, texts))]
    links = [f"- <{address}>" for address in addresses]
    return "\n\n".join([*paragraphs, "\n".join(links)]).rstrip()


def _json(value: Any) -> str:
    brief = shown(value)
    return brief if isinstance(brief, str) else json.dumps(brief, ensure_ascii=False)

"""When two values of a property say the same, so that nothing has changed, however they are spelt."""

from __future__ import annotations

import json
from typing import Any

from tokenguard.documents import STRICT

_UNORDERED = frozenset(
    {
        "definitionProblems",
        "keyCredentials",
        "nonCanonicalSpellings",
        "organizationDefaultPolicies",
        "passwordCredentials",
        "retiredSettings",
        "settings",
        "unknownSettings",
    }
)
"""Lists whose order means nothing: Graph promises none, or they follow the keys of a definition, which have none."""


def same_value(name: str, before: Any, after: Any) -> bool:
    """Whether nothing has changed in the property `name`.

    A definition is compared as JSON, string by string: neither the order of keys nor white space is a change. What is
    no JSON, or has a key twice in one object, letter case aside, is compared as text: which of the two counts may hang
    on their order.
    """
    if before == after:
        return True
    if not (isinstance(before, list) and isinstance(after, list) and len(before) == len(after)):
        return False
    if name == "definition":
        return list(map(_as_json, before)) == list(map(_as_json, after))
    return name in _UNORDERED and sorted(map(_canonical, before)) == sorted(map(_canonical, after))


def _as_json(text: Any) -> tuple[bool, str]:
    """What `text` holds, equal for two spellings of one JSON document; `text` itself where it is none."""
    try:
        document = STRICT.decode(text)
        return (False, text) if _has_twins(document) else (True, _canonical(document))
    except (TypeError, ValueError, RecursionError):
        return False, str(text)


def _has_twins(value: Any) -> bool:
    """Whether two keys of one object differ in letter case alone."""
    if isinstance(value, dict):
        return len({key.lower() for key in value}) < len(value) or any(map(_has_twins, value.values()))
    return isinstance(value, list) and any(map(_has_twins, value))


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)

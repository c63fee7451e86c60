"""Changes of resources in words: whole sentences for what tokens depend on, plain ones for all other types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tokenguard.differences import Change, PropertyChange
from tokenguard.model import Resource
from tokenguard.rules.messages import present, render, words_of

_SENTENCES = {
    ("tokenLifetimePolicy", Change.APPEARED): "policy “{name}” is new: it sets {accessTokenLifetimeSeconds:duration}",
    ("tokenLifetimePolicy", Change.GONE): "policy “{name}” is gone: it set {accessTokenLifetimeSeconds:duration}",
    ("tokenLifetimePolicy", Change.CHANGED): "policy “{name}”",
    ("tokenLifetimePolicyAssignment", Change.APPEARED): (
        "policy “{policyName}” is assigned to {displayName} ({objectType}) now: {accessTokenLifetimeSeconds:duration}"
    ),
    ("tokenLifetimePolicyAssignment", Change.GONE): "policy “{policyName}” is assigned to {displayName} no more",
    ("tokenLifetimePolicyAssignment", Change.CHANGED): "policy “{policyName}” on {displayName} ({objectType})",
}
_PLAIN = {
    Change.APPEARED: "{name} is new",
    Change.GONE: "{name} is gone",
    Change.CHANGED: "{name}",
}


def in_words(change: Change, resource: Resource, properties: Iterable[PropertyChange] = ()) -> str:
    """``policy “Payroll”: access token lifetime 1 h -> 5 h; now organization default``."""
    sentence = _SENTENCES.get((resource.type, change), _PLAIN[change])
    said = render(sentence, resource)
    if change is Change.APPEARED and resource.properties.get("isOrganizationDefault") is True:
        said += ", as the organization default"
    changes = "; ".join(map(property_change, properties))
    return f"{said}: {changes}" if changes else said


def property_change(item: PropertyChange) -> str:
    """One property in words."""
    name = words_of(item.name)
    match item.before, item.after:
        case bool(), bool() if name.startswith("is "):
            return f"{'now' if item.after else 'no longer'} {name.removeprefix('is ')}"
        case list(), list():
            return f"{name} {_list_change(item)}"
        case _:
            return f"{name} {present(item.name, item.before)} -> {present(item.name, item.after)}"


def _list_change(item: PropertyChange) -> str:
    added = _without(item.after, item.before)
    dropped = _without(item.before, item.after)
    said = [f"{sign} {present(item.name, values)}" for sign, values in (("gains", added), ("loses", dropped)) if values]
    return ", ".join(said) or "in another order"


def _without(values: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    return [value for value in values if value not in others]

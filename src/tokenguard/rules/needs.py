"""What rules want to know of a tenant, so that nothing else is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tokenguard.model import Need, ResourceType, Rule
from tokenguard.rules.messages import mentioned


def needs_of(rules: Iterable[Rule], types: Mapping[str, ResourceType]) -> Mapping[str, Need]:
    """What `rules` read of each resource type, in the order of `types`; a type that no rule speaks of is not there."""
    by_type: dict[str, list[Rule]] = {}
    for rule in rules:
        by_type.setdefault(rule.resource, []).append(rule)
    return {name: _need(types[name], by_type[name]) for name in types if name in by_type}


def judging_needs(rules: Iterable[Rule], types: Mapping[str, ResourceType]) -> Mapping[str, Need]:
    """As `needs_of`, but for what only messages name: no verdict depends on that."""
    return needs_of([replace(rule, message="") for rule in rules], types)


def with_needs(needs: Mapping[str, Need], more: Iterable[Need]) -> Mapping[str, Need]:
    """`needs`, and `more`: all that either asks for."""
    joined = dict(needs)
    for need in more:
        known = joined.get(need.type, Need(need.type, frozenset(), frozenset()))
        app_ids = None if known.app_ids is None or need.app_ids is None else known.app_ids | need.app_ids
        joined[need.type] = Need(need.type, known.properties | need.properties, app_ids)
    return joined


def _need(type_: ResourceType, rules: Sequence[Rule]) -> Need:
    read = frozenset().union(*(rule.select_reads | rule.require_reads | mentioned(rule.message) for rule in rules))
    pinned = [rule.pinned_app_ids for rule in rules if rule.pinned_app_ids is not None]
    return Need(
        type_.name,
        read & type_.schema["properties"].keys(),
        frozenset().union(*pinned) if len(pinned) == len(rules) else None,
    )

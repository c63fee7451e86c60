"""The lengths of time that rules set limits for, beside those limits: what a picture of a tenant is drawn from.

A report holds what is wrong. To see how far, and in which company, takes the resources that comply as well; of these
only a bounded number is kept, the longest first, so that memory stays flat however large the tenant.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tokenguard.model import Lifetime, Lifetimes, Limit, Resource, ResourceRef, Rule, Schema
from tokenguard.rules.messages import SECONDS

KEPT = 100
"""Lengths of one property that are kept, and as many that could not be determined."""

T = TypeVar("T", bound=tuple[object, ...])
_KEYWORDS = ("const", "maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum")


class Gauges:
    """Measures each resource that passes by, where any of `rules` sets a limit unconditionally."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._gauges: dict[str, dict[str, _Gauge]] = {}
        for rule in rules:
            for name, limit in _limits(rule, rule.require):
                self._gauges.setdefault(rule.resource, {}).setdefault(name, _Gauge(name)).limits.append(limit)

    def measure(self, resource: Resource) -> None:
        for gauge in self._gauges.get(resource.type, {}).values():
            gauge.measure(resource)

    def read(self) -> tuple[Lifetimes, ...]:
        """What was measured, in the order of the rules."""
        return tuple(
            gauge.read(type_) for type_, gauges in self._gauges.items() for gauge in gauges.values() if gauge.met
        )


class _Gauge:
    """The lengths of one property of one resource type."""

    def __init__(self, name: str) -> None:
        self.limits: list[Limit] = []
        self.met = 0
        self._name = name
        self._known = self._unknown = 0
        self._longest: list[tuple[int, str, str]] = []
        self._undetermined: list[tuple[str, str, str]] = []

    def measure(self, resource: Resource) -> None:
        self.met += 1
        if resource.unknown and (reason := resource.unknown.get(self._name)) is not None:
            self._unknown += 1
            _keep(self._undetermined, (resource.id, resource.name, reason))
        elif isinstance(seconds := resource.properties.get(self._name), int):
            self._known += 1
            length = (seconds, resource.id, resource.name)
            if len(self._longest) < KEPT or length > self._longest[0]:
                _keep(self._longest, length)

    def read(self, type_: str) -> Lifetimes:
        longest = sorted(self._longest, key=lambda item: (-item[0], item[2], item[1]))
        return Lifetimes(
            type=type_,
            property=self._name,
            limits=tuple(self.limits),
            known=self._known,
            unknown=self._unknown,
            unset=self.met - self._known - self._unknown,
            shown=(
                *(
                    Lifetime(ResourceRef(type_, id_, name), None, reason)
                    for id_, name, reason in sorted(self._undetermined)
                ),
                *(Lifetime(ResourceRef(type_, id_, name), seconds) for seconds, id_, name in longest),
            ),
        )


def _keep(heap: list[T], item: T) -> None:
    """Add `item`, and let the least go where there are too many: what stays does not depend on the order of arrival."""
    if len(heap) < KEPT:
        heapq.heappush(heap, item)
    else:
        heapq.heappushpop(heap, item)


def _limits(rule: Rule, condition: Schema) -> Iterator[tuple[str, Limit]]:
    """The limits that hold whatever else a resource is: not those under `anyOf`, `not` or `if`."""
    for name, part in condition.get("properties", {}).items():
        if name.endswith(SECONDS):
            for keyword in _KEYWORDS:
                if isinstance(part.get(keyword), int):
                    yield name, Limit(rule.id, keyword, part[keyword])
    for part in condition.get("allOf", ()):
        yield from _limits(rule, part)

"""What was read of a tenant, kept apart from the resources derived of it: a fix changes the one to prove the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tokenguard.errors import PluginError, SnapshotError, TokenguardError, blaming, part_name
from tokenguard.hookspecs import Collector
from tokenguard.model import (
    CollectionFailure,
    CollectionNotice,
    Header,
    Need,
    Precedence,
    Resource,
    ResourceType,
    Scope,
    Snapshot,
    Tenant,
    TypeSummary,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one collector read, of the types that are needed of it."""

    collector: Collector
    needs: Mapping[str, Need]
    types: Mapping[str, ResourceType]
    facts: Any = None
    """The collector's own."""
    tenant: Tenant | None = None
    error: TokenguardError | None = None
    """Why there are no facts."""

    @property
    def name(self) -> str:
        """What to call the collector."""
        return part_name("collector", self.collector)


@dataclass(frozen=True, slots=True)
class Readings:
    """What all collectors read."""

    header: Header
    needs: Mapping[str, Need]
    all: tuple[Reading, ...]

    def snapshot(self, only: Collection[str] | None = None) -> Snapshot:
        """The resources that derive from what was read, of the types `only`; large types are read while iterating.

        What could not be read, wholly or in part, is a failure of its type in the summary, also where a collector gave
        up or where none knows the type. Iterating raises `PluginError` for a collector that breaks its promise.
        """
        needed = {name: need for name, need in self.needs.items() if only is None or name in only}
        known = {name for reading in self.all for name in reading.types}
        tally = _Tally(dict.fromkeys(needed, 0))
        tally.failures += (CollectionFailure(name, f"no collector reads {name}") for name in needed.keys() - known)
        readings = [narrowed for each in self.all if (narrowed := _narrowed(each, needed)).types]
        return Snapshot(self.header, _resources(readings, self.header.precedence, tally), tally.summary)

    def facts(self, type_: str) -> Any:
        """The facts that the resources of `type_` derive from; None where there are none."""
        return next((reading.facts for reading in self.all if type_ in reading.types), None)

    def with_facts(self, type_: str, facts: Any) -> Readings:
        """The same, with other facts for `type_` and all that its collector derives."""
        return replace(
            self, all=tuple(replace(each, facts=facts) if type_ in each.types else each for each in self.all)
        )


def _narrowed(reading: Reading, needs: Mapping[str, Need]) -> Reading:
    types = {name: type_ for name, type_ in reading.types.items() if name in needs}
    return replace(reading, types=types, needs={name: needs[name] for name in types})


@dataclass(slots=True)
class _Tally:
    """What has gone by, for the summary at the end."""

    counts: dict[str, int]
    failures: list[CollectionFailure] = field(default_factory=list)
    notices: list[CollectionNotice] = field(default_factory=list)
    scopes: dict[str, frozenset[str]] = field(default_factory=dict)
    ended: bool = False

    def summary(self) -> Mapping[str, TypeSummary]:
        if not self.ended:
            raise SnapshotError("the tenant was not read to its end, so it is not known what it holds")
        return {
            name: TypeSummary(
                name,
                count,
                tuple(each for each in self.failures if each.type == name),
                self.scopes.get(name),
                notices=tuple(dict.fromkeys(each for each in self.notices if each.type == name)),
            )
            for name, count in self.counts.items()
        }


def _resources(readings: Collection[Reading], precedence: Precedence, tally: _Tally) -> Iterator[Resource]:
    for reading in readings:
        for item in _checked(reading, precedence):
            match item:
                case Resource():
                    tally.counts[item.type] += 1
                    yield item
                case CollectionFailure():
                    tally.failures.append(item)
                case CollectionNotice():
                    tally.notices.append(item)
                case Scope():
                    tally.scopes[item.type] = tally.scopes.get(item.type, frozenset()) | item.app_ids
    tally.ended = True


def _checked(
    reading: Reading, precedence: Precedence
) -> Iterator[Resource | CollectionFailure | CollectionNotice | Scope]:
    with blaming("collector", reading.collector):
        for item in _items(reading, precedence):
            _check(item, reading)
            yield item


def _items(
    reading: Reading, precedence: Precedence
) -> Iterator[Resource | CollectionFailure | CollectionNotice | Scope]:
    """What the collector derives. Where it gives up, each of its types may lack something: no order is promised."""
    error = reading.error
    if error is None:
        try:
            yield from reading.collector.read(reading.facts, reading.needs, precedence)
        except TokenguardError as raised:
            error = raised
    if error is not None:
        yield from (CollectionFailure(name, error.message) for name in reading.types)


_REPORT = "report this to the authors of the plugin"


def _check(item: Any, reading: Reading) -> None:
    if not isinstance(item, Resource | CollectionFailure | CollectionNotice | Scope):
        raise PluginError(f"{reading.name} gave a {type(item).__name__}, which is no resource", _REPORT)
    if item.type not in reading.types:
        raise PluginError(f"{reading.name} gave a {item.type!r}, which it was not asked for", _REPORT)
    match item:
        case Resource():
            _check_resource(item, reading)
        case CollectionFailure() if not _are_texts(item.reason, item.permission):
            raise PluginError(f"{reading.name} gave {item!r}, whose reason or permission is no text", _REPORT)
        case CollectionNotice() if not _are_texts(item.text) or not isinstance(item.strict, bool):
            raise PluginError(f"{reading.name} gave {item!r}, whose text is no text or whose strict no truth", _REPORT)
        case Scope() if not isinstance(item.app_ids, frozenset):
            raise PluginError(f"{reading.name} gave {item!r}, whose appIds are no frozenset", _REPORT)


def _are_texts(*values: object) -> bool:
    return all(isinstance(value, str) for value in values)


def _check_resource(resource: Resource, reading: Reading) -> None:
    """A property that is left out would be read as absent, so it is refused instead."""
    if not _are_texts(resource.id, resource.name):
        raise PluginError(f"{reading.name} gave {resource!r}, whose id or name is no text", _REPORT)
    names = reading.types[resource.type].schema["properties"].keys()
    if resource.properties.keys() != names:
        wrong = ", ".join(sorted(resource.properties.keys() ^ names))
        raise PluginError(f"{reading.name} gave {resource!r} with too many or too few properties: {wrong}", _REPORT)
    if not resource.unknown.keys() <= names:
        raise PluginError(f"{reading.name} gave {resource!r} with unknowns that are no properties of it", _REPORT)
    if resource.possible and not all(each.keys() <= resource.unknown.keys() for each in resource.possible):
        raise PluginError(f"{reading.name} gave {resource!r} with possible values of what is not unknown", _REPORT)

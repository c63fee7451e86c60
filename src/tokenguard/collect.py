"""Collecting a snapshot: each collector is asked for the types that are needed, and held to what it promised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tokenguard.errors import PluginError, SnapshotError, TokenguardError
from tokenguard.hookspecs import Collector, Source
from tokenguard.model import (
    CollectionFailure,
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


def collect(
    collectors: Iterable[Collector],
    source: Source,
    needs: Mapping[str, Need],
    *,
    precedence: Precedence,
    now: datetime,
    producer: str,
    plugins: tuple[str, ...] = (),
) -> Snapshot:
    """Read from `source` what `needs` (by resource type) ask for; large types are read as the snapshot is iterated.

    What could not be read, wholly or in part, is a failure of its type in the summary, also where a collector gave up
    or where none knows the type. Raises `PluginError`, also while iterating, for a collector that breaks its promise.
    """
    readings = [reading for each in collectors if (reading := _start(each, source, needs)) is not None]
    types = {type_.name: type_ for reading in readings for type_ in reading.types.values()}
    header = Header(
        tenant=next((reading.tenant for reading in readings if reading.tenant is not None), Tenant("")),
        cloud=source.cloud,
        collected_at=now,
        producer=producer,
        plugins=plugins,
        permissions=source.permissions,
        precedence=precedence,
        properties={name: tuple(types[name].schema["properties"]) if name in types else () for name in needs},
    )
    tally = _Tally(dict.fromkeys(needs, 0))
    tally.failures += (CollectionFailure(name, f"no collector reads {name}") for name in needs if name not in types)
    return Snapshot(header, _resources(readings, precedence, tally), tally.summary)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A collector at work, on the types that are needed of it."""

    collector: Collector
    needs: Mapping[str, Need]
    types: Mapping[str, ResourceType]
    tenant: Tenant | None = None
    facts: Any = None
    error: TokenguardError | None = None
    """Why there are no facts."""


def _start(collector: Collector, source: Source, needs: Mapping[str, Need]) -> _Reading | None:
    types = {type_.name: type_ for type_ in collector.resource_types if type_.name in needs}
    if not types:
        return None
    mine = {name: needs[name] for name in types}
    try:
        facts = collector.collect(source, mine)
        return _Reading(collector, mine, types, collector.tenant(facts), facts)
    except TokenguardError as error:
        return _Reading(collector, mine, types, error=error)


@dataclass(slots=True)
class _Tally:
    """What has gone by, for the summary at the end."""

    counts: dict[str, int]
    failures: list[CollectionFailure] = field(default_factory=list)
    scopes: dict[str, frozenset[str]] = field(default_factory=dict)
    ended: bool = False

    def summary(self) -> Mapping[str, TypeSummary]:
        if not self.ended:
            raise SnapshotError("the tenant was not read to its end, so it is not known what it holds")
        return {
            name: TypeSummary(
                name, count, tuple(each for each in self.failures if each.type == name), self.scopes.get(name)
            )
            for name, count in self.counts.items()
        }


def _resources(readings: Iterable[_Reading], precedence: Precedence, tally: _Tally) -> Iterator[Resource]:
    for reading in readings:
        for item in _items(reading, precedence):
            if item.type not in reading.types:
                raise PluginError(f"{_name(reading)} gave a {item.type!r}, which it was not asked for", _REPORT)
            match item:
                case Resource():
                    _check(item, reading)
                    tally.counts[item.type] += 1
                    yield item
                case CollectionFailure():
                    tally.failures.append(item)
                case Scope():
                    tally.scopes[item.type] = tally.scopes.get(item.type, frozenset()) | item.app_ids
    tally.ended = True


def _items(reading: _Reading, precedence: Precedence) -> Iterator[Resource | CollectionFailure | Scope]:
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


def _check(resource: Resource, reading: _Reading) -> None:
    """A property that is left out would be read as absent, so it is refused instead."""
    names = reading.types[resource.type].schema["properties"].keys()
    if resource.properties.keys() != names:
        wrong = ", ".join(sorted(resource.properties.keys() ^ names))
        raise PluginError(f"{_name(reading)} gave {resource!r} with too many or too few properties: {wrong}", _REPORT)
    if not resource.unknown.keys() <= names:
        raise PluginError(f"{_name(reading)} gave {resource!r} with unknowns that are no properties of it", _REPORT)


def _name(reading: _Reading) -> str:
    kind = type(reading.collector)
    return f"the collector {kind.__module__}.{kind.__qualname__}"

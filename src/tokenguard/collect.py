"""Asking a tenant: each collector is asked for the types that are needed of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tokenguard.errors import TokenguardError, blaming
from tokenguard.hookspecs import Collector, Source
from tokenguard.model import Header, Need, Precedence, Snapshot, Tenant
from tokenguard.readings import Reading, Readings


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
    """Read from `source` what `needs` (by resource type) ask for, and derive the resources: see `Readings.snapshot`."""
    return gather(
        collectors, source, needs, precedence=precedence, now=now, producer=producer, plugins=plugins
    ).snapshot()


def gather(
    collectors: Iterable[Collector],
    source: Source,
    needs: Mapping[str, Need],
    *,
    precedence: Precedence,
    now: datetime,
    producer: str,
    plugins: tuple[str, ...] = (),
) -> Readings:
    """Read from `source` what `needs` (by resource type) ask for, but for what is left to be read while iterating."""
    readings = tuple(reading for each in collectors if (reading := _read(each, source, needs)).types)
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
    return Readings(header, needs, readings)


def _read(collector: Collector, source: Source, needs: Mapping[str, Need]) -> Reading:
    types = {type_.name: type_ for type_ in collector.resource_types if type_.name in needs}
    mine = {name: needs[name] for name in types}
    if not mine:
        return Reading(collector, mine, types)
    with blaming("collector", collector):
        try:
            facts = collector.collect(source, mine)
            return Reading(collector, mine, types, facts, _tenant(collector, facts))
        except TokenguardError as error:
            return Reading(collector, mine, types, error=error)


def _tenant(collector: Collector, facts: Any) -> Tenant | None:
    tenant = collector.tenant(facts)
    if not isinstance(tenant, Tenant | None):
        raise TypeError(f"{type(tenant).__name__} is no tenant")
    return tenant

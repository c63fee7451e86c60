"""Comparing two snapshots in memory that grows with what differs, not with the tenant.

Each is read twice. The first time a digest of every resource is added up in one of many buckets; buckets whose sums
agree hold the same resources. The second time only the resources of the other buckets are kept and compared.
"""

from __future__ import annotations

import json
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from tokenguard.diff.sameness import same_value
from tokenguard.diff.words import in_words
from tokenguard.differences import (
    Change,
    Difference,
    NotCompared,
    PropertyChange,
    ResourceChange,
    Side,
    check_comparable,
)
from tokenguard.exit_status import ExitStatus
from tokenguard.model import Header, Resource, ResourceRef, Snapshot, TypeSummary

BUCKETS = 1 << 14
"""Of each type: with half a million principals each that differs costs keeping thirty, and all sums half a megabyte."""
_MASK = (1 << 64) - 1

Names = Mapping[str, Sequence[str]]
"""The properties of each type that both snapshots have."""
Key = tuple[str, str]


def compare_snapshots(
    old: Callable[[], Snapshot], new: Callable[[], Snapshot], old_source: str, new_source: str
) -> Difference:
    """What changed; `old` and `new` open the snapshot anew each time.

    Raises `UsageError` for snapshots that cannot be compared, `SnapshotError` for one that is damaged.
    """
    first, second = old(), new()
    check_comparable(first.header, old_source, second.header, new_source)
    names = _common(first.header, second.header)
    before, after = _survey(first, names), _survey(second, names)
    differing = {
        type_: {number for number in range(BUCKETS) if before.sums[type_][number] != after.sums[type_][number]}
        for type_ in names
    }
    changes, same = _compare(dict(_kept(old(), differing)), _kept(new(), differing), names, before, after)
    not_compared = tuple(_not_compared(first.header, second.header, before, after, names))
    held = sum(sum(sizes) - sum(sizes[number] for number in differing[type_]) for type_, sizes in after.sizes.items())
    return Difference(
        tenant=second.header.tenant,
        old=Side(old_source, first.header.collected_at),
        new=Side(new_source, second.header.collected_at),
        resources=sorted(changes, key=lambda each: [*names].index(each.resource.type)),
        unchanged_resources=held + same,
        not_compared=not_compared,
        exit_status=ExitStatus.NOT_EVALUATED if not_compared else ExitStatus.COMPLIANT,
    )


def _compare(
    left: dict[Key, Resource],
    arriving: Iterable[tuple[Key, Resource]],
    names: Names,
    before: _Survey,
    after: _Survey,
) -> tuple[list[ResourceChange], int]:
    """The changes, and how many are as they were. For one side only the other must be known to lack it."""
    changes, same = [], 0
    for key, resource in arriving:
        earlier = left.pop(key, None)
        if earlier is None:
            if _covers(before.summary, resource):
                changes.append(_resource_change(Change.APPEARED, resource))
        elif properties := _property_changes(earlier, resource, names[resource.type]):
            changes.append(_resource_change(Change.CHANGED, resource, properties))
        else:
            same += not (earlier.unknown or resource.unknown)
    gone = (resource for resource in left.values() if _covers(after.summary, resource))
    return [*changes, *(_resource_change(Change.GONE, resource) for resource in gone)], same


@dataclass(slots=True)
class _Survey:
    """A snapshot after its first reading."""

    sums: dict[str, array[int]]
    sizes: dict[str, array[int]]
    """Numbers of resources of which all is known."""
    unknown: Counter[Key] = field(default_factory=Counter)
    """Numbers of resources of a type of which a property could not be determined."""
    summary: Mapping[str, TypeSummary] = field(default_factory=dict)


def _survey(snapshot: Snapshot, names: Names) -> _Survey:
    zeros = {type_: array("Q", bytes(8 * BUCKETS)) for type_ in names}
    survey = _Survey(zeros, {type_: array("L", zeros[type_]) for type_ in names})
    for resource in snapshot.resources:
        if resource.type in names:
            number = _bucket(resource)
            sums = survey.sums[resource.type]
            sums[number] = (sums[number] + _digest(resource, names[resource.type])) & _MASK
            survey.sizes[resource.type][number] += not resource.unknown
            survey.unknown.update((resource.type, name) for name in resource.unknown)
    survey.summary = snapshot.summary()
    return survey


def _bucket(resource: Resource) -> int:
    return zlib.crc32(resource.id.encode("utf-8", "surrogatepass")) % BUCKETS


def _digest(resource: Resource, names: Sequence[str]) -> int:
    values = [resource.properties[name] for name in names]
    text = json.dumps([resource.id, resource.name, values, dict(resource.unknown)], sort_keys=True)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def _kept(snapshot: Snapshot, differing: Mapping[str, set[int]]) -> Iterator[tuple[Key, Resource]]:
    for resource in snapshot.resources:
        if _bucket(resource) in differing.get(resource.type, ()):
            yield (resource.type, resource.id), resource
    snapshot.summary()  # raises where the second reading did not come to the same end


def _resource_change(change: Change, resource: Resource, properties: tuple[PropertyChange, ...] = ()) -> ResourceChange:
    ref = ResourceRef(resource.type, resource.id, resource.name)
    return ResourceChange(change, ref, in_words(change, resource, properties), properties)


def _property_changes(before: Resource, after: Resource, names: Sequence[str]) -> tuple[PropertyChange, ...]:
    """Of what is known on both sides."""
    changes = {
        name: PropertyChange(name, before.properties[name], after.properties[name])
        for name in names
        if name not in before.unknown
        and name not in after.unknown
        and not same_value(name, before.properties[name], after.properties[name])
    }
    if before.type == "tokenLifetimePolicy" and "definition" in names and "definition" not in changes:
        changes.pop("definitionProblems", None)  # they quote the definition as it is spelt
    return tuple(changes.values())


def _covers(summary: Mapping[str, TypeSummary], resource: Resource) -> bool:
    """Whether `resource` would have been seen, had it been there."""
    type_ = summary[resource.type]
    return type_.complete and (type_.scope is None or resource.properties.get("appId") in type_.scope)


def _common(old: Header, new: Header) -> Names:
    return {
        type_: [name for name in names if name in old.properties[type_]]
        for type_, names in new.properties.items()
        if type_ in old.properties
    }


def _not_compared(old: Header, new: Header, before: _Survey, after: _Survey, names: Names) -> Iterator[NotCompared]:
    for header, other, word in ((old, new, "before"), (new, old, "now")):
        for type_ in header.properties:
            if type_ not in other.properties:
                yield NotCompared(type_, f"was collected only {word}")
    for type_ in names:
        for name in sorted(set(old.properties[type_]) ^ set(new.properties[type_])):
            yield NotCompared(f"{type_}.{name}", "is in one of the two snapshots only")
        yield from _partly_read(type_, before.summary[type_], after.summary[type_])
        yield from _undetermined(type_, before.unknown, after.unknown)


def _undetermined(type_: str, before: Counter[Key], after: Counter[Key]) -> Iterator[NotCompared]:
    """Properties that are not known of equally many resources are told together: mostly they have one cause."""
    names: dict[tuple[int, int], list[str]] = {}
    for key in sorted(before | after):
        if key[0] == type_:
            names.setdefault((before[key], after[key]), []).append(key[1])
    for (earlier, now), alike in names.items():
        yield NotCompared(type_, f"not known of {earlier} before, of {now} now: {', '.join(alike)}")


def _partly_read(type_: str, before: TypeSummary, after: TypeSummary) -> Iterator[NotCompared]:
    for summary, word, consequence in ((before, "before", "is new"), (after, "now", "is gone")):
        for failure in summary.failures:
            why = f"not read to the end {word}, so nothing of it {consequence}: {failure.reason}"
            yield NotCompared(type_, why)
    if before.scope != after.scope:
        yield NotCompared(type_, "other objects of it were asked for before than now")

"""The picture of lifetimes: every length of time that a rule limits, on one logarithmic axis, the limits drawn in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from operator import ge, gt, le, lt, ne

from tokenguard.model import FindingStatus, Lifetime, Lifetimes, Limit, Report
from tokenguard.reporters.html.entries import STATUS
from tokenguard.rules.messages import SECONDS, count, present, words_of

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TICKS = (
    *(number * _MINUTE for number in (1, 5, 10, 30)),
    *(number * _HOUR for number in (1, 2, 4, 8)),
    *(number * _DAY for number in (1, 2, 7, 30, 90, 365)),
)
_USUAL = (10 * _MINUTE, _DAY)
"""The axis holds at least what Entra accepts, so that pictures of several tenants compare."""
_LONGEST = 100 * 365 * _DAY
"""What is longer stands at the end of the axis."""
_FULLEST = 8
"""Ticks that have room beside each other."""
_MARGIN = 4.0
"""Percent of the width that stay free at both ends, for half a mark."""

_LIMITS = {"maximum": "at most ", "minimum": "at least ", "exclusiveMaximum": "below ", "exclusiveMinimum": "above "}
_BREAKS = {"maximum": gt, "minimum": lt, "exclusiveMaximum": ge, "exclusiveMinimum": le, "const": ne}

Key = tuple[str, str, str]
"""Type and id of a resource, and the name of a property."""


@dataclass(frozen=True, slots=True)
class Place:
    """Something on the axis."""

    x: float
    """Percent of the width."""
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One length of time."""

    name: str
    length: str
    x: float | None
    """None where the length is not known."""
    state: str
    """``finding``, ``exempt``, ``known``, ``unknown``, or nothing: no rule objects to the length."""
    fingerprint: str
    reason: str
    beyond: bool = False
    """Whether it breaks a limit that is drawn with it, judged by that or not."""


@dataclass(frozen=True, slots=True)
class Group:
    """One property of one resource type."""

    type: str
    """In words, as is the property."""
    property: str
    counts: str
    limits: list[Place]
    marks: list[Mark]
    left_out: str
    """What is not drawn, in words; empty where all is."""


@dataclass(frozen=True, slots=True)
class Picture:
    ticks: list[Place]
    groups: list[Group]
    any_unknown: bool
    """Whether a length is drawn as not known."""
    any_beyond: bool
    """Whether one is drawn beyond a limit of its group that no rule objects to."""


def states(report: Report) -> Mapping[Key, tuple[str, str]]:
    """Of the lengths that are drawn, those with a finding: its state, and its fingerprint. What counts comes first."""
    drawn = {(group.type, each.resource.id, group.property) for group in report.lifetimes for each in group.shown}
    found: dict[Key, tuple[str, str]] = {}
    for finding in report.findings if drawn else ():
        for violation in finding.violations:
            key = (finding.resource.type, finding.resource.id, violation.path.removeprefix("/"))
            if key in drawn and (key not in found or finding.status is FindingStatus.NEW):
                found[key] = (STATUS[finding.status], finding.fingerprint)
    return found


def draw(lifetimes: Sequence[Lifetimes], found: Mapping[Key, tuple[str, str]]) -> Picture | None:
    """None where there is nothing to draw."""
    if not lifetimes:
        return None
    axis = _Axis(_lengths(lifetimes))
    groups = [_group(item, axis, found) for item in lifetimes]
    return Picture(
        axis.ticks(),
        groups,
        any_unknown=any(mark.x is None for group in groups for mark in group.marks),
        any_beyond=any(mark.beyond and not mark.state for group in groups for mark in group.marks),
    )


def _lengths(lifetimes: Sequence[Lifetimes]) -> Iterable[int]:
    yield from _USUAL
    for group in lifetimes:
        yield from (limit.seconds for limit in group.limits)
        yield from (each.seconds for each in group.shown if each.seconds is not None)


class _Axis:
    """A logarithmic scale from the tick below the shortest of `lengths` to the one above the longest."""

    def __init__(self, lengths: Iterable[int]) -> None:
        seconds = [min(max(length, 1), _LONGEST) for length in lengths]
        self._low = max((tick for tick in _TICKS if tick <= min(seconds)), default=min(seconds))
        self._high = min((tick for tick in _TICKS if tick >= max(seconds)), default=max(seconds))

    def x(self, seconds: int) -> float:
        share = log(min(max(seconds, self._low), self._high) / self._low) / log(self._high / self._low)
        return round(_MARGIN + share * (100 - 2 * _MARGIN), 3)

    def ticks(self) -> list[Place]:
        within = [tick for tick in _TICKS if self._low <= tick <= self._high]
        step = -(-len(within) // _FULLEST)
        return [Place(self.x(tick), _length(tick)) for tick in within[::step]]


def _group(item: Lifetimes, axis: _Axis, found: Mapping[Key, tuple[str, str]]) -> Group:
    return Group(
        words_of(item.type),
        words_of(item.property),
        counts=_counts(item),
        limits=_limits(item.limits, axis),
        marks=[
            _mark(each, axis, item.limits, found.get((item.type, each.resource.id, item.property), ("", "")))
            for each in item.shown
        ],
        left_out=_left_out(item),
    )


def _mark(item: Lifetime, axis: _Axis, limits: Iterable[Limit], found: tuple[str, str]) -> Mark:
    state, fingerprint = found
    name = item.resource.name or item.resource.id
    if item.seconds is None:
        return Mark(name, "not known", None, "unknown", fingerprint, item.unknown)
    beyond = any(_BREAKS[limit.keyword](item.seconds, limit.seconds) for limit in limits)
    return Mark(name, _length(item.seconds), axis.x(item.seconds), state, fingerprint, "", beyond)


def _limits(limits: Iterable[Limit], axis: _Axis) -> list[Place]:
    """Each limit once, however many rules set it."""
    distinct = dict.fromkeys((limit.seconds, _LIMITS.get(limit.keyword, "exactly ")) for limit in limits)
    return [Place(axis.x(seconds), word + _length(seconds)) for seconds, word in sorted(distinct)]


def _counts(item: Lifetimes) -> str:
    parts = [f"{item.known} known"]
    if item.unknown:
        parts.append(f"{item.unknown} not known")
    if item.unset:
        parts.append(f"{item.unset} without any")
    return ", ".join(parts)


def _left_out(item: Lifetimes) -> str:
    drawn = [each.seconds for each in item.shown if each.seconds is not None]
    parts = []
    if item.known > len(drawn):
        shorter = count(item.known - len(drawn), "resource")
        parts.append(f"{shorter} with {_length(drawn[-1])} or less not drawn")
    if (unknown := item.unknown - (len(item.shown) - len(drawn))) > 0:
        parts.append(f"{unknown} more not known")
    return "; ".join(parts)


def _length(seconds: int) -> str:
    return present(SECONDS, seconds)

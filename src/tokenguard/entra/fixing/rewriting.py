"""Writing a definition as Microsoft documents it, and keeping what nobody asked to change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from tokenguard.durations import format_timespan, humanize
from tokenguard.entra.definition import ACCESS_TOKEN_LIFETIME, LONGEST, RETIRED, ROOT, SHORTEST, VERSION, canonical_name
from tokenguard.entra.written import Members, load


def definition_of(lifetime: timedelta | None, settings: dict[str, Any], beside: dict[str, Any]) -> list[str]:
    """The one string that says `lifetime`, further `settings`, and what stands `beside` them.

    Raises `ValueError`, a reason for people, for a lifetime that Entra does not take.
    """
    body: dict[str, Any] = {VERSION: 1}
    if lifetime is not None:
        body[ACCESS_TOKEN_LIFETIME] = _accepted(lifetime)
    return [json.dumps({ROOT: {**body, **settings}, **beside}, separators=(",", ":"))]


def further(strings: Sequence[object], *, retired: bool, unknown: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a readable definition holds but for its lifetime, as settings and beside them: what is retired, or unknown.

    Raises `ValueError`, a reason for people, for a name that stands there with two values.
    """
    inside: dict[str, Any] = {}
    beside: dict[str, Any] = {}
    for name, value, within in _members(strings):
        canonical = canonical_name(name)
        if (retired and canonical in RETIRED) or (unknown and canonical is None):
            found, plain = inside if within else beside, _plain(value)
            if found.setdefault(canonical or name, plain) != plain:
                raise ValueError(f"{canonical or name} stands in its definition with two values")
    return inside, beside


def _members(strings: Sequence[object]) -> Iterator[tuple[str, Any, bool]]:
    """Every name with its value, and whether it is a setting."""
    for string in strings:
        for name, value in load(string)[0]:
            if canonical_name(name) == ROOT:
                yield from ((setting, given, True) for setting, given in value)
            else:
                yield name, value, False


def _plain(value: Any) -> Any:
    if isinstance(value, Members):
        plain = {name: _plain(member) for name, member in value}
        if len(plain) < len(value):
            raise ValueError("a part of its definition has one name twice")
        return plain
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _accepted(lifetime: timedelta) -> str:
    if not SHORTEST <= lifetime <= LONGEST:
        raise ValueError(
            f"Entra takes lifetimes from {humanize(SHORTEST)} to {humanize(LONGEST)}, and not {humanize(lifetime)}"
        )
    return format_timespan(lifetime)

"""What a sandbox tenant holds: objects that stay, and policies and assignments whose every state is remembered.

Graph and the token service are eventually consistent. So a write adds a state, and a read asks for the one that was
current some seconds ago.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
Clock = Callable[[], float]
"""Seconds since 1970."""


class Numbering:
    """GUIDs that can be computed from a number and back, so that a large tenant needs no index of its ids."""

    # Any odd factor permutes the numbers below 2**48; this one scatters neighbours.
    _FACTOR = 0x9E3779B97F4B
    _SPACE = 1 << 48
    _INVERSE = pow(_FACTOR, -1, _SPACE)

    def __init__(self, seed: int, kind: int, step: int = 1) -> None:
        """`step` leaves all but each so-many-th GUID out."""
        self._prefix = f"{seed & 0xFFFFFFFF:08x}-{kind:04x}-4000-8000-"
        self._form = re.compile(self._prefix + "([0-9a-f]{12})")
        self._step = step

    def guid(self, number: int) -> str:
        return f"{self._prefix}{number * self._step * self._FACTOR % self._SPACE:012x}"

    def number(self, guid: str) -> int | None:
        """The number behind `guid`; None for a GUID of another making."""
        found = self._form.fullmatch(guid)
        if not found:
            return None
        number, rest = divmod(int(found[1], 16) * self._INVERSE % self._SPACE, self._step)
        return None if rest else number


@dataclass(frozen=True, slots=True)
class Making:
    """Rows that are made from their number each time they are asked for, and never kept."""

    count: int
    make: Callable[[int], Row]
    ids: Numbering
    app_ids: Numbering

    def row(self, numbering: Numbering, guid: str) -> Row | None:
        """The row that `guid` stands for in one of the two numberings."""
        number = numbering.number(guid)
        return None if number is None or number >= self.count else self.make(number)


class Objects:
    """Service principals or applications: some written out, then any number of made ones."""

    def __init__(self, kind: str, listed: Sequence[Row], making: Making | None = None) -> None:
        """`kind` is Graph's name of the type, e.g. ``servicePrincipal``."""
        self.kind = kind
        self.listed = listed
        self._making = making
        self._by_id = {row["id"]: row for row in listed}
        self._by_app_id = {row["appId"]: row for row in listed}

    def __len__(self) -> int:
        return len(self.listed) + (self._making.count if self._making else 0)

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[Row]:
        end = len(self) if stop is None else min(stop, len(self))
        yield from self.listed[start:end]
        if self._making:
            known = len(self.listed)
            yield from map(self._making.make, range(max(start, known) - known, end - known))

    def with_id(self, id_: str) -> Row | None:
        return self._by_id.get(id_) or (self._making.row(self._making.ids, id_) if self._making else None)

    def with_app_id(self, app_id: str) -> Row | None:
        return self._by_app_id.get(app_id) or (self._making.row(self._making.app_ids, app_id) if self._making else None)


@dataclass(frozen=True, slots=True)
class State:
    """Policies and assignments at one moment; never changed, only replaced."""

    policies: Mapping[str, Row] = field(default_factory=dict)
    """By id."""
    assignments: Mapping[str, str] = field(default_factory=dict)
    """Policy id by the id of the object that holds it: an object holds one at most."""

    def holders(self, policy_id: str) -> list[str]:
        return [holder for holder, policy in self.assignments.items() if policy == policy_id]

    def policy_of(self, object_id: str) -> Row | None:
        return self.policies.get(self.assignments.get(object_id, ""))

    def organization_default(self) -> Row | None:
        """Where several claim to be it (a setting allows that), the latest."""
        return next((each for each in reversed(self.policies.values()) if each["isOrganizationDefault"]), None)  # type: ignore[call-overload]


class History:
    """Every state since the start, and from when each can be seen."""

    def __init__(self, first: State, clock: Clock) -> None:
        self.clock = clock
        self._states: list[tuple[float, State]] = [(float("-inf"), first)]

    def latest(self) -> State:
        return self._states[-1][1]

    def add(self, state: State, late: float = 0) -> None:
        """Make `state` the latest; it is seen `late` seconds from now, and not before the one that it follows."""
        self._states.append((max(self.clock() + late, self._states[-1][0]), state))

    def seen(self, delay: float) -> State:
        """What somebody sees who is `delay` seconds behind."""
        moment = self.clock() - delay
        return next(state for since, state in reversed(self._states) if since <= moment)


@dataclass(frozen=True, slots=True)
class Directory:
    """A whole tenant."""

    organization: Row
    principals: Objects
    applications: Objects
    history: History
    conditional_access: Sequence[Row] = ()
    """Conditional Access policies, which nothing changes."""

    @property
    def tenant_id(self) -> str:
        return str(self.organization["id"])

    def holder(self, id_: str) -> tuple[str, Row] | None:
        """The object with this id, and its type."""
        for objects in (self.principals, self.applications):
            if row := objects.with_id(id_):
                return objects.kind, row
        return None

"""What a fix would do to a tenant, as values: consent, never an instruction. No method, URL or host is in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tokenguard.model import Precedence, ResourceRef, Safety, Tenant

NEW = "new:"
"""Prefix of the name that stands for an id which Graph assigns only when the object is created."""

State = Mapping[str, Any] | None
"""The writable content of one object or edge of the tenant; None where it does not exist."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One write. It is carried out only while `before` is what the tenant holds, and confirmed by reading `after`."""

    kind: str
    """The adapter's name for it: ``createPolicy``, ``updatePolicy``, ``deletePolicy``, ``assign``, ``unassign``."""
    target: Mapping[str, str]
    """Whose state it changes: one id by its kind, ``{"policy": …}`` or ``{"servicePrincipal": …}``.

    An id may begin with `NEW`, here and in the states.
    """
    before: State
    after: State
    words: str
    """What it does, for people: one sentence without a full stop."""

    @property
    def changed(self) -> frozenset[str]:
        """The properties whose value it changes; all of them where it makes or removes something."""
        before, after = self.before or {}, self.after or {}
        return frozenset(name for name in {**before, **after} if before.get(name) != after.get(name))

    def shows_in(self, state: State) -> bool:
        """Whether `state` has every value that it brings about, whatever else somebody changed beside it."""
        if self.before is None or self.after is None or state is None:
            return state == self.after
        return all(state.get(name) == self.after[name] for name in self.changed)

    def others_in(self, state: State) -> list[str]:
        """The properties in `state` that differ from those before, and that it does not change itself."""
        if self.before is None or self.after is None or state is None:
            return []
        return sorted(
            name for name, value in self.before.items() if name not in self.changed and state.get(name) != value
        )

    def upon(self, state: State) -> Operation | None:
        """The same change of what is in `state` by now; None where a value that it changes is no longer as before."""
        if self.before is None or self.after is None or state is None:
            return self if state == self.before else None
        if any(state.get(name) != self.before[name] for name in self.changed):
            return None
        return replace(self, before=state, after={**state, **{name: self.after[name] for name in self.changed}})


@dataclass(frozen=True, slots=True)
class Served:
    """A finding that a change mends."""

    rule: str
    resource: ResourceRef


@dataclass(frozen=True, slots=True)
class Change:
    """Operations that belong together: carried out in order, and put back when one of them fails."""

    id: str
    """Stable: the digest of its operations."""
    resource: ResourceRef
    operations: tuple[Operation, ...]
    serves: tuple[Served, ...]
    safety: Safety
    before: Mapping[str, Any]
    """Properties of the resource that change, as they are; lifetimes in seconds."""
    after: Mapping[str, Any]
    """The same properties, as they will be."""
    blast_radius: str
    """Whom it touches, for people."""
    irreversible: str = ""
    """Why it cannot be taken back, or may not be, for people; empty where it can."""

    @property
    def of_the_default(self) -> bool:
        """Whether it is about an organization default: that reaches what other changes are about as well."""
        return concerns_default(self.operations)


def concerns_default(operations: Iterable[Operation]) -> bool:
    """Whether any of `operations` makes, changes or takes away an organization default."""
    states = (state for operation in operations for state in (operation.before, operation.after))
    return any(state is not None and state.get("isOrganizationDefault") is True for state in states)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A finding that the plan does not mend, and why."""

    rule: str
    resource: ResourceRef
    reason: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A cause that kept rules from being evaluated: what they would have found, no change is planned for."""

    reason: str
    """The call and what was answered, or what is not known; one line. ``{id}``: it is so for several."""
    permission: str
    """The permission that would mend it; empty where none is known to."""
    rules: tuple[str, ...]
    """Ids of the rules that it concerns."""
    resources: int
    """How many resources it is known to concern; 0 where they could not even be listed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a fix would do, with the proof that it was derived from: rules, tenant and time."""

    tenant: Tenant
    cloud: str
    precedence: Precedence
    made_at: datetime
    expires_at: datetime
    rules: Mapping[str, str]
    """Digest of every rule that was judged by, by id: a plan made under other rules is another plan."""
    changes: tuple[Change, ...]
    skipped: tuple[Skipped, ...] = ()
    unsafe: bool = False
    """Whether it may hold changes that are not safe."""
    only: tuple[str, ...] = ()
    """Ids, appIds or names of the resources that it was to be about; empty: all."""
    permissions: tuple[str, ...] = ()
    """Least-privileged permissions that its operations take, all of them."""
    not_evaluated: tuple[Gap, ...] = ()
    """What could not be evaluated, so that the plan may lack what it would take to mend that."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """How a fixer would bring about a value of one resource."""

    operations: tuple[Operation, ...]
    blast_radius: str
    safety: Safety = Safety.SAFE
    """Unsafe where more than the resource is touched, whatever the rule's author thought; never `Safety.MANUAL`."""
    irreversible: str = ""
    """Why it cannot be taken back, or may not be; empty where it can. What is not empty is unsafe."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a fixer cannot bring about what a rule asks for."""

    reason: str


@dataclass(frozen=True, slots=True)
class Observed:
    """What the tenant holds where an operation would write."""

    state: State
    id: str = ""
    """The id of what was found, where the operation knows only a name (`NEW`) for it."""


@dataclass(frozen=True, slots=True)
class Written:
    """How a write ended, as far as the answer says."""

    accepted: bool | None
    """None: the answer was lost, so only reading can tell."""
    reason: str = ""
    """What was answered, where it was not accepted; one line, without tokens or bodies."""
    new_id: str = ""
    """The id that Graph assigned to what was created."""
    forbidden: bool = False
    """Whether the answer was that this sign-in may not do that (403): any other write may come to the same."""
    again_after: float | None = None
    """Seconds after which it may be tried again, and not before, where nothing was carried out and that may pass.

    Where that is not known, what the service named nonetheless.
    """

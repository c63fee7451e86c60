"""A tenant in memory that is written to as Graph is: reads lag, answers are lost, calls are refused, time passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tokenguard.apply import Time
from tokenguard.changes import NEW, Change, Observed, Operation, State, Written
from tokenguard.entra.writing.reversal import reverse
from tokenguard.hookspecs import ReadFailure
from tokenguard.journal import Key
from tokenguard.model import ResourceRef, Safety

KEY = Key(bytes(range(32)))
"""What the journals of the tests are sealed with."""
A, B = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
HOLDER, OTHER = "cccccccc-0000-4000-8000-000000000003", "dddddddd-0000-4000-8000-000000000004"


def content(name: str, **changed: Any) -> dict[str, Any]:
    """The state of a policy."""
    return {"displayName": name, "description": None, "definition": [name], "isOrganizationDefault": False, **changed}


def create(name: str) -> Operation:
    return Operation("createPolicy", {"policy": NEW + name}, None, content(name), f"create {name}")


def update(id_: str, before: State, after: State) -> Operation:
    return Operation("updatePolicy", {"policy": id_}, before, after, f"update {id_}")


def delete(id_: str, before: State) -> Operation:
    return Operation("deletePolicy", {"policy": id_}, before, None, f"delete {id_}")


def assign(policy: str, holder: str = HOLDER) -> Operation:
    return Operation("assign", {"servicePrincipal": holder}, None, {"policy": policy}, f"assign {policy}")


def unassign(policy: str, holder: str = HOLDER) -> Operation:
    return Operation("unassign", {"servicePrincipal": holder}, {"policy": policy}, None, f"unassign {policy}")


def change(*operations: Operation, id_: str = "change") -> Change:
    """A change of these operations."""
    ref = ResourceRef("servicePrincipal", HOLDER, "Dataverse")
    return Change(id_, ref, operations, (), Safety.UNSAFE, {"lifetime": 1}, {"lifetime": 2}, "all clients")


class Passing:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    @property
    def time(self) -> Time:
        return Time(lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class MemoryTenant:
    """Policies, who holds them, and what goes wrong. `tokenguard.hookspecs.Writer` in memory."""

    passing: Passing
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    """Policy by its holder."""
    lag: float = 0.0
    """Seconds until a read sees a write."""
    answers: dict[int, Callable[[Operation], Written | None]] = field(default_factory=dict)
    """What happens at the n-th write, from 1, instead of the usual; None to go on as usual."""
    unreadable: str = ""
    writes: list[str] = field(default_factory=list)
    """The kind of each write that arrived."""
    tenant: str = "eeeeeeee-0000-4000-8000-000000000005"
    permissions: tuple[str, ...] | None = ()

    def __post_init__(self) -> None:
        self._seen: list[tuple[float, dict[str, Any], dict[str, str]]] = []
        self._remember(float("-inf"))

    def state(self, operation: Operation) -> Observed | ReadFailure:
        if self.unreadable:
            return ReadFailure("/", self.unreadable)
        policies, held = next((p, h) for since, p, h in reversed(self._seen) if since <= self.passing.now - self.lag)
        if "policy" not in operation.target:
            policy = held.get(operation.target["servicePrincipal"])
            return Observed({"policy": policy} if policy else None)
        id_ = operation.target["policy"]
        if not id_.startswith(NEW):
            return Observed(policies.get(id_))
        wanted = operation.after or operation.before
        return next((Observed(state, id_) for id_, state in policies.items() if state == wanted), Observed(None))

    def write(self, operation: Operation) -> Written:
        assert not any(
            value.startswith(NEW)
            for state in (operation.after, operation.before)
            if state
            for key, value in state.items()
            if key == "policy"
        ), "a name was written"
        self.writes.append(operation.kind)
        instead = self.answers.get(len(self.writes), lambda _: None)(operation)
        return instead or self.carry_out(operation)

    def carry_out(self, operation: Operation) -> Written:
        """What Graph does with a write."""
        new_id = ""
        match operation.kind:
            case "createPolicy":
                new_id = f"{len(self.writes):08}-0000-4000-8000-00000000000f"
                self.policies[new_id] = dict(operation.after)
            case "updatePolicy":
                sent = {name: operation.after[name] for name in operation.changed}
                self.policies[operation.target["policy"]] = {**self.policies[operation.target["policy"]], **sent}
            case "deletePolicy":
                if operation.target["policy"] in self.held.values():
                    return Written(False, "it is still assigned")
                del self.policies[operation.target["policy"]]
            case "assign":
                if operation.target["servicePrincipal"] in self.held:
                    return Written(False, "409 it holds one")
                if operation.after["policy"] not in self.policies:
                    return Written(False, "404 no such policy")
                self.held[operation.target["servicePrincipal"]] = operation.after["policy"]
            case "unassign":
                if self.held.get(operation.target["servicePrincipal"]) != operation.before["policy"]:
                    return Written(False, "404 it does not hold it")
                del self.held[operation.target["servicePrincipal"]]
        self._remember()
        return Written(True, new_id=new_id)

    def edit(self, **changed: Any) -> None:
        """Somebody else's doing."""
        for name, value in changed.items():
            setattr(self, name, value)
        self._remember(-self.lag)

    def reverse(self, operation: Operation) -> Operation:
        return reverse(operation)

    def describe(self, changes: Sequence[Change]) -> tuple[Change, ...]:
        return tuple(changes)

    def contents(self) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
        """What there is, ids aside: the policies, and what each holder holds."""
        held = {holder: self.policies[policy] for holder, policy in self.held.items()}
        return sorted(self.policies.values(), key=lambda each: each["displayName"]), held

    def _remember(self, since: float = 0.0) -> None:
        self._seen.append((self.passing.now + since, {**self.policies}, {**self.held}))


def lost(tenant: MemoryTenant) -> Callable[[Operation], Written]:
    """Carried out, and the answer lost."""

    def answer(operation: Operation) -> Written:
        tenant.carry_out(operation)
        return Written(None, "no answer")

    return answer


def vanished(_: Operation) -> Written:
    """Not carried out, and no answer."""
    return Written(None, "no answer")


def refused(_: Operation) -> Written:
    return Written(False, "400 Request_BadRequest")


def forbidden(_: Operation) -> Written:
    return Written(False, "403 Authorization_RequestDenied", forbidden=True)


def throttled(_: Operation) -> Written:
    return Written(False, "429 TooManyRequests", again_after=7.0)

"""Conditional Access policies as Graph sends them, and what tokenguard judges of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tokenguard.hookspecs import ReadFailure, Source
from tokenguard.model import CollectionFailure, CollectionNotice, Fact, Need, Precedence, Resource, ResourceType, Tenant

NAME = "conditionalAccessPolicy"
CALL = "/identity/conditionalAccess/policies"
PERMISSION = "Policy.Read.All"
SECONDS = {"hours": 3600, "days": 86400}
STATES = {name.lower(): name for name in ("enabled", "disabled", "enabledForReportingButNotEnforced")}
"""By how they are looked up: Microsoft's own examples do not agree on the letter case of such values."""

POLICY = ResourceType(
    NAME,
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["displayName", "state", "signInFrequencySeconds"],
        "properties": {
            "displayName": {"type": ["string", "null"], "description": "Name of the policy."},
            "state": {
                "type": ["string", "null"],
                "enum": [*STATES.values(), None],
                "description": "Whether it acts, and whether it only says what it would do.",
            },
            "signInFrequencySeconds": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "After how long people sign in again; 0 for every time, null where the control is off.",
            },
        },
        "examples": [{"displayName": "A policy", "state": "enabled", "signInFrequencySeconds": None}],
    },
    permissions=(PERMISSION,),
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read, and of which tenant."""

    tenant: str
    policies: Sequence[Fact | ReadFailure]
    notices: Sequence[CollectionNotice] = ()
    """What the source says of its answers, such as that they are of Graph's beta."""


class ConditionalAccessCollector:
    """Reads every Conditional Access policy: one call, however many people they are for."""

    resource_types: Sequence[ResourceType] = (POLICY,)

    def tenant(self, facts: Facts) -> Tenant | None:
        """The tenant that the token is for; a folder of saved answers has none."""
        return Tenant(facts.tenant) if facts.tenant else None

    def collect(self, source: Source, needs: Mapping[str, Need]) -> Facts:  # noqa: ARG002  (it is one type, always whole)
        """Ask for the list. A failure is among the rows, as a value."""
        said = [each for each in source.notices if each.call == CALL.lower()]
        notices = tuple(CollectionNotice(NAME, each.text, each.strict) for each in said)
        return Facts(source.tenant, tuple(source.rows(CALL)), notices)

    def read(
        self,
        facts: Facts,
        needs: Mapping[str, Need],  # noqa: ARG002
        precedence: Precedence,  # noqa: ARG002  (it is about token lifetime policies)
    ) -> Iterator[Resource | CollectionFailure | CollectionNotice]:
        """A resource for each policy, and what kept the list from being whole."""
        yield from facts.notices
        for fact in facts.policies:
            yield CollectionFailure(NAME, fact.reason, fact.permission) if isinstance(fact, ReadFailure) else read(fact)


def read(fact: Fact) -> Resource | CollectionFailure:
    """The policy that Graph sent as `fact`. What cannot be made out is unknown: null, with the reason."""
    id_ = fact.get("id")
    if not isinstance(id_, str) or not id_:
        return CollectionFailure(NAME, f"GET {CALL}: a policy has no id")
    found = {
        "displayName": _text(fact, "displayName"),
        "state": _state(fact),
        "signInFrequencySeconds": _frequency(fact),
    }
    unknown = {name: value.why for name, value in found.items() if isinstance(value, _Unknown)}
    properties = {name: None if name in unknown else value for name, value in found.items()}
    return Resource(NAME, id_, str(properties["displayName"] or ""), properties, unknown)


@dataclass(frozen=True, slots=True)
class _Unknown:
    why: str


def _text(fact: Fact, name: str) -> str | _Unknown | None:
    """A key that is missing was not read, which is not the same as null."""
    value = fact.get(name, _Unknown(f"{name} was not read"))
    return value if value is None or isinstance(value, str | _Unknown) else _Unknown(f"{name} is {value!r}")


def _state(fact: Fact) -> str | _Unknown | None:
    state = _text(fact, "state")
    if not isinstance(state, str):
        return state
    return STATES.get(state.lower(), _Unknown(f"the state {state!r} is not one that tokenguard knows"))


def _frequency(fact: Fact) -> int | _Unknown | None:
    controls = fact.get("sessionControls", _Unknown("sessionControls was not read"))
    if controls is None or isinstance(controls, _Unknown):
        return controls
    return (
        _length(controls.get("signInFrequency"))
        if isinstance(controls, dict)
        else _Unknown(f"sessionControls is {controls!r}")
    )


def _length(control: object) -> int | _Unknown | None:
    """The control counts only where it is switched on, and its number only with its unit, and as an interval of time.

    Source: Microsoft Graph v1.0, signInFrequencySessionControl. Older policies come without ``frequencyInterval``.
    """
    if isinstance(control, dict):
        control = {name: value.lower() if isinstance(value, str) else value for name, value in control.items()}
    match control:
        case None | {"isEnabled": False | None}:
            return None
        case {"isEnabled": True, "frequencyInterval": "everytime"}:
            return 0
        case {"frequencyInterval": str(interval)} if interval != "timebased":
            pass  # Graph's list of intervals may grow
        case {"isEnabled": True, "value": int(number), "type": "hours" | "days" as unit} if (
            number > 0 and number is not True
        ):
            return number * SECONDS[unit]
    return _Unknown(f"the sign-in frequency {control!r} is not one that tokenguard knows")

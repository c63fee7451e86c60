"""A token lifetime policy read, and the `tokenLifetimePolicy` resource made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tokenguard.entra.asking import POLICIES
from tokenguard.entra.definition import Definition, parse_definition
from tokenguard.entra.facts import UNASKED, EntraFacts, because
from tokenguard.entra.reading import Unknown, first_unknown, flag, make_resource, not_held, text
from tokenguard.entra.written import shown
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import CollectionFailure, Fact, Resource

_MISSING = not_held(POLICIES)
_DEFINITION_PROPERTIES = (
    "definition",
    "definitionReadable",
    "definitionProblems",
    "accessTokenLifetimeSeconds",
    "settings",
    "retiredSettings",
    "unknownSettings",
    "lifetimeOutOfRange",
    "nonCanonicalSpellings",
)


NULL_DEFAULT = Unknown("isOrganizationDefault is null, and Microsoft documents true and false")
"""Of a policy that may be the organization default, or not."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A token lifetime policy with its definition parsed."""

    id: str
    name: str | Unknown | None
    is_organization_default: bool | Unknown
    definition: Definition | Unknown
    deleted: str = ""
    """Why it may be deleted, a clause; empty where nothing says so."""

    @property
    def lifetime(self) -> timedelta | Unknown | None:
        """What it sets; None where it sets nothing."""
        return self.definition if isinstance(self.definition, Unknown) else self.definition.lifetime

    @property
    def word(self) -> timedelta | Unknown | None:
        """What it sets if Entra heeds it."""
        return self.definition if isinstance(self.definition, Unknown) else self.definition.word

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why Entra may ignore it, so that the next level decides, a clause each; empty where it cannot."""
        doubts = () if isinstance(self.definition, Unknown) else self.definition.doubts
        return (*doubts, self.deleted) if self.deleted else doubts

    @property
    def seconds(self) -> int | Unknown | None:
        """The lifetime as resources hold it."""
        return whole_seconds(self.lifetime)

    def __str__(self) -> str:
        """What sentences call it."""
        return f"policy “{self.name}”" if isinstance(self.name, str) and self.name else f"policy {self.id}"


def whole_seconds(length: timedelta | Unknown | None) -> int | Unknown | None:
    """`length` as a whole number of seconds, where there is one."""
    return int(length.total_seconds()) if isinstance(length, timedelta) else length


def parse_policies(facts: EntraFacts) -> dict[str, Policy]:
    """Every policy that was read, by id."""
    return {id_: parse_policy(id_, fact) for id_, fact in facts.policies.items()}


def parse_policy(id_: str, fact: Fact) -> Policy:
    """One policy; its `id_` is in lower case."""
    default = flag(fact, "isOrganizationDefault", _MISSING)
    strings = fact.get("definition", _MISSING.of("definition"))
    if not isinstance(strings, list | Unknown):
        strings = Unknown("definition is no collection of strings")
    return Policy(
        id=id_,
        name=text(fact, "displayName", _MISSING),
        is_organization_default=NULL_DEFAULT if default is None else default,
        definition=parse_definition(strings) if isinstance(strings, list) else strings,
        deleted=_deleted(fact.get("deletedDateTime")),
    )


def _deleted(when: object) -> str:
    return "" if when is None else f"its deletedDateTime is {shown(when)}, so it may be deleted"


def read_policies(facts: EntraFacts, policies: Mapping[str, Policy]) -> Iterator[Resource | CollectionFailure]:
    """The `tokenLifetimePolicy` resources, and why there may be more."""
    for id_, policy in policies.items():
        fact = facts.policies[id_]
        properties = {
            "displayName": policy.name,
            # Responses that Microsoft documents leave the description out where there is none.
            "description": text(fact, "description") if "description" in fact else None,
            "isOrganizationDefault": policy.is_organization_default,
            **_definition_properties(fact, policy),
            "assignmentCount": _assignment_count(facts, id_),
            "policiesOfThisName": _policies_of_this_name(facts, policies, policy),
        }
        yield make_resource("tokenLifetimePolicy", id_, policy.name, properties)
    failure = facts.policies_failure
    if failure is not None:
        yield CollectionFailure("tokenLifetimePolicy", failure.reason, failure.permission)


def _definition_properties(fact: Fact, policy: Policy) -> dict[str, Any]:
    definition = policy.definition
    if isinstance(definition, Unknown):
        return dict.fromkeys(_DEFINITION_PROPERTIES, definition)
    hidden = None if definition.complete else definition.lifetime
    listed = {
        "settings": list(definition.settings),
        "retiredSettings": list(definition.retired),
        # In no order of the definition's own: in JSON the keys of an object have none.
        "unknownSettings": sorted(definition.unknown),
        "lifetimeOutOfRange": definition.out_of_range,
        "nonCanonicalSpellings": sorted(definition.spellings),
    }
    strings = fact["definition"]
    return {
        "definition": strings if all(isinstance(string, str) for string in strings) else definition.lifetime,
        "definitionReadable": not definition.problems,
        "definitionProblems": list(definition.problems),
        "accessTokenLifetimeSeconds": policy.seconds,
        **{name: hidden or value for name, value in listed.items()},
    }


def _assignment_count(facts: EntraFacts, policy_id: str) -> int | Unknown:
    holders = facts.holders.get(policy_id, UNASKED)
    if isinstance(holders, ReadFailure):
        return because(holders)
    return sum(holder not in facts.gone for holder in holders)


def _policies_of_this_name(facts: EntraFacts, policies: Mapping[str, Policy], policy: Policy) -> int | Unknown:
    """How many share the name, letter case aside; a policy without a name shares it with nobody."""
    if facts.policies_failure is not None:
        return because(facts.policies_failure, "not every policy could be read")
    names = [other.name for other in policies.values()]
    unknown = first_unknown(*names)
    if unknown is not None:
        return unknown
    if not isinstance(policy.name, str):
        return 1
    return sum(isinstance(name, str) and name.casefold() == policy.name.casefold() for name in names)

"""Policies that Entra may ignore: every placement of up to three, held to the same tenants without any doubt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, combinations_with_replacement, product

import pytest

from tenants import COLLECTOR, TENANT, TYPES, application, built_in, definition, facts, policy, principal, resource
from tokenguard.entra.explaining import explain
from tokenguard.entra.facts import EntraFacts
from tokenguard.explanation import Explanation, Subject
from tokenguard.judging.engine import RuleJudge, TypeCheck
from tokenguard.model import Need, Outcome, Precedence, Resource

SHORT, LONG = "01:00:00", "23:00:00"
PLACES = ("organization", "servicePrincipal", "application")
HELD = {"servicePrincipal": "sp", "application": "app"}
PRINCIPAL = principal("sp", appId="app-of-both")
APPLICATION = application("app", appId="app-of-both")
SUBJECT = Subject("both", "app-of-both", {"servicePrincipal": PRINCIPAL, "application": APPLICATION})


@dataclass(frozen=True)
class Written:
    """A policy as somebody wrote it, and what it says."""

    name: str
    strings: tuple[str, ...]
    word: str
    ignorable: bool = True
    default_is_null: bool = False
    deleted: str | None = None


def version(text: str, value: str) -> str:
    return definition(text).replace('"Version":1', f'"Version":{value}')


CERTAIN = [Written("short", (definition(SHORT),), SHORT, False), Written("long", (definition(LONG),), LONG, False)]
NULL = [
    Written("null default, short", (definition(SHORT),), SHORT, False, True),
    Written("null default, long", (definition(LONG),), LONG, False, True),
]
BOTH = Written("null default, out of range", (definition("24:00:00"),), LONG, True, True)
DOUBTFUL = [
    Written("a day", (definition("24:00:00"),), LONG),
    Written("two days", (definition("2.00:00:00"),), LONG),
    Written("five minutes", (definition("00:05:00"),), SHORT),
    Written("escaped, long", (definition(LONG).replace('"', '\\"'),), LONG),
    Written("escaped, short", (definition(SHORT).replace('"', '\\"'),), SHORT),
    Written("a string that holds JSON", (json.dumps(definition(LONG)),), LONG),
    Written("a tab within quotes", (definition(LONG, MaxInactiveTime="a\tb").replace("\\t", "\t"),), LONG),
    Written("minutes over 59, long", (definition("22:60:00"),), LONG),
    Written("minutes over 59, short", (definition("00:60:00"),), SHORT),
    Written("seconds over 59", (definition("22:59:60"),), LONG),
    Written("one digit of minutes", (definition("23:0:00"),), LONG),
    Written("no version, long", (definition(LONG).replace('"Version":1,', ""),), LONG),
    Written("no version, short", (definition(SHORT).replace('"Version":1,', ""),), SHORT),
    Written("version 2", (version(LONG, "2"),), LONG),
    Written("version null", (version(LONG, "null"),), LONG),
    Written("version as text", (version(LONG, '"1"'),), LONG),
    Written("version 1.0", (version(LONG, "1.0"),), LONG),
    Written("letter case", (definition(LONG).replace("AccessToken", "accesstoken"),), LONG),
    Written("two strings", (definition(LONG),) * 2, LONG),
    Written("a setting twice", (definition(LONG).replace('"Acc', '"AccessTokenLifetime":"23:00:00","Acc'),), LONG),
    Written("an unknown setting", (definition(LONG, RefreshTokenLifetime="12:00:00"),), LONG),
    Written("deleted, long", (definition(LONG),), LONG, deleted="2026-01-01T00:00:00Z"),
    Written("deleted, short", (definition(SHORT),), SHORT, deleted="2026-01-01T00:00:00Z"),
]  # fmt: skip

Placed = tuple[tuple[Written, str], ...]
"""Policies and the places where they stand."""

Certain = tuple[tuple[str, str, str, bool], ...]
"""Policies that nobody doubts: id, lifetime, place, and whether they are the organization default."""


def written(placed: Placed) -> EntraFacts:
    """The tenant as it was read."""
    policies, held = [], {}
    for number, (each, place) in enumerate(placed):
        default = None if each.default_is_null else place == "organization"
        policies.append(policy(f"p{number}", *each.strings, default=default, deletedDateTime=each.deleted))
        held[f"p{number}"] = [HELD[place]] if place in HELD else []
    return facts(*policies, held=held, principals=[PRINCIPAL], applications=[APPLICATION])


def worlds(placed: Placed) -> Iterator[Certain]:
    """The same tenant in every way in which it may be: each doubtful policy absent, or taken at its word."""
    answers = []
    for number, (each, place) in enumerate(placed):
        defaults = (False, True) if each.default_is_null else (place == "organization",)
        answers.append(
            [
                *((f"p{number}", each.word, place, default) for default in defaults),
                *([None] if each.ignorable else []),
            ]
        )
    for world in product(*answers):
        yield tuple(each for each in world if each is not None)


def certain(world: Certain) -> EntraFacts:
    policies = [policy(id_, definition(lifetime), default=default) for id_, lifetime, _, default in world]
    held = {id_: [HELD[place]] if place in HELD else [] for id_, _, place, _ in world}
    return facts(*policies, held=held, principals=[PRINCIPAL], applications=[APPLICATION])


RULES = built_in()
PRINCIPAL_RULES = ("service-principal-token-lifetime-too-long", "application-token-lifetime-too-long")
WITHOUT_EFFECT = "token-lifetime-policy-without-effect"
AMBIGUOUS = "token-lifetime-precedence-ambiguous"
JUDGES = {
    name: RuleJudge(RULES[name], TypeCheck(TYPES[RULES[name].resource]))
    for name in (*PRINCIPAL_RULES, WITHOUT_EFFECT, AMBIGUOUS)
}
NEEDS = {
    name: Need(name, frozenset(TYPES[name].schema["properties"]))
    for name in ("servicePrincipal", "application", "tokenLifetimePolicyAssignment")
}
WORST = (Outcome.FAIL, Outcome.NOT_EVALUATED, Outcome.PASS)


def resources(found: EntraFacts, precedence: Precedence) -> list[Resource]:
    return [each for each in COLLECTOR.read(found, NEEDS, precedence) if isinstance(each, Resource)]


def outcome(rule: str, resource: Resource) -> Outcome:
    said = JUDGES[rule].judge(resource).outcome
    return Outcome.PASS if said is Outcome.NOT_SELECTED else said


def verdicts(found: list[Resource]) -> dict[str, Outcome]:
    """Of the rules about what is in force."""
    return {
        rule: outcome(rule, each) for each in found for rule in PRINCIPAL_RULES if RULES[rule].resource == each.type
    }


def explained(found: EntraFacts, precedence: Precedence) -> Explanation:
    return explain(found, SUBJECT, precedence)


def deciding(found: Explanation) -> frozenset[tuple[str, str]]:
    return frozenset((each.basis, each.policy.id if each.policy else "") for each in found.in_force)


@cache
def of_certain(world: Certain, precedence: Precedence) -> tuple[dict[str, Outcome], Explanation]:
    found = certain(world)
    return verdicts(resources(found, precedence)), explained(found, precedence)


def check(placed: Placed, precedence: Precedence) -> None:
    without_doubt = [of_certain(world, precedence) for world in dict.fromkeys(worlds(placed))]
    found = written(placed)
    read = resources(found, precedence)
    case = f"{[(each.name, place) for each, place in placed]} by {precedence}"

    for rule, said in verdicts(read).items():
        worst = min((of[rule] for of, _ in without_doubt), key=WORST.index)
        assert said is worst, f"{rule}: {case}"

    told = explained(found, precedence)
    decided = [deciding(explanation) for _, explanation in without_doubt]
    assert deciding(told) == frozenset(chain(*decided)), case
    assert bool(told.unknown) is any(explanation.unknown for _, explanation in without_doubt), case
    differ = (
        any(explanation.ambiguous for _, explanation in without_doubt)
        or len(
            {
                (min(each.shortest for each in of.in_force), max(each.longest for each in of.in_force))
                if of.in_force
                else ()
                for _, of in without_doubt
            }
        )
        > 1
    )
    if differ:
        assert told.ambiguous, case

    for each in read:
        if not told.unknown:
            assert each.properties["precedenceAmbiguous"] is told.ambiguous, case
        if each.type == "tokenLifetimePolicyAssignment":
            held = each.properties["policyId"]
            may_decide = any(id_ == held for _, id_ in chain(*decided)) or any(of.unknown for _, of in without_doubt)
            assert (outcome(WITHOUT_EFFECT, each) is Outcome.FAIL) is not may_decide, case


ONE_OR_TWO = [*CERTAIN, *DOUBTFUL, *NULL, BOTH]
THREE = [
    each for each in ONE_OR_TWO
    if each.name in ("short", "long", "a day", "escaped, short", "no version, long", "null default, long")
]  # fmt: skip


def test_of_more_doubts_than_can_be_combined_what_fails_with_one_of_them_fails_and_nothing_passes():
    def tenant(lifetime: str) -> EntraFacts:
        null = [policy(f"p{number}", definition(), default=None) for number in range(9)]
        return facts(*null, policy("last", definition(lifetime), default=None), principals=[PRINCIPAL])

    def said(lifetime: str) -> Outcome:
        return verdicts(resources(tenant(lifetime), Precedence.ALL))["service-principal-token-lifetime-too-long"]

    assert (said(LONG), said(SHORT)) == (Outcome.FAIL, Outcome.NOT_EVALUATED)


def test_what_is_known_with_each_of_many_doubts_alone_is_not_taken_for_the_whole():
    """The principal's own five minutes come first; where Entra ignores them, two of the others may be the default."""
    null = [policy(f"p{number}", definition(), default=None) for number in range(9)]
    own = policy("own", definition("00:05:00"))
    found = facts(*null, own, held={"own": ["sp"]}, principals=[PRINCIPAL], applications=[APPLICATION])
    said = verdicts(resources(found, Precedence.CLASSIC))
    assert said["service-principal-token-lifetime-too-long"] is Outcome.NOT_EVALUATED


def test_several_organization_defaults_are_found_beside_one_that_may_be_another():
    rule = RULES["several-organization-default-policies"]
    judge = RuleJudge(rule, TypeCheck(TYPES["organization"]))

    def said(*defaults: bool | None) -> Outcome:
        policies = [{**policy(f"p{at}"), "isOrganizationDefault": default} for at, default in enumerate(defaults)]
        return judge.judge(resource(facts(*policies), "organization", TENANT)).outcome

    assert said(True, True, None) is Outcome.FAIL
    assert said(True, None) is said(None) is Outcome.NOT_EVALUATED
    assert said(True, False) is Outcome.PASS


def test_the_rules_of_a_policy_itself_do_not_evaluate_what_is_no_json_object_as_it_stands():
    names = (
        "accessTokenLifetimeSeconds",
        "settings",
        "retiredSettings",
        "unknownSettings",
        "lifetimeOutOfRange",
        "nonCanonicalSpellings",
    )
    for each in DOUBTFUL:
        given = facts(policy("p", *each.strings))
        found = resource(given, "tokenLifetimePolicy", "p")
        if each.name.startswith(("escaped", "a string", "a tab")):
            assert set(found.unknown) == set(names), each.name
            assert found.properties["definitionReadable"] is False
        elif not each.name.startswith("version"):
            assert not found.unknown, each.name
            assert found.properties["definitionReadable"] is True


def test_a_default_that_is_null_is_not_evaluated_by_the_rules_about_defaults():
    found = resource(facts(policy("p", default=None)), "tokenLifetimePolicy", "p")
    for name in (
        "organization-default-policy",
        "organization-default-lifetime-too-long",
        "unassigned-token-lifetime-policy",
    ):
        judge = RuleJudge(RULES[name], TypeCheck(TYPES["tokenLifetimePolicy"]))
        assert judge.judge(found).outcome is Outcome.NOT_EVALUATED, name


def placements(kinds: list[Written], number: int) -> Iterator[Placed]:
    for which in combinations_with_replacement(kinds, number):
        for places in product(PLACES, repeat=number):
            yield tuple(zip(which, places, strict=True))


@pytest.mark.parametrize("precedence", Precedence)
@pytest.mark.parametrize(
    ("kinds", "number"), [(ONE_OR_TWO, 1), (ONE_OR_TWO, 2), (THREE, 3)], ids=["one", "two", "three"]
)
def test_a_doubtful_policy_is_judged_by_the_worst_of_its_absence_and_its_word(kinds, number, precedence):
    for placed in placements(kinds, number):
        check(placed, precedence)

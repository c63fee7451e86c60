import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.entra.definition import parse_definition
from tokenguard.entra.facts import DirectoryObject, Kind
from tokenguard.entra.in_force import InForce, in_force
from tokenguard.entra.lifetime import (
    NOT_APPLICABLE,
    ORDERS,
    Basis,
    Effective,
    effective_lifetime,
    follow,
)
from tokenguard.entra.policy import Policy
from tokenguard.entra.reading import Unknown
from tokenguard.model import Precedence

ALL, NEW, CLASSIC = Precedence.ALL, Precedence.DOCUMENTED_2026, Precedence.CLASSIC
SP, APP, ORG, DEFAULT = Basis.SERVICE_PRINCIPAL, Basis.APPLICATION, Basis.ORGANIZATION, Basis.DEFAULT

PRINCIPAL = DirectoryObject(
    Kind.SERVICE_PRINCIPAL, {"servicePrincipalType": "Application", "signInAudience": "AzureADMyOrg"}
)
APPLICATION = DirectoryObject(Kind.APPLICATION, {"signInAudience": "AzureADMyOrg"})


def policy(name: str, lifetime: str | None) -> Policy:
    settings = {"Version": 1} if lifetime is None else {"Version": 1, "AccessTokenLifetime": lifetime}
    return Policy(name, name, False, parse_definition([json.dumps({"TokenLifetimePolicy": settings})]))


FIVE, EIGHT, TWELVE = (policy(name, name) for name in ("05:00:00", "08:00:00", "12:00:00"))
HALF, BRIEF, WHOLE_DAY = (policy(name, name) for name in ("00:30:00", "00:05:00", "24:00:00"))
EMPTY, RUBBISH = policy("empty", None), policy("rubbish", "until-revoked")
UNREAD = Unknown("appliesTo: 403")


def levels(sp=None, app=None, org=None):
    return {SP: sp, APP: app, ORG: org}


def hours(shortest: float, longest: float, basis: Basis, *, ambiguous: bool = False) -> Effective:
    return Effective(timedelta(hours=longest), timedelta(hours=shortest), basis, ambiguous)


@pytest.mark.parametrize(
    ("held", "precedence", "expected"),
    [
        # nothing anywhere: Microsoft's default
        (levels(), ALL, hours(1, 1.5, DEFAULT)),
        # one level alone decides under every order
        (levels(sp=EIGHT), ALL, hours(8, 8, SP)),
        (levels(app=EIGHT), ALL, hours(8, 8, APP)),
        (levels(org=EIGHT), ALL, hours(8, 8, ORG)),
        # the organization stands first today and between the others until 2023
        (levels(sp=EIGHT, org=FIVE), NEW, hours(5, 5, ORG)),
        (levels(sp=EIGHT, org=FIVE), CLASSIC, hours(8, 8, SP)),
        (levels(sp=EIGHT, org=FIVE), ALL, hours(5, 8, SP, ambiguous=True)),
        (levels(sp=FIVE, org=EIGHT), ALL, hours(5, 8, ORG, ambiguous=True)),
        (levels(sp=FIVE, org=FIVE), ALL, hours(5, 5, ORG)),
        (levels(app=EIGHT, org=FIVE), ALL, hours(5, 5, ORG)),
        # principal and application: classic says which, today's text does not
        (levels(sp=FIVE, app=EIGHT), CLASSIC, hours(5, 5, SP)),
        (levels(sp=FIVE, app=EIGHT), NEW, hours(5, 8, APP, ambiguous=True)),
        (levels(sp=FIVE, app=EIGHT), ALL, hours(5, 8, APP, ambiguous=True)),
        (levels(sp=EIGHT, app=EIGHT), NEW, hours(8, 8, SP)),
        (levels(sp=FIVE, app=EIGHT, org=TWELVE), NEW, hours(12, 12, ORG)),
        (levels(sp=FIVE, app=EIGHT, org=TWELVE), ALL, hours(5, 12, ORG, ambiguous=True)),
        # a policy that sets nothing: the next level or the default, nobody says which
        (levels(org=EMPTY), ALL, hours(1, 1.5, DEFAULT)),
        (levels(sp=EIGHT, org=EMPTY), NEW, hours(1, 8, SP, ambiguous=True)),
        (levels(sp=EIGHT, org=EMPTY), CLASSIC, hours(8, 8, SP)),
        (levels(sp=EMPTY, app=EIGHT), NEW, hours(1, 8, APP, ambiguous=True)),
        (levels(sp=EMPTY, app=EMPTY, org=EMPTY), ALL, hours(1, 1.5, DEFAULT)),
        # a policy may decide, though the default may last longer: then the policy is what rules judge
        (levels(sp=HALF, org=EMPTY), NEW, hours(0.5, 1.5, SP, ambiguous=True)),
        (levels(sp=HALF, org=EMPTY), ALL, hours(0.5, 1.5, SP, ambiguous=True)),
        (levels(sp=HALF, app=EMPTY), NEW, hours(0.5, 1.5, SP, ambiguous=True)),
        # what Entra accepts no more: as written, or what comes after it
        (levels(sp=BRIEF), ALL, hours(1 / 12, 1.5, SP, ambiguous=True)),
        (levels(org=WHOLE_DAY), ALL, hours(1, 24, ORG, ambiguous=True)),
        (levels(org=BRIEF, app=TWELVE), ALL, hours(1 / 12, 12, APP, ambiguous=True)),
        (levels(sp=BRIEF, org=EIGHT), ALL, hours(1 / 12, 8, ORG, ambiguous=True)),
        # what is not reached need not be known
        (levels(sp=UNREAD, app=UNREAD, org=FIVE), NEW, hours(5, 5, ORG)),
        (levels(sp=EIGHT, org=UNREAD, app=RUBBISH), CLASSIC, hours(8, 8, SP)),
    ],
)
def test_every_order_considered_gives_its_candidates(held, precedence, expected):
    assert effective_lifetime(PRINCIPAL, held, precedence) == expected


@pytest.mark.parametrize(
    ("held", "precedence", "reason"),
    [
        (levels(sp=UNREAD), ALL, "appliesTo: 403"),
        (levels(app=UNREAD), CLASSIC, "appliesTo: 403"),
        (levels(sp=FIVE, app=UNREAD), NEW, "appliesTo: 403"),
        (levels(sp=EIGHT, org=UNREAD), ALL, "appliesTo: 403"),
        (levels(org=EMPTY, sp=UNREAD), NEW, "appliesTo: 403"),
        (levels(sp=RUBBISH), ALL, "policy “rubbish”: AccessTokenLifetime is 'until-revoked'"),
        (levels(sp=FIVE, org=RUBBISH), ALL, "policy “rubbish”"),
    ],
)
def test_a_level_that_is_reached_and_not_known_makes_the_lifetime_unknown(held, precedence, reason):
    for outcome in (
        effective_lifetime(PRINCIPAL, held, precedence),
        in_force(FIVE, PRINCIPAL, held, precedence),
    ):
        assert isinstance(outcome, Unknown)
        assert reason in outcome.reason


@pytest.mark.parametrize(
    ("held", "reached"),
    [
        (levels(), [True, True, True]),
        (levels(org=EMPTY), [True, True, True]),
        (levels(org=FIVE), [True, False, False]),
        (levels(org=UNREAD, sp=EIGHT), [True, None, None]),
        (levels(org=RUBBISH), [True, None, None]),
    ],
)
def test_behind_a_level_that_is_not_known_nobody_can_say_what_is_reached(held, reached):
    """`explain` gives a level that is not reached as one that decides nothing."""
    assert [rank.reached for rank in follow(ORDERS[NEW], held)] == reached


def principal(**fact):
    return DirectoryObject(Kind.SERVICE_PRINCIPAL, fact)


@pytest.mark.parametrize(
    ("holder", "words"),
    [
        (principal(servicePrincipalType="ManagedIdentity", signInAudience=None), "managed identity"),
        (principal(servicePrincipalType="ManagedIdentity"), "managed identity"),
        (principal(servicePrincipalType="Application", signInAudience="PersonalMicrosoftAccount"), "personal"),
        (principal(servicePrincipalType="managedidentity"), "managed identity"),
        (principal(signInAudience="AzureADandPersonalMicrosoftAccount"), "personal"),
        (principal(signInAudience="personalMicrosoftAccount"), "personal"),
        (DirectoryObject(Kind.APPLICATION, {"signInAudience": "AzureADandPersonalMicrosoftAccount"}), "personal"),
    ],
)
def test_policies_do_not_apply_to_managed_identities_and_personal_accounts(holder, words):
    held = levels(sp=EIGHT, app=EIGHT, org=RUBBISH)
    assert effective_lifetime(holder, held, ALL) == NOT_APPLICABLE
    verdict = in_force(EIGHT, holder, held, ALL)
    assert not isinstance(verdict, Unknown)
    assert verdict[0] is InForce.NEVER
    assert words in verdict[1]


@pytest.mark.parametrize(
    "holder",
    [
        principal(),
        principal(servicePrincipalType="Application"),
        principal(signInAudience="AzureADMyOrg"),
        principal(servicePrincipalType=7, signInAudience="AzureADMyOrg"),
        DirectoryObject(Kind.APPLICATION, {}),
        DirectoryObject(Unknown("neither"), {"servicePrincipalType": "Application", "signInAudience": None}),
    ],
)
def test_a_holder_that_may_be_one_of_these_has_an_unknown_lifetime(holder):
    assert isinstance(effective_lifetime(holder, levels(sp=EIGHT), ALL), Unknown)
    assert isinstance(in_force(EIGHT, holder, levels(sp=EIGHT), ALL), Unknown)


@pytest.mark.parametrize(
    ("holder", "held", "precedence", "verdict", "words"),
    [
        (PRINCIPAL, levels(sp=EIGHT), ALL, InForce.ALWAYS, "under every order"),
        (PRINCIPAL, levels(sp=EIGHT, org=EIGHT), ALL, InForce.ALWAYS, "under every order"),
        (PRINCIPAL, levels(sp=EIGHT, org=FIVE), CLASSIC, InForce.ALWAYS, "under every order"),
        (PRINCIPAL, levels(sp=EIGHT, org=FIVE), NEW, InForce.NEVER, "“05:00:00” on the organization decides."),
        (PRINCIPAL, levels(sp=EIGHT, org=FIVE), ALL, InForce.AMBIGUOUS, "under classic, policy “08:00:00” on the serv"),
        (PRINCIPAL, levels(sp=EIGHT, app=FIVE), ALL, InForce.AMBIGUOUS, "“08:00:00” on the service principal or pol"),
        (PRINCIPAL, levels(sp=EIGHT, org=EMPTY), NEW, InForce.AMBIGUOUS, "default of 60 to 90 minutes or"),
        (APPLICATION, levels(app=EIGHT), ALL, InForce.ALWAYS, "under every order"),
        (APPLICATION, levels(app=EIGHT, org=FIVE), ALL, InForce.NEVER, "Under documented-2026 and classic, policy “05"),
        (APPLICATION, levels(app=EIGHT, sp=FIVE), CLASSIC, InForce.NEVER, "“05:00:00” on the service principal"),
        (APPLICATION, levels(app=EIGHT, sp=FIVE), ALL, InForce.AMBIGUOUS, "under classic, policy “05:00:00”"),
    ],
)
def test_an_assignment_is_in_force_under_all_orders_none_or_some(holder, held, precedence, verdict, words):
    outcome = in_force(EIGHT, holder, held, precedence)
    assert not isinstance(outcome, Unknown)
    assert outcome[0] is verdict
    assert words in outcome[1]


def test_a_policy_that_sets_nothing_is_never_in_force():
    assert in_force(EMPTY, PRINCIPAL, levels(sp=EMPTY), ALL) == (
        InForce.NEVER,
        "The policy sets no access token lifetime.",
    )


standings = st.sampled_from([None, FIVE, EIGHT, TWELVE, EMPTY, RUBBISH, UNREAD])
all_levels = st.builds(levels, sp=standings, app=standings, org=standings)


@given(all_levels)
def test_all_orders_together_span_what_each_alone_gives(held):
    both = effective_lifetime(PRINCIPAL, held, ALL)
    each = [effective_lifetime(PRINCIPAL, held, order) for order in (NEW, CLASSIC)]
    known = [one for one in each if isinstance(one, Effective)]
    if len(known) < len(each):
        assert isinstance(both, Unknown)
    else:
        assert isinstance(both, Effective)
        assert both.longest == max(one.longest for one in known)
        assert both.shortest == min(one.shortest for one in known)
        assert not any(one.ambiguous for one in known) or both.ambiguous


@given(all_levels, st.sampled_from([SP, APP, ORG]), st.sampled_from(Precedence))
def test_knowing_more_never_contradicts_what_was_concluded_from_less(held, level, precedence):
    partly = effective_lifetime(PRINCIPAL, {**held, level: UNREAD}, precedence)
    if isinstance(partly, Effective):
        assert effective_lifetime(PRINCIPAL, held, precedence) == partly

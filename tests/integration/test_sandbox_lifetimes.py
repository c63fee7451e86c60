"""How long the sandbox's tokens live: its own reading of the rules, held to examples written out by hand."""

from __future__ import annotations

import json

import pytest
from tokenguard_sandbox import lifetimes

HOUR = 3600


def policy(lifetime: str | None) -> dict[str, object]:
    inner = {"Version": 1} if lifetime is None else {"Version": 1, "AccessTokenLifetime": lifetime}
    return {"definition": [json.dumps({"TokenLifetimePolicy": inner})]}


ORGANIZATION, PRINCIPAL, APPLICATION = policy("2:00:00"), policy("05:00:00"), policy("08:00:00")


@pytest.mark.parametrize(
    ("held", "documented", "classic"),
    [
        ({}, 1, 1),
        ({"organization": ORGANIZATION}, 2, 2),
        ({"servicePrincipal": PRINCIPAL}, 5, 5),
        ({"application": APPLICATION}, 8, 8),
        ({"servicePrincipal": PRINCIPAL, "application": APPLICATION}, 5, 5),
        ({"organization": ORGANIZATION, "servicePrincipal": PRINCIPAL}, 2, 5),
        ({"organization": ORGANIZATION, "application": APPLICATION}, 2, 2),
        ({"organization": ORGANIZATION, "servicePrincipal": PRINCIPAL, "application": APPLICATION}, 2, 5),
    ],
)
def test_which_policy_is_in_force_under_each_order(held, documented, classic):
    for precedence, hours in (("documented-2026", documented), ("classic", classic)):
        assert lifetimes.effective(held, {"appId": "x"}, precedence, HOUR) == hours * HOUR


@pytest.mark.parametrize(
    ("resource", "seconds"),
    [
        ({"servicePrincipalType": "Application", "signInAudience": "AzureADMyOrg"}, 5 * HOUR),
        ({"servicePrincipalType": "ManagedIdentity"}, HOUR),
        ({"signInAudience": "AzureADandPersonalMicrosoftAccount"}, HOUR),
        ({"signInAudience": "PersonalMicrosoftAccount"}, HOUR),
    ],
)
def test_policies_do_nothing_for_managed_identities_and_personal_accounts(resource, seconds):
    assert lifetimes.effective({"servicePrincipal": PRINCIPAL}, resource, "classic", HOUR) == seconds


def test_a_policy_in_force_that_sets_nothing_leaves_the_default():
    held = {"servicePrincipal": policy(None), "application": APPLICATION}
    assert lifetimes.effective(held, {}, "classic", HOUR) == HOUR


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:10:00", 600),
        ("8:00:00", 8 * HOUR),
        ("00:90:00", 5400),
        ("1.00:00:00", 24 * HOUR),
        ("80.00:30:00", 80 * 24 * HOUR + 1800),
        ("23:59:59", 24 * HOUR - 1),
        ("soon", None),
        ("8:00", None),
        ("-08:00:00", None),
        ("", None),
    ],
)
def test_a_time_span_in_seconds(text, seconds):
    assert lifetimes.seconds(text) == seconds

import base64
import json

import pytest

from tokenguard.entra.permissions import held_permissions, missing_permission, read_claims


@pytest.mark.parametrize(
    ("path", "held", "missing"),
    [
        ("/policies/tokenLifetimePolicies", [], "Policy.Read.All"),
        ("/policies/tokenLifetimePolicies", ["Policy.ReadWrite.ApplicationConfiguration"], ""),
        ("/policies/tokenLifetimePolicies/1/appliesTo", ["Policy.Read.All"], "Application.Read.All"),
        ("/policies/tokenLifetimePolicies/1/appliesTo", ["Application.Read.All"], "Policy.Read.All"),
        ("/policies/tokenLifetimePolicies/1/appliesTo", ["Policy.Read.All", "Directory.Read.All"], ""),
        ("/servicePrincipals(appId='1')", ["Policy.Read.All"], "Application.Read.All"),
        ("/applications/$count", [], "Application.Read.All"),
        ("/organization", ["Application.Read.All"], "Organization.Read.All"),
        ("/policies/conditionalAccessPolicies", ["Policy.ReadWrite.ApplicationConfiguration"], "Policy.Read.All"),
        ("/subscribedSkus", [], ""),
    ],
)
def test_a_refused_call_names_the_least_privileged_permission_that_is_not_held(path, held, missing):
    assert missing_permission(path, held) == missing


def token(claims):
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.signature"


@pytest.mark.parametrize(
    ("claims", "held"),
    [
        ({"roles": ["Policy.Read.All", "Application.Read.All"]}, ("Application.Read.All", "Policy.Read.All")),
        ({"scp": "User.Read Policy.Read.All"}, ("Policy.Read.All", "User.Read")),
        ({"roles": "Policy.Read.All", "scp": None}, ()),
        ({}, ()),
    ],
)
def test_permissions_come_from_roles_or_scopes(claims, held):
    assert held_permissions(read_claims(token(claims))) == held


@pytest.mark.parametrize("opaque", ["", "opaque", "a.b.c", "e30.W10.x", "a.é.c"])
def test_a_token_of_another_form_claims_nothing(opaque):
    assert read_claims(opaque) == {}


def test_a_token_that_is_nested_too_deeply_claims_nothing():
    deep = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    assert read_claims(f"e30.{deep}.signature") == {}

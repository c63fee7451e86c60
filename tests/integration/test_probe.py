"""`tokenguard probe` as people run it: real tokens of the sandbox, whose lifetimes follow its policies."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox import RunningSandbox
from tokenguard.schemas import schema

PROGRAM = str(Path(sys.executable).with_name("tokenguard"))
DATAVERSE = "00000007-0000-0000-c000-000000000000"
ADDRESS = "https://contoso.crm4.dynamics.com"
WRITE = ["Application.ReadWrite.All", "Policy.ReadWrite.ApplicationConfiguration", "Policy.Read.All"]
PROPAGATION = 3
POLICIES = "/policies/tokenLifetimePolicies"


def probe(
    sandbox: RunningSandbox, *arguments: str, resource: str = DATAVERSE, **changed: str
) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [PROGRAM, "probe", "--resource", resource, *arguments],
        env={**sandbox.environment, **changed},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    said = result.stdout + result.stderr
    assert "Traceback" not in said
    assert "eyJ" not in said
    assert sandbox.variables["AZURE_CLIENT_SECRET"] not in said
    return result


def probed(sandbox: RunningSandbox, *arguments: str, status: int = 0, resource: str = DATAVERSE) -> dict:
    result = probe(sandbox, *arguments, "--format", "json", resource=resource)
    assert result.returncode == status, result.stderr
    document = json.loads(result.stdout)
    jsonschema.validate(document, schema("probe"), cls=jsonschema.Draft202012Validator)
    assert document["exitStatus"] == status
    return document


@pytest.fixture(scope="module")
def server(new_sandbox) -> RunningSandbox:
    return new_sandbox("--tenant", "demo", "--propagation", str(PROPAGATION))


@pytest.fixture
def tenant(server: RunningSandbox) -> RunningSandbox:
    server.mend()
    server.set(**server.first_settings)
    server.forget()
    return server


@pytest.mark.parametrize("resource", [DATAVERSE, DATAVERSE.upper(), ADDRESS, f"{ADDRESS}/"])
@pytest.mark.parametrize(
    ("precedence", "expires_in", "policy"),
    [("classic", 17999, "Custom CDS Policy"), ("documented-2026", 3599, "Everyone, one hour")],
)
def test_it_shows_which_order_of_policies_a_tenant_follows(tenant, resource, precedence, expires_in, policy):
    tenant.set(precedence=precedence)
    result = probe(tenant, resource=resource)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"expires_in {expires_in} s" in result.stdout
    assert f"exp - iat {expires_in + 301} s" in result.stdout
    assert "It agrees with policy “" + policy in result.stdout


@pytest.mark.parametrize(("expect", "status"), [("PT5H", 0), ("5h", 0), ("PT4H59M59S", 0), ("PT5H1S", 1), ("PT1H", 1)])
def test_an_expectation_is_met_exactly_or_not_at_all(tenant, expect, status):
    tenant.set(precedence="classic")
    document = probed(tenant, "--expect", expect, status=status)
    assert (document["expiresInSeconds"], document["exitStatus"]) == (17999, status)


def test_every_question_is_asked_with_a_new_credential_and_without_cae(tenant):
    result = probe(tenant, "--expect", "PT2H", "--wait", "6s", resource="https://graph.microsoft.com")
    assert result.returncode == 1
    assert "asking again" in result.stderr
    tokens = [entry for entry in tenant.requests() if entry["path"].endswith("/token")]
    assert len(tokens) >= 3  # one to read the policies with, then two questions
    assert "expires_in 3599 s" in result.stdout  # with continuous access evaluation it would be a day


@pytest.fixture
def renewed(tenant: RunningSandbox) -> Iterator[RunningSandbox]:
    """The tenant with the right to write, in the order in which the principal's policy decides."""
    tenant.set(permissions=WRITE, precedence="classic")
    yield tenant
    time.sleep(PROPAGATION)


def principal(tenant: RunningSandbox) -> str:
    return f"/servicePrincipals/{tenant.call('GET', '/servicePrincipals(appId=%27' + DATAVERSE + '%27)').json()['id']}"


def test_waiting_sees_a_change_take_hold(renewed):
    held = f"{principal(renewed)}/tokenLifetimePolicies"
    policy = renewed.call("GET", held).json()["value"][0]
    before = policy["definition"]
    longer = json.dumps({"TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": "07:00:00"}})
    changed = renewed.call("PATCH", f"{POLICIES}/{policy['id']}", json={"definition": [longer]})
    assert changed.status_code == 204
    try:
        assert probed(renewed, "--expect", "PT7H", status=1)["expiresInSeconds"] == 17999
        waited = probe(renewed, "--expect", "PT7H", "--wait", "60s")
        assert waited.returncode == 0
        assert "expires_in 25199 s" in waited.stdout
    finally:
        renewed.call("PATCH", f"{POLICIES}/{policy['id']}", json={"definition": before})


def test_what_the_policies_say_is_left_open_where_they_cannot_be_read(tenant):
    tenant.set(permissions=[], precedence="classic")
    document = probed(tenant, status=3)
    assert document["expiresInSeconds"] == 17999
    assert "403" in document["unknown"]
    assert document["policies"] == []
    assert probed(tenant, "--expect", "PT5H", status=0)["unknown"]


def test_a_token_agrees_with_nothing_where_only_a_part_of_what_may_decide_is_known(tenant):
    """Its principal holds a policy that is no JSON; where Entra ignores that, the organization default decides."""
    document = probed(tenant, resource="3ceb0831-8744-4e92-ad93-36c0f9c4b930", status=3)
    assert document["expiresInSeconds"] == 3599
    assert "is not JSON" in document["unknown"]
    assert document["policies"] == []


@pytest.mark.parametrize(
    ("resource", "changed", "status", "said"),
    [
        ("https://nowhere.example", {}, 3, "AADSTS500011"),
        ("nowhere", {}, 2, "neither the address of a resource nor an appId"),
        ("https://a.example b", {}, 2, "neither the address of a resource nor an appId"),
        (DATAVERSE, {"AZURE_CLIENT_SECRET": "wrong"}, 3, "AADSTS7000215"),
        (DATAVERSE, {"AZURE_AUTHORITY_HOST": "https://elsewhere.example"}, 2, "not trusted"),
        (DATAVERSE, {"AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com"}, 2, "do not belong together"),
    ],
)
def test_what_cannot_be_asked_for_says_why(tenant, resource, changed, status, said):
    result = probe(tenant, resource=resource, **changed)
    assert (result.returncode, result.stdout) == (status, "")
    assert said in result.stderr


def test_a_federated_token_file_will_do_for_a_credential(new_sandbox, tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = tmp_path / "public.pem"
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
    sandbox = new_sandbox("--tenant", "demo", "--trust", str(public))
    claims = {"iss": "https://issuer.example", "sub": "job", "aud": "api://AzureADTokenExchange"}
    file = tmp_path / "assertion"
    file.write_text(jwt.encode({**claims, "exp": int(time.time()) + 600}, key, "RS256"))
    result = probe(sandbox, AZURE_CLIENT_SECRET="", AZURE_FEDERATED_TOKEN_FILE=str(file))
    assert result.returncode == 0
    assert "expires_in 3599 s" in result.stdout
    assert f"the federated token in {file}" in result.stdout


def test_a_federated_token_file_that_holds_none_is_a_failure_with_a_reason(tenant, tmp_path):
    file = tmp_path / "assertion"
    file.write_bytes(b"\xff")
    result = probe(tenant, AZURE_CLIENT_SECRET="", AZURE_FEDERATED_TOKEN_FILE=str(file))
    assert (result.returncode, result.stdout) == (3, "")
    assert f"with the federated token in {file} failed" in result.stderr


@pytest.mark.parametrize(
    ("resource", "arguments", "said"),
    [
        ("nowhere", (), "neither the address of a resource nor an appId"),
        (f"{ADDRESS}/.default", (), f"is a scope, not a resource\nHint: name {ADDRESS}\n"),
        (DATAVERSE, ("--auth", "managed"), "tokens that were kept"),
    ],
)
def test_what_can_never_be_asked_for_is_refused_before_anything_is_asked(tenant, resource, arguments, said):
    result = probe(tenant, *arguments, resource=resource)
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr
    assert tenant.requests() == []


def test_a_tenant_that_the_configuration_does_not_name_is_not_asked(tenant, tmp_path):
    config = tmp_path / "tokenguard.toml"
    config.write_text('[scan]\ntenant = "00000000-1111-2222-3333-444444444444"\n')
    result = probe(tenant, "--config", str(config), "--quiet")
    assert (result.returncode, result.stdout) == (2, "")
    assert "pins" in result.stderr

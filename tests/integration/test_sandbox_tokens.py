"""The sandbox's token service, as plain HTTP sees it."""

from __future__ import annotations

import socket
import time
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sandbox import GRAPH_SCOPE, SMALL

DATAVERSE = "00000007-0000-0000-c000-000000000000"


def claims(sandbox, scope: str = GRAPH_SCOPE, **changed: str) -> dict[str, object]:
    """The claims of a fresh token, whose signature is checked with the published keys."""
    token = sandbox.sign_in(scope, **changed).raise_for_status().json()["access_token"]
    published = sandbox.control.get(f"/{sandbox.variables['AZURE_TENANT_ID']}/discovery/v2.0/keys").json()["keys"]
    key = {each["kid"]: each for each in published}[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, jwt.PyJWK(key).key, ["RS256"], options={"verify_aud": False})


def test_a_token_lives_five_minutes_more_than_it_says(sandbox):
    """As seen in reality: exp - iat is 300 s more than the lifetime, expires_in a second less."""
    read = claims(sandbox)
    assert read["exp"] - read["iat"] == 3900
    answer = sandbox.sign_in().json()
    assert (answer["token_type"], answer["expires_in"], answer["ext_expires_in"]) == ("Bearer", 3599, 3599)


def test_a_graph_token_carries_the_permissions_that_are_set(sandbox):
    read = claims(sandbox)
    assert read["roles"] == ["Application.Read.All", "Organization.Read.All", "Policy.Read.All"]
    assert (read["aud"], read["tid"]) == ("https://graph.microsoft.com", sandbox.variables["AZURE_TENANT_ID"])
    assert read["appid"] == sandbox.variables["AZURE_CLIENT_ID"]
    sandbox.set(permissions=["User.Read.All"])
    assert claims(sandbox)["roles"] == ["User.Read.All"]
    assert "roles" not in claims(sandbox, "https://management.azure.com/.default")


@pytest.mark.parametrize("scope", [GRAPH_SCOPE, "https://management.azure.com/.default"])
def test_a_token_is_of_the_client_s_own_service_principal(sandbox, scope):
    first, second = claims(sandbox, scope), claims(sandbox, scope)
    assert first["oid"] == first["sub"] == second["oid"]
    assert str(UUID(first["oid"])) == first["oid"]
    assert first["oid"] != first["appid"]


def test_a_client_that_is_disabled_gets_no_token_by_secret_assertion_or_code(sandbox):
    sandbox.set(client="disabled")
    for changed in ({}, {"client_secret": "wrong"}, {"client_assertion": "a.b.c"}, {"grant_type": "password"}):
        answer = sandbox.sign_in(**changed)
        assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
        assert answer.json()["error_codes"] == [7000112]


def test_a_resource_that_is_disabled_gets_no_token(new_sandbox):
    sandbox = new_sandbox("--tenant", "demo")
    rows = sandbox.call("GET", "/servicePrincipals?$top=999").json()["value"]
    answers = {row["accountEnabled"]: sandbox.sign_in(f"{row['appId']}/.default") for row in rows}
    assert answers[True].status_code == 200
    assert (answers[False].status_code, answers[False].json()["error_codes"]) == (400, [500014])


@pytest.mark.parametrize(
    "resource",
    [DATAVERSE, f"api://{DATAVERSE}", "https://org.crm.dynamics.com", "https://other.crm4.dynamics.com/"],
)
def test_a_resource_is_known_by_several_names(new_sandbox, resource):
    """All of them are one service principal, so one policy governs all."""
    sandbox = new_sandbox(*SMALL, "--permissions", "write")
    definition = '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"05:00:00"}}'
    body = {"definition": [definition], "displayName": "Five hours"}
    policy = sandbox.call("POST", "/policies/tokenLifetimePolicies", json=body).json()["id"]
    held = f"/servicePrincipals(appId='{DATAVERSE}')/tokenLifetimePolicies/$ref"
    link = {"@odata.id": f"https://graph.microsoft.com/v1.0/policies/tokenLifetimePolicies/{policy}"}
    assert sandbox.call("POST", held, json=link).status_code == 204
    assert sandbox.sign_in(f"{resource}/.default").json()["expires_in"] == 17999


def test_an_application_is_known_by_its_identifier_uri(new_sandbox):
    sandbox = new_sandbox("--tenant", "demo")
    uris = [uri for row in sandbox.call("GET", "/applications").json()["value"] for uri in row["identifierUris"]]
    assert {uri.partition("://")[0] for uri in uris} == {"api", "https"}
    assert [claims(sandbox, f"{uri}/.default")["aud"] for uri in uris] == uris


@pytest.mark.parametrize(
    ("changed", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": ""}, 401, "invalid_client", 7000216),
        ({"client_assertion": "a.b.c"}, 401, "invalid_client", 700027),
        ({"client_id": DATAVERSE}, 400, "unauthorized_client", 700016),
        ({"client_id": ""}, 400, "invalid_request", 900144),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"scope": "https://graph.microsoft.com/User.Read"}, 400, "invalid_scope", 1002012),
        ({"scope": ""}, 400, "invalid_scope", 1002012),
        ({"scope": "https://nobody.example/.default"}, 400, "invalid_resource", 500011),
        ({"scope": "00000001-0002-4000-8000-no-guid/.default"}, 400, "invalid_resource", 500011),
    ],
)
def test_a_refused_sign_in_has_microsofts_number(sandbox, changed, status, error, number):
    answer = sandbox.sign_in(**changed)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert f"Correlation ID: {body['correlation_id']}" in body["error_description"]
    assert body["error_uri"].endswith(f"?code={number}")


@pytest.mark.parametrize("claims", ["", "no JSON", "[]", '{"access_token":{"xms_cc":{"values":[7]}}}', "[" * 100_000])
def test_claims_that_ask_for_nothing_change_nothing(sandbox, claims):
    assert sandbox.sign_in(claims=claims).json()["expires_in"] == 3599


def test_a_client_that_does_not_spell_the_host_is_told_the_servers_address(sandbox):
    """HTTP/1.0 knows no Host header."""
    port = int(sandbox.url.rpartition(":")[2])
    path = f"/{sandbox.variables['AZURE_TENANT_ID']}/v2.0/.well-known/openid-configuration"
    plain = socket.create_connection(("127.0.0.1", port))
    with sandbox.tls().wrap_socket(plain, server_hostname="localhost") as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    assert " 200 " in answer.splitlines()[0]
    assert f"https://127.0.0.1:{port}/" in answer


def test_a_device_code_serves_once_and_not_before_somebody_typed_it(sandbox):
    path = f"/{sandbox.variables['AZURE_TENANT_ID']}/oauth2/v2.0/devicecode"
    form = {"client_id": sandbox.variables["AZURE_CLIENT_ID"], "scope": f"openid {GRAPH_SCOPE}"}
    started = sandbox.control.post(path, data=form).raise_for_status().json()
    redeem = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": started["device_code"]}
    errors = [sandbox.sign_in(**redeem).json().get("error") for _ in range(3)]
    assert errors == ["authorization_pending", None, "bad_verification_code"]


@pytest.mark.parametrize(("tenant", "number"), [(DATAVERSE, 90002), ("nobody.example", 90002), ("contoso", 900023)])
@pytest.mark.parametrize("ending", ["v2.0/.well-known/openid-configuration", "discovery/v2.0/keys"])
def test_an_unknown_tenant_is_refused(sandbox, ending, tenant, number):
    answer = sandbox.control.get(f"/{tenant}/{ending}")
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [number])


def test_an_assertion_is_taken_or_refused_for_what_it_says(new_sandbox, tmp_path):
    key = rsa.generate_private_key(65537, 2048)
    form = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(form)
    sandbox = new_sandbox(*SMALL, "--trust", str(tmp_path / "key.pem"))
    client, now = sandbox.variables["AZURE_CLIENT_ID"], int(time.time())
    endpoint = f"{sandbox.url}/{sandbox.variables['AZURE_TENANT_ID']}/oauth2/v2.0/token"
    own = {"iss": client, "sub": client, "aud": endpoint, "exp": now + 60}
    federated = {"iss": "https://issuer.example", "sub": "a job", "aud": "api://AzureADTokenExchange", "exp": now + 60}
    stranger = rsa.generate_private_key(65537, 2048)

    def codes(claims: dict[str, object], signed_with: rsa.RSAPrivateKey = key) -> list[int] | None:
        return sandbox.sign_in(client_assertion=jwt.encode(claims, signed_with, "RS256")).json().get("error_codes")

    assert codes(own) is codes(federated) is None
    assert codes(own, stranger) == [700027]
    assert (
        codes({**own, "exp": now - 60})
        == codes({**own, "nbf": now + 60})
        == codes({**federated, "exp": None})
        == [700024]
    )
    assert codes({**own, "sub": DATAVERSE}) == codes({**own, "iss": "https://issuer.example"}) == [700021]
    assert codes({**own, "aud": "https://login.example"}) == [700023]
    assert codes({**federated, "aud": "api://somebody-else"}) == [700212]


def test_a_tenant_may_be_called_by_its_domain(sandbox):
    domain = sandbox.call("GET", "/organization").json()["value"][0]["verifiedDomains"][0]["name"]
    configuration = sandbox.control.get(f"/{domain}/v2.0/.well-known/openid-configuration").json()
    assert configuration["token_endpoint"] == f"{sandbox.url}/{domain}/oauth2/v2.0/token"
    assert sandbox.variables["AZURE_TENANT_ID"] in configuration["issuer"]


@pytest.mark.parametrize(("precedence", "expires_in"), [("documented-2026", 3599), ("classic", 17999)])
def test_the_order_of_policies_is_a_setting(new_sandbox, precedence, expires_in):
    """In the demo tenant Dataverse holds a policy of five hours, under an organization default of one."""
    sandbox = new_sandbox("--tenant", "demo", "--setting", f"precedence={precedence}", "--propagation", "0")
    assert sandbox.sign_in(f"{DATAVERSE}/.default").json()["expires_in"] == expires_in


def test_the_default_lifetime_is_a_setting(sandbox):
    sandbox.set(default_lifetime=4500)
    assert sandbox.sign_in("https://management.azure.com/.default").json()["expires_in"] == 4499

"""Microsoft's own libraries, unmodified, against the sandbox: what they accept, a real tenant's clients accept."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    DeviceCodeCredential,
    WorkloadIdentityCredential,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.token_lifetime_policy import TokenLifetimePolicy
from msgraph.graph_request_adapter import options as sdk_options
from msgraph_core import GraphClientFactory

from sandbox import GRAPH_SCOPE, SMALL, RunningSandbox

# kiota and msgraph-sdk warn of classes of their own when these are imported.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{name} is deprecated:DeprecationWarning")
    for name in ("GetQueryParameters", "This class")
]

DATAVERSE = "00000007-0000-0000-c000-000000000000"
DATAVERSE_SCOPE = "https://org.crm.dynamics.com/.default"


@pytest.fixture
def led_here(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> RunningSandbox:
    """This process has the variables that the sandbox prints, so that Microsoft's libraries find it."""
    return lead(sandbox, monkeypatch)


def lead(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> RunningSandbox:
    for name, value in sandbox.variables.items():
        monkeypatch.setenv(name, value)
    for name in sandbox.unset:
        monkeypatch.delenv(name, raising=False)
    return sandbox


def secret(sandbox: RunningSandbox, *, client_secret: str = "", client_id: str = "") -> ClientSecretCredential:
    variables = sandbox.variables
    return ClientSecretCredential(
        variables["AZURE_TENANT_ID"],
        client_id or variables["AZURE_CLIENT_ID"],
        client_secret or variables["AZURE_CLIENT_SECRET"],
        disable_instance_discovery=True,
    )


def expires_in(sandbox: RunningSandbox, scope: str = DATAVERSE_SCOPE) -> int:
    """Seconds that a new token for `scope` lives, from a credential with an empty cache."""
    before = time.time()
    with secret(sandbox) as credential:
        return round((credential.get_token(scope).expires_on - before) / 10) * 10


def with_graph(sandbox: RunningSandbox, use: Callable[[GraphServiceClient], object]) -> object:
    """Run the coroutine that `use` makes of a Graph client."""

    async def run(credential: ClientSecretCredential) -> object:
        provider = AzureIdentityAuthenticationProvider(credential, scopes=[GRAPH_SCOPE], allowed_hosts=["localhost"])
        # kiota puts its own transport around this one, and never closes what is inside.
        async with httpx.AsyncHTTPTransport() as transport, httpx.AsyncClient(transport=transport) as http:
            client = GraphClientFactory.create_with_default_middleware(client=http, options=sdk_options)
            adapter = GraphRequestAdapter(provider, client=client)
            adapter.base_url = sandbox.graph
            return await use(GraphServiceClient(request_adapter=adapter))

    with secret(sandbox) as credential:
        return asyncio.run(run(credential))


def test_default_credential_signs_in_from_the_printed_variables_alone(led_here):
    with DefaultAzureCredential(disable_instance_discovery=True) as credential:
        token = credential.get_token(GRAPH_SCOPE)
    assert token.expires_on > time.time() + 3000


def test_the_articles_experiment(new_sandbox, monkeypatch):
    """Five hours on Dataverse: 3599 seconds before, 17999 when the change has spread, 3599 again when undone."""
    sandbox = lead(new_sandbox(*SMALL[:-1], "1.5", "--permissions", "write"), monkeypatch)
    assert sandbox.sign_in(DATAVERSE_SCOPE).json()["expires_in"] == 3599

    async def assign(client: GraphServiceClient) -> tuple[str, str]:
        definition = json.dumps({"TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": "05:00:00"}})
        wanted = TokenLifetimePolicy(definition=[definition], display_name="Five hours", is_organization_default=False)
        policy = await client.policies.token_lifetime_policies.post(wanted)
        principal = await client.service_principals_with_app_id(DATAVERSE).get()
        link = ReferenceCreate(odata_id=f"https://graph.microsoft.com/v1.0/policies/tokenLifetimePolicies/{policy.id}")
        await client.service_principals.by_service_principal_id(principal.id).token_lifetime_policies.ref.post(link)
        held = await client.policies.token_lifetime_policies.by_token_lifetime_policy_id(policy.id).applies_to.get()
        assert [each.id for each in held.value] == [principal.id]
        return principal.id, policy.id

    async def undo(client: GraphServiceClient) -> None:
        held = client.service_principals.by_service_principal_id(principal_id).token_lifetime_policies
        await held.by_token_lifetime_policy_id(policy_id).ref.delete()
        await client.policies.token_lifetime_policies.by_token_lifetime_policy_id(policy_id).delete()

    principal_id, policy_id = with_graph(sandbox, assign)
    assert sandbox.sign_in(DATAVERSE_SCOPE).json()["expires_in"] == 3599
    time.sleep(1.6)
    assert sandbox.sign_in(DATAVERSE_SCOPE).json()["expires_in"] == 17999
    assert expires_in(sandbox) == 18000
    assert expires_in(sandbox, "https://management.azure.com/.default") == 3600
    with_graph(sandbox, undo)
    time.sleep(1.6)
    assert expires_in(sandbox) == 3600


def test_the_sdk_reads_pages_of_objects(led_here):
    async def read(client: GraphServiceClient) -> list[str]:
        page = await client.service_principals.get()
        ids = [each.id for each in page.value]
        while page.odata_next_link:
            page = await client.service_principals.with_url(page.odata_next_link).get()
            ids += [each.id for each in page.value]
        return ids

    assert len(set(with_graph(led_here, read))) == 250


def test_the_sdk_understands_a_refusal(led_here):
    led_here.set(permissions=["Policy.Read.All"])

    async def read(client: GraphServiceClient) -> None:
        await client.service_principals.get()

    with pytest.raises(ODataError) as refused:
        with_graph(led_here, read)
    assert refused.value.response_status_code == 403
    assert refused.value.error.code == "Authorization_RequestDenied"
    assert refused.value.error.inner_error.request_id


@pytest.mark.parametrize(
    ("changed", "number"),
    [({"client_secret": "wrong"}, "AADSTS7000215"), ({"client_id": DATAVERSE}, "AADSTS700016")],
)
def test_a_failed_sign_in_carries_microsofts_number(led_here, changed, number):
    with secret(led_here, **changed) as credential, pytest.raises(ClientAuthenticationError, match=number):
        credential.get_token(GRAPH_SCOPE)


def test_an_expired_secret_is_told_from_a_wrong_one(led_here):
    led_here.set(client_secret="expired")
    with secret(led_here) as credential, pytest.raises(ClientAuthenticationError, match="AADSTS7000222"):
        credential.get_token(GRAPH_SCOPE)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def certificate(key: rsa.RSAPrivateKey) -> bytes:
    """A client's certificate, PEM."""
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a client")]), datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_certificate_signs_in_if_it_is_trusted(new_sandbox, monkeypatch, tmp_path, key, certificate):
    (tmp_path / "client.pem").write_bytes(certificate)
    sandbox = lead(new_sandbox(*SMALL, "--trust", str(tmp_path / "client.pem")), monkeypatch)

    def sign_in(private: rsa.RSAPrivateKey) -> object:
        ids = (sandbox.variables["AZURE_TENANT_ID"], sandbox.variables["AZURE_CLIENT_ID"])
        data = certificate + pem(private)
        with CertificateCredential(*ids, certificate_data=data, disable_instance_discovery=True) as credential:
            return credential.get_token(GRAPH_SCOPE)

    assert sign_in(key)
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        sign_in(rsa.generate_private_key(65537, 2048))


def test_a_federated_token_signs_in_if_its_issuer_is_trusted(new_sandbox, monkeypatch, tmp_path, key, certificate):
    (tmp_path / "issuer.pem").write_bytes(certificate)
    sandbox = lead(new_sandbox(*SMALL, "--trust", str(tmp_path / "issuer.pem")), monkeypatch)
    good = {"iss": "https://issuer.example", "sub": "a job", "aud": "api://AzureADTokenExchange"}
    soon = {"exp": int(time.time()) + 60}

    def sign_in(claims: dict[str, object]) -> object:
        (tmp_path / "token").write_text(jwt.encode(claims, key, "RS256"))
        file = str(tmp_path / "token")
        with WorkloadIdentityCredential(token_file_path=file, disable_instance_discovery=True) as credential:
            return credential.get_token(GRAPH_SCOPE)

    assert sign_in({**good, **soon})
    for claims, number in (
        ({**good, **soon, "aud": "api://somebody-else"}, "AADSTS700212"),
        (good, "AADSTS700024"),
        ({**good, "exp": int(time.time()) - 60}, "AADSTS700024"),
    ):
        with pytest.raises(ClientAuthenticationError, match=number):
            sign_in(claims)
    assert sandbox.requests()[-1]["status"] == 401


def test_a_device_code_signs_somebody_in_with_delegated_permissions(led_here):
    prompts: list[str] = []
    ids = {name: led_here.variables[f"AZURE_{name.upper()}"] for name in ("tenant_id", "client_id")}
    prompt = {"prompt_callback": lambda address, *_: prompts.append(address)}
    with DeviceCodeCredential(**ids, **prompt, disable_instance_discovery=True) as credential:
        token = credential.get_token(GRAPH_SCOPE).token
    assert prompts[0].startswith(led_here.url)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["scp"] == "Application.Read.All Organization.Read.All Policy.Read.All"
    assert "roles" not in claims
    headers = {"Authorization": f"Bearer {token}"}
    assert led_here.control.get(f"{led_here.graph}/organization", headers=headers).status_code == 200


def test_a_cae_aware_client_gets_a_day_on_graph_unless_that_is_switched_off(led_here):
    def lifetime() -> int:
        with secret(led_here) as credential:
            token = credential.get_token_info(GRAPH_SCOPE, options={"enable_cae": True})
        return round((token.expires_on - time.time()) / 60)

    assert lifetime() == 24 * 60
    led_here.set(cae="off")
    assert lifetime() == 60

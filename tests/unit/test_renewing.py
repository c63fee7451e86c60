import base64
import json
import time

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError

from tokenguard.entra.credentials import Method
from tokenguard.entra.retry import Budget
from tokenguard.entra.signin import RenewingCredential
from tokenguard.errors import SourceError


class TokenService:
    """Makes credentials that each hand out a token of their own, while the service is up."""

    def __init__(self):
        self.made = 0
        self.closed = 0
        self.up = True
        self.error = ServiceRequestError("no route")
        self.asked = 0
        self.lifetime = 0

    def credential(self):
        self.made += 1
        return Credential(self, f"token {self.made}")


class Credential:
    def __init__(self, service, text):
        self.service, self.text = service, text

    def get_token(self, *scopes, claims=None, **options):
        if not self.service.up:
            raise self.service.error
        self.service.asked += 1
        return AccessToken(self.text + (" for claims" if claims else ""), int(time.time()) + self.service.lifetime)

    def close(self):
        self.service.closed += 1


@pytest.fixture
def service():
    return TokenService()


def renewing(service, asks=False, budget=None):
    return RenewingCredential(Method("a test", service.credential, asks=asks), budget or Budget(60))


def test_a_token_that_was_refused_is_replaced_once_for_all_who_were_refused(service):
    credential = renewing(service)
    before = credential.generation
    assert credential.get_token("scope").token == "token 1"
    assert credential.renew(before)
    assert credential.renew(before)  # a second request that was sent with the same token
    assert credential.get_token("scope").token == "token 2"
    assert (service.made, service.closed) == (2, 1)


def test_nobody_is_asked_to_sign_in_again_unawares(service):
    credential = renewing(service, asks=True)
    assert not credential.renew(credential.generation)
    assert service.made == 1


def test_while_the_token_service_is_down_the_last_token_serves(service):
    credential = renewing(service)
    credential.get_token("scope")
    service.up = False
    assert credential.get_token("scope").token == "token 1"
    with pytest.raises(ServiceRequestError):
        credential.get_token("scope", claims="{}")
    credential.renew(credential.generation)
    with pytest.raises(ServiceRequestError):
        credential.get_token("scope")


@pytest.mark.parametrize("text", [None, 5, "", "a\r\nX: y", "\u00fc"])
def test_what_cannot_stand_in_a_header_is_no_token(text):
    class Odd(Credential):
        def get_token(self, *scopes, **options):
            return AccessToken(text, 0)

    credential = RenewingCredential(Method("a test", lambda: Odd(None, "")), Budget(60))
    with pytest.raises(ClientAuthenticationError, match="no token"):
        credential.get_token("scope")


@pytest.mark.parametrize(
    "error",
    [FileNotFoundError("gone"), UnicodeDecodeError("utf-8", b"", 0, 1, "no"), SourceError("GitHub gave no answer")],
)
def test_an_assertion_that_cannot_be_had_is_a_failed_sign_in(service, error):
    credential = renewing(service)
    service.up, service.error = False, error
    with pytest.raises(AzureError):
        credential.get_token("scope")
    service.up = True
    assert credential.get_token("scope").token == "token 1"
    service.up = False
    assert credential.get_token("scope").token == "token 1"


def test_a_secret_that_the_token_service_quotes_is_not_said(service):
    credential = RenewingCredential(Method("a test", service.credential, secret="s3cret"), Budget(60))
    said = credential.explain(ClientAuthenticationError("you sent client_secret=s3cret")).message
    assert said == "signing in with a test failed: you sent client_secret=[secret]"


@pytest.mark.parametrize(("lifetime", "asked"), [(3600, 1), (310, 1), (290, 3), (-10, 3)])
def test_a_token_is_asked_for_again_only_near_its_end(service, lifetime, asked):
    service.lifetime = lifetime
    credential = renewing(service)
    for _ in range(3):
        credential.get_token("scope")
    assert service.asked == asked


def test_a_token_for_a_claims_challenge_takes_the_place_of_the_last(service):
    service.lifetime = 3600
    credential = renewing(service)
    credential.get_token("scope")
    assert credential.get_token("scope", claims="{}").token == "token 1 for claims"
    assert credential.get_token("scope").token == "token 1 for claims"
    assert service.asked == 2


def of_tenant(tenant):
    claims = base64.urlsafe_b64encode(json.dumps({"tid": tenant}).encode()).decode().rstrip("=")
    return f"e30.{claims}.signature"


def test_a_new_token_of_another_tenant_is_not_taken(service):
    tenants = iter(["t1", "T1", "t2", "t2"])
    credential = RenewingCredential(Method("a test", lambda: Credential(service, of_tenant(next(tenants)))), Budget(60))
    first = credential.get_token("scope").token
    credential.renew(0)
    second = credential.get_token("scope").token
    assert first != second
    credential.renew(1)
    with pytest.raises(ClientAuthenticationError, match="another tenant, t2"):
        credential.get_token("scope")

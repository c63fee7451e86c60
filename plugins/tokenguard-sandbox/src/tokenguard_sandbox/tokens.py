"""The tenant's token service: who gets a token, for what, and how long it lives."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tokenguard_sandbox import lifetimes
from tokenguard_sandbox.answers import Answer, RefusedError
from tokenguard_sandbox.directory import Clock, Directory, Row
from tokenguard_sandbox.settings import Settings
from tokenguard_sandbox.signing import GRAPH_AUDIENCE, Signer

GRAPH = "00000003-0000-0000-c000-000000000000"
_WELL_KNOWN = (
    (re.compile(r"https://(?:dod-)?graph\.microsoft\.(?:com|us)|https://microsoftgraph\.chinacloudapi\.cn"), GRAPH),
    (re.compile(r"https://[\w.-]+\.dynamics\.(?:com|cn)"), "00000007-0000-0000-c000-000000000000"),
    (re.compile(r"https://management\.(?:azure\.com|core\.windows\.net)"), "797f4846-ba00-4fd7-ba43-dac1f8f63013"),
    (re.compile(r"https://vault\.azure\.net"), "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"),
)
"""Addresses of Microsoft's own resources, and their appIds."""
_SKEW = 300
"""A token is good for five minutes more than its lifetime; ``expires_in`` says one second less."""
_EXCHANGE = "api://AzureADTokenExchange"


@dataclass(frozen=True, slots=True)
class Client:
    """The one application that may sign in."""

    id: str
    secret: str
    keys: Sequence[RSAPublicKey] = ()
    """Public keys whose signature under an assertion is accepted instead of the secret."""


class TokenService:
    """The endpoints of one tenant."""

    def __init__(
        self, directory: Directory, client: Client, signer: Signer, settings: Callable[[], Settings], clock: Clock
    ) -> None:
        self._directory = directory
        self._client = client
        self._signer = signer
        self._settings = settings
        self._clock = clock

    def configuration(self, root: str, tenant: str) -> Answer:
        """The OpenID configuration; `root` is the server's address as the client spelt it."""
        self._check_tenant(tenant)
        base = f"{root}/{tenant}"
        return Answer(
            200,
            {
                "issuer": f"{root}/{self._directory.tenant_id}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            },
        )

    def keys(self, _root: str, tenant: str) -> Answer:
        self._check_tenant(tenant)
        return Answer(200, self._signer.keys())

    def token(self, root: str, tenant: str, form: Mapping[str, str]) -> Answer:
        """Client credentials: a token, or an error with Microsoft's number."""
        self._check_tenant(tenant)
        if form.get("grant_type") != "client_credentials":
            raise _refused("unsupported_grant_type", 70003, "The app requested an unsupported grant type.", 400)
        self._check_client(root, tenant, form)
        resource, principal = self._resource(root, form.get("scope", ""))
        aware = self._settings().cae == "on" and principal["appId"] == GRAPH and _declares_cp1(form.get("claims"))
        lifetime = lifetimes.CAE_LIFETIME if aware else self.lifetime(principal)
        claims = self._claims(root, resource, principal, lifetime)
        token = self._signer.sign({**claims, "xms_cc": ["cp1"]} if aware else claims)
        times = {"expires_in": lifetime - 1, "ext_expires_in": lifetime - 1}
        return Answer(200, {"token_type": "Bearer", **times, "access_token": token})

    def lifetime(self, principal: Row) -> int:
        """Seconds that a token for this service principal lives, asked for now."""
        settings = self._settings()
        state = self._directory.history.seen(settings.propagation)
        application = self._directory.applications.with_app_id(principal["appId"])
        candidates = {
            "organization": state.organization_default(),
            "servicePrincipal": state.policy_of(principal["id"]),
            "application": state.policy_of(application["id"]) if application else None,
        }
        return lifetimes.effective(candidates, principal, settings.precedence, settings.default_lifetime)

    def _claims(self, root: str, resource: str, principal: Row, lifetime: int) -> dict[str, Any]:
        now = int(self._clock())
        claims = {
            "aud": GRAPH_AUDIENCE if principal["appId"] == GRAPH else resource,
            "iss": f"{root}/{self._directory.tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + lifetime + _SKEW,
            "appid": self._client.id,
            "idtyp": "app",
            "tid": self._directory.tenant_id,
            "uti": uuid4().hex,
            "ver": "1.0",
        }
        return {**claims, "roles": list(self._settings().permissions)} if principal["appId"] == GRAPH else claims

    def _check_tenant(self, tenant: str) -> None:
        names = {self._directory.tenant_id, *(each["name"] for each in self._directory.organization["verifiedDomains"])}
        if tenant.lower() not in {each.lower() for each in names}:
            raise _refused("invalid_request", 90002, f"Tenant '{tenant}' not found.", 400)

    def _check_client(self, root: str, tenant: str, form: Mapping[str, str]) -> None:
        client_id = form.get("client_id", "")
        if client_id.lower() != self._client.id:
            text = f"Application with identifier '{client_id}' was not found in the directory."
            raise _refused("unauthorized_client", 700016, text, 400)
        if assertion := form.get("client_assertion"):
            self._check_assertion(assertion, [f"{root}/{tenant}/oauth2/v2.0/token", _EXCHANGE])
        elif not compare_digest(form.get("client_secret", "").encode(), self._client.secret.encode()):
            raise _refused("invalid_client", 7000215, f"Invalid client secret provided for app '{client_id}'.", 401)
        elif self._settings().client_secret == "expired":  # noqa: S105  (the name of a setting's value)
            text = f"The provided client secret keys for app '{client_id}' are expired."
            raise _refused("invalid_client", 7000222, text, 401)

    def _check_assertion(self, assertion: str, audiences: Sequence[str]) -> None:
        for key in self._client.keys:
            try:
                jwt.decode(assertion, key, ["RS256", "PS256"], audience=audiences)
            except jwt.InvalidTokenError:
                continue
            return
        raise _refused("invalid_client", 700027, "The client assertion's signature or claims are not valid.", 401)

    def _resource(self, root: str, scope: str) -> tuple[str, Row]:
        """The resource that is asked for, as it was spelt, and its service principal."""
        resource, default, _ = scope.rpartition("/.default")
        if not default:
            text = f"The provided value for scope {scope} is not valid. It must be a resource with /.default after it."
            raise _refused("invalid_scope", 1002012, text, 400)
        app_id = GRAPH if resource == root else _well_known(resource.rstrip("/")) or self._named(resource)
        principal = self._directory.principals.with_app_id(app_id.lower())
        if principal is None and app_id == GRAPH:
            principal = {"id": "", "appId": GRAPH}  # a tenant always has it, listed here or not
        if principal is None:
            text = f"The resource principal named {resource} was not found in the tenant."
            raise _refused("invalid_resource", 500011, text, 400)
        return resource, principal

    def _named(self, resource: str) -> str:
        """The appId behind an identifier URI, or what stands in its place."""
        for application in self._directory.applications.listed:
            if resource in application.get("identifierUris", ()):
                return str(application["appId"])
        return resource.removeprefix("api://")


def claims_challenge(root: str) -> str:
    """The header with which Graph asks for a fresh token in a session with continuous access evaluation."""
    claims = {"access_token": {"nbf": {"essential": True, "value": str(int(datetime.now(UTC).timestamp()))}}}
    encoded = urlsafe_b64encode(json.dumps(claims).encode()).decode()
    address = f"{root}/common/oauth2/authorize"
    return f'Bearer realm="", authorization_uri="{address}", error="insufficient_claims", claims="{encoded}"'


def _well_known(resource: str) -> str | None:
    return next((app_id for address, app_id in _WELL_KNOWN if address.fullmatch(resource)), None)


def _declares_cp1(claims: str | None) -> bool:
    try:
        values = json.loads(claims or "{}")["access_token"]["xms_cc"]["values"]
        return "cp1" in [value.lower() for value in values]  # azure-identity spells it CP1
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _refused(error: str, number: int, text: str, status: int) -> RefusedError:
    refused = RefusedError(status)
    trace, moment = str(uuid4()), datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    refused.answer = Answer(
        status,
        {
            "error": error,
            "error_description": f"AADSTS{number}: {text} Trace ID: {trace} Timestamp: {moment}",
            "error_codes": [number],
            "timestamp": moment,
            "trace_id": trace,
            "correlation_id": trace,
        },
    )
    return refused

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
from uuid import NAMESPACE_URL, uuid4, uuid5

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tokenguard_sandbox import lifetimes
from tokenguard_sandbox.aadsts import refused
from tokenguard_sandbox.answers import Answer
from tokenguard_sandbox.devices import DeviceCodes
from tokenguard_sandbox.directory import Clock, Directory, Row
from tokenguard_sandbox.resources import GRAPH, find_resource
from tokenguard_sandbox.settings import Settings
from tokenguard_sandbox.signing import GRAPH_AUDIENCE, Signer

_SKEW = 300
"""A token is good for five minutes more than its lifetime; ``expires_in`` says one second less."""
_PERSON = "22222222-2222-4222-8222-222222222222"
"""The object id of whoever signs in with a device code."""
_TENANT = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[\w-]+(\.[\w-]+)+"
"""A GUID, or a domain's name."""
_EXCHANGE = "api://AzureADTokenExchange"


@dataclass(frozen=True, slots=True)
class Client:
    """The one application that may sign in."""

    id: str
    secret: str
    keys: Sequence[RSAPublicKey] = ()
    """Public keys whose signature under an assertion is accepted instead of the secret."""

    @property
    def object_id(self) -> str:
        """Of its service principal, which the tenant does not list."""
        return str(uuid5(NAMESPACE_URL, self.id))


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
        self._devices = DeviceCodes()

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
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
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

    def device(self, root: str, tenant: str, form: Mapping[str, str]) -> Answer:
        """The start of a sign-in with a code."""
        self._check_tenant(tenant)
        self._check_client_id(form)
        return Answer(200, self._devices.start(f"{root}/{tenant}/device", form.get("scope", "")))

    def token(self, root: str, tenant: str, form: Mapping[str, str]) -> Answer:
        """A token for the client, or for a person with a device code; or an error with Microsoft's number."""
        self._check_tenant(tenant)
        self._check_client_id(form)
        match form.get("grant_type"):
            case "client_credentials":
                self._check_proof(root, tenant, form)
                return Answer(200, self._issued(root, form, self._client.object_id, self._application()))
            case "urn:ietf:params:oauth:grant-type:device_code":
                scope = self._devices.finish(form.get("device_code", ""))
                asked = {**form, "scope": scope}
                # MSAL finds a person's token again by the scope that the answer names.
                issued = self._issued(root, asked, _PERSON, self._person())
                return Answer(200, {**issued, **self._identity(root), "scope": scope})
        raise refused("unsupported_grant_type", 70003, "The app requested an unsupported grant type.", 400)

    def _issued(self, root: str, form: Mapping[str, str], who: str, permissions: Mapping[str, Any]) -> dict[str, Any]:
        """A token for the object `who`; what it is permitted is permitted in Graph."""
        resource, principal = find_resource(self._directory, root, form.get("scope", ""))
        for_graph = principal["appId"] == GRAPH
        aware = for_graph and self._settings().cae == "on" and _declares_cp1(form.get("claims"))
        lifetime = lifetimes.CAE_LIFETIME if aware else self.lifetime(principal)
        now = int(self._clock())
        claims = {
            "aud": GRAPH_AUDIENCE if for_graph else resource,
            "iss": f"{root}/{self._directory.tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + lifetime + _SKEW,
            "appid": self._client.id,
            "tid": self._directory.tenant_id,
            "uti": uuid4().hex,
            "ver": "1.0",
            **({"xms_cc": ["cp1"]} if aware else {}),
            "oid": who,
            "sub": who,
            **(permissions if for_graph else {}),
        }
        times = {"expires_in": lifetime - 1, "ext_expires_in": lifetime - 1}
        return {"token_type": "Bearer", **times, "access_token": self._signer.sign(claims)}

    def _application(self) -> dict[str, Any]:
        return {"idtyp": "app", "roles": list(self._settings().permissions)}

    def _person(self) -> dict[str, Any]:
        """Claims of a signed-in person, who has consented to the permissions that are set."""
        return {"idtyp": "user", "scp": " ".join(self._settings().permissions)}

    def _identity(self, root: str) -> dict[str, Any]:
        """Who signed in, as MSAL wants to know it."""
        now, tenant_id = int(self._clock()), self._directory.tenant_id
        claims = {"aud": self._client.id, "iss": f"{root}/{tenant_id}/v2.0", "iat": now, "exp": now + 3600}
        person = {"sub": _PERSON, "oid": _PERSON, "tid": tenant_id, "preferred_username": "somebody@sandbox.example"}
        info = json.dumps({"uid": _PERSON, "utid": tenant_id}).encode()
        return {"id_token": self._signer.sign({**claims, **person}), "client_info": urlsafe_b64encode(info).decode()}

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

    def _check_tenant(self, tenant: str) -> None:
        if not re.fullmatch(_TENANT, tenant):
            text = f"Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain."
            raise refused("invalid_request", 900023, text, 400)
        names = {self._directory.tenant_id, *(each["name"] for each in self._directory.organization["verifiedDomains"])}
        if tenant.lower() not in {each.lower() for each in names}:
            raise refused("invalid_request", 90002, f"Tenant '{tenant}' not found.", 400)

    def _check_client_id(self, form: Mapping[str, str]) -> None:
        client_id = form.get("client_id", "")
        if not client_id:
            text = "The request body must contain the following parameter: 'client_id'."
            raise refused("invalid_request", 900144, text, 400)
        if client_id.lower() != self._client.id:
            text = f"Application with identifier '{client_id}' was not found in the directory."
            raise refused("unauthorized_client", 700016, text, 400)
        if self._settings().client == "disabled":
            raise refused("unauthorized_client", 7000112, f"Application '{self._client.id}' is disabled.", 400)

    def _check_proof(self, root: str, tenant: str, form: Mapping[str, str]) -> None:
        if assertion := form.get("client_assertion"):
            self._check_assertion(assertion, f"{root}/{tenant}/oauth2/v2.0/token")
        elif not form.get("client_secret"):
            text = (
                "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type."
            )
            raise refused("invalid_client", 7000216, text, 401)
        elif not compare_digest(form.get("client_secret", "").encode(), self._client.secret.encode()):
            text = (
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                f"value, not the client secret ID, for a secret added to app '{self._client.id}'."
            )
            raise refused("invalid_client", 7000215, text, 401)
        elif self._settings().client_secret == "expired":  # noqa: S105  (the name of a setting's value)
            text = f"The provided client secret keys for app '{self._client.id}' are expired."
            raise refused("invalid_client", 7000222, text, 401)

    def _check_assertion(self, assertion: str, token_endpoint: str) -> None:
        """Take the client's own assertion for the token endpoint, or a federated token, whoever issued it."""
        claims = _signed(assertion, self._client.keys)
        audience, own = claims.get("aud"), {claims.get("iss"), claims.get("sub")} == {self._client.id}
        if not _timely(claims, self._clock()):
            raise refused("invalid_client", 700024, "Client assertion is not within its valid time range.", 401)
        if audience == _EXCHANGE or (audience == token_endpoint and own):
            return
        if audience == token_endpoint:
            number, text = 700021, "Client assertion application identifier doesn't match 'client_id' parameter."
        elif own:
            number, text = 700023, "Client assertion audience claim does not match Realm issuer."
        else:
            number, text = (
                700212,
                f"No matching federated identity record found for presented assertion audience '{audience}'.",
            )
        raise refused("invalid_client", number, text, 401)


def _signed(assertion: str, keys: Sequence[RSAPublicKey]) -> dict[str, Any]:
    """The claims of an assertion that one of `keys` signed, whatever they say."""
    options: Any = dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud"), False)
    for key in keys:
        try:
            claims: dict[str, Any] = jwt.decode(assertion, key, ["RS256", "PS256"], options)
        except jwt.InvalidTokenError:
            continue
        return claims
    raise refused("invalid_client", 700027, "The client assertion failed signature validation.", 401)


def _timely(claims: Mapping[str, Any], moment: float) -> bool:
    until, since = claims.get("exp"), claims.get("nbf", 0)
    return isinstance(until, int | float) and isinstance(since, int | float) and since <= moment < until


def claims_challenge(root: str) -> str:
    """The header with which Graph asks for a fresh token in a session with continuous access evaluation."""
    claims = {"access_token": {"nbf": {"essential": True, "value": str(int(datetime.now(UTC).timestamp()))}}}
    encoded = urlsafe_b64encode(json.dumps(claims).encode()).decode()
    address = f"{root}/common/oauth2/authorize"
    return f'Bearer realm="", authorization_uri="{address}", error="insufficient_claims", claims="{encoded}"'


def _declares_cp1(claims: str | None) -> bool:
    try:
        values = json.loads(claims or "{}")["access_token"]["xms_cc"]["values"]
        return "cp1" in [value.lower() for value in values]  # azure-identity spells it CP1
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False

"""Signing in: one token at the start, so that a mistake is said before anything is read, and fresh ones on the way."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError, ServiceResponseError

from tokenguard.entra.aadsts import hint_for, shorten
from tokenguard.entra.answer import one_line
from tokenguard.entra.clouds import Cloud
from tokenguard.entra.credentials import Credential, Method, choose_method
from tokenguard.entra.permissions import held_permissions, read_claims
from tokenguard.entra.retry import Budget
from tokenguard.errors import SourceError, UsageError
from tokenguard.hookspecs import LiveTarget

for _name in ("azure", "msal"):
    logging.getLogger(_name).addHandler(logging.NullHandler())  # else their warnings, which we say better, are printed


_NEAR_ITS_END = 300.0
"""Seconds before a token's end from which on azure-identity asks for another."""


class RenewingCredential:
    """A credential that can be told that its token no longer works.

    azure-identity hands out a cached token until shortly before its end, whatever Graph says of it: a token that was
    revoked in the middle of a run is replaced by asking with a new credential. What it does not cache, as it starts the
    Azure CLI anew for each request, is kept here as long. It serves one scope.
    """

    def __init__(self, method: Method, budget: Budget) -> None:
        self._method = method
        self._budget = budget
        self._credential = method.make()
        self._last: AccessToken | None = None
        self._tenant: str | None = None
        self.generation = 0
        """Rises with every renewal."""

    @property
    def title(self) -> str:
        """How it signs in, for people."""
        return self._method.title

    def get_token(self, *scopes: str, claims: str | None = None, **options: Any) -> AccessToken:
        """As azure-identity's credentials do; when a refresh fails, the last token serves on."""
        if self._last is not None and not claims and self._last.expires_on - time.time() > _NEAR_ITS_END:
            return self._last
        try:
            self._last = self._checked(fetch_token(self._credential, self._budget, *scopes, claims=claims, **options))
        except AzureError:
            if claims or self._last is None:
                raise
        return self._last

    def _checked(self, token: AccessToken) -> AccessToken:
        """`token`, unless somebody signed the Azure CLI, or whatever it is, in elsewhere in the meantime."""
        tenant = _text(read_claims(token.token), "tid")
        if self._tenant is None:
            self._tenant = tenant
        if tenant != self._tenant:
            raise ClientAuthenticationError(f"the new token is of another tenant, {tenant or '(unknown)'}")
        return token

    def renew(self, generation: int) -> bool:
        """Forget the tokens of `generation`, unless somebody did already; False where a person would be asked."""
        if self._method.asks:
            return False
        if generation == self.generation:
            self.close()
            self._credential, self._last = self._method.make(), None
            self.generation += 1
        return True

    def close(self) -> None:
        self._credential.close()

    def explain(self, error: AzureError) -> SourceError:
        """`error` of a sign-in for people: which credential, what was answered, what to do."""
        text = str(error.message)
        message = f"signing in with {self.title} failed: {what_was_said(self._method, text)}"
        if is_unreachable(error):
            return SourceError(message, UNREACHABLE)
        return SourceError(message, hint_for(text) or self._method.hint or _REFUSED)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A credential that works, and what its first token claims."""

    credential: RenewingCredential
    budget: Budget
    """What the run may spend on waiting, what the sign-in took of it already gone."""
    permissions: tuple[str, ...]
    tenant: str
    """The tenant's id in lower case; empty where the token does not say."""
    client: str = ""
    """The appId of the application that the token was issued to; empty where the token does not say."""
    delegated: bool = False
    """Whether it acts for a person."""


def sign_in(target: LiveTarget, cloud: Cloud, budget: Budget) -> SignIn:
    """Get a first token for Graph, and wait for it, and for each further one, within `budget`.

    Raises `UsageError` for what the environment lacks and for a token of another tenant than the pinned one, and
    `SourceError` when the token service refuses or cannot be reached.
    """
    method = choose_method(target, cloud, budget)
    try:
        credential = RenewingCredential(method, budget)
    except (ValueError, OSError) as error:
        raise UsageError(f"{method.title} cannot be used: {one_line(str(error))}", "correct the variable") from error
    try:
        token = credential.get_token(cloud.scope, enable_cae=True)  # as the SDK asks, so that it finds this one cached
    except AzureError as error:
        raise credential.explain(error) from None  # NOTE: the cause may hold the request, and that the secret
    claims = read_claims(token.token)
    tenant = _text(claims, "tid")
    _check_pin(target.tenant, tenant)
    return SignIn(
        credential,
        budget,
        held_permissions(claims),
        tenant,
        client=_text(claims, "appid") or _text(claims, "azp"),
        delegated="scp" in claims,
    )


def what_was_said(method: Method, message: str) -> str:
    """`message` of the token service for people: in short, and without the secret, if it quotes what it was sent."""
    said = shorten(message)
    return one_line(said.replace(method.secret, "[secret]") if method.secret else said)


def fetch_token(credential: Credential, budget: Budget, *scopes: str, **options: Any) -> AccessToken:
    """A token that can stand in a header; raises `AzureError` for whatever keeps it from coming.

    None is asked for before the time that the token service named when it was last asked in this run.

    azure-identity lets through what getting an assertion comes to, and a token of any type.
    """
    if why := budget.tokens_put_off(time.monotonic()):
        raise ClientAuthenticationError(why)
    try:
        token = credential.get_token(*scopes, **options)
    except (OSError, ValueError, SourceError) as error:
        raise ClientAuthenticationError(str(error)) from error
    text: object = token.token
    if not (isinstance(text, str) and text and text.isascii() and text.isprintable()):
        raise ClientAuthenticationError("the answer holds no token")
    return token


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.lower() if isinstance(value, str) else ""


def _check_pin(pinned: str, tenant: str) -> None:
    if pinned and pinned.lower() != tenant:
        raise UsageError(
            f"signed in to the tenant {tenant or '(unknown)'}, but the configuration pins {pinned}",
            "sign in to the pinned tenant, or change `tenant` in the configuration",
        )


def is_unreachable(error: BaseException | None) -> bool:
    """Whether the token service did not answer; azure-identity wraps that into a refusal on some ways."""
    while error is not None:
        if isinstance(error, ServiceRequestError | ServiceResponseError):
            return True
        error = error.__cause__ or error.__context__
    return False


_REFUSED = "check AZURE_TENANT_ID, AZURE_CLIENT_ID and the credential, or choose another with --auth"
UNREACHABLE = "check the network, HTTPS_PROXY, and SSL_CERT_FILE where a proxy has a certificate authority of its own"

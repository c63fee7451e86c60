"""Asking the token service for a token, only to see how long it lives.

A credential of azure-identity keeps its token, so each time a new one is made. Continuous access evaluation stays off:
with it a token lives up to 28 hours, whatever policy there is. The token is looked at here, and goes nowhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

from azure.core.exceptions import AzureError

from tokenguard.entra.aadsts import hint_for
from tokenguard.entra.addresses import usable_cloud
from tokenguard.entra.answer import one_line
from tokenguard.entra.credentials import Credential, Method, choose_method
from tokenguard.entra.definition import LONGEST
from tokenguard.entra.permissions import read_claims
from tokenguard.entra.reading import GUID
from tokenguard.entra.retry import Budget
from tokenguard.entra.signin import UNREACHABLE, fetch_token, is_unreachable, what_was_said
from tokenguard.errors import SourceError, UsageError
from tokenguard.hookspecs import LiveTarget
from tokenguard.issuance import LATE, Issued

_RESOURCE = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/]\S*|" + GUID, re.IGNORECASE)
_SCOPE = "/.default"
"""Whatever the client may do at a resource, as the token service is asked for it."""
_ABSURD = 100 * 365 * 24 * 60 * 60
"""Seconds that no token lives."""
_HINTS = {
    "AADSTS500011": "name the resource as the tenant knows it: the address of the API, or its appId",
    "AADSTS501051": "assign the client to the application that is the resource, or ask for another resource",
}


def prepare(target: LiveTarget, resource: str) -> Callable[[], Issued]:
    """What asks for a token for `resource`, a new one each time; see `tokenguard.hookspecs.Prober`."""
    if not (_RESOURCE.fullmatch(resource) and resource.isprintable()):
        raise UsageError(f"{resource!r} is neither the address of a resource nor an appId", "e.g. https://api.example")
    if resource.endswith(_SCOPE):
        raise UsageError(f"{resource!r} is a scope, not a resource", f"name {resource.removesuffix(_SCOPE)}")
    budget = Budget(target.patience, target.put_off)
    method = choose_method(target, usable_cloud(target), budget)
    if not method.alone:
        raise UsageError(
            f"{method.title} hands out tokens that were kept; how long they live says nothing of today's policies",
            "sign in as an application: AZURE_TENANT_ID, AZURE_CLIENT_ID and a secret, certificate or federated token",
        )
    return partial(_ask, method, budget, resource)


def _ask(method: Method, budget: Budget, resource: str) -> Issued:
    answers = _Answers()
    try:
        credential: Credential = method.make(raw_response_hook=answers.see)
    except (ValueError, OSError) as error:
        raise UsageError(f"{method.title} cannot be used: {one_line(str(error))}", "correct the variable") from error
    with closing(credential):
        try:
            token = fetch_token(credential, budget, f"{resource}{_SCOPE}", enable_cae=False).token
        except AzureError as error:
            raise _refused(method, resource, error) from None  # NOTE: the cause may hold the request, and its secret
    if answers.expires_in is None:
        raise SourceError(f"the token service did not say how long the token for {resource} lives")
    claims = read_claims(token)
    begins, ends = claims.get("iat"), claims.get("exp")
    return Issued(
        credential=method.title,
        expires_in=answers.expires_in,
        claimed=ends - begins if isinstance(begins, int) and isinstance(ends, int) else None,
        continuous="xms_cc" in claims or answers.expires_in + LATE > LONGEST.total_seconds(),
    )


class _Answers:
    """What the token service says of a token's life; azure-identity tells only when it ends, by its own clock."""

    expires_in: int | None = None

    def see(self, response: Any) -> None:
        """Look at one answer, of whatever kind."""
        try:
            seconds = int(json.loads(response.http_response.text())["expires_in"])
        except (ValueError, KeyError, TypeError, OverflowError):  # the last: Python reads ``Infinity``
            return
        self.expires_in = seconds if 0 < seconds < _ABSURD else None


def _refused(method: Method, resource: str, error: AzureError) -> SourceError:
    text = str(error.message)
    message = f"asking for a token for {resource} with {method.title} failed: {what_was_said(method, text)}"
    if is_unreachable(error):
        return SourceError(message, UNREACHABLE)
    own = next((hint for code, hint in _HINTS.items() if f"{code}:" in text), "")
    return SourceError(message, own or hint_for(text) or method.hint)

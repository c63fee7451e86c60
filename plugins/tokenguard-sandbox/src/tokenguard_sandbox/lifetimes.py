"""How long a token lives: the sandbox's own reading of Microsoft's rules, deliberately not tokenguard's.

Source: Microsoft identity platform, configurable token lifetimes, 2026-04-08 (``documented-2026``) and before April
2023 (``classic``). The policy of the highest priority on the application *that is being accessed* takes effect.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

SHORTEST = 10 * 60
LONGEST = 24 * 60 * 60 - 1
CAE_LIFETIME = 24 * 60 * 60
_TIMESPAN = re.compile(r"(?:(\d{1,8})\.)?(\d{1,2}):(\d{1,2}):(\d{1,2})", re.ASCII)
_ORDERS = {
    "documented-2026": ("organization", "servicePrincipal", "application"),
    "classic": ("servicePrincipal", "organization", "application"),
}
_PERSONAL = {"AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"}

Policy = Mapping[str, Any]


def seconds(timespan: str) -> int | None:
    """Seconds of ``[d.]h:m:s``; None where it is not written so."""
    found = _TIMESPAN.fullmatch(timespan)
    if not found:
        return None
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def configured(policy: Policy) -> int | None:
    """The access token lifetime that a policy sets, in seconds; None where it sets none."""
    for definition in policy["definition"]:
        lifetime = (_settings(definition) or {}).get("AccessTokenLifetime")
        if isinstance(lifetime, str) and (length := seconds(lifetime)) is not None:
            return length
    return None


def effective(
    candidates: Mapping[str, Policy | None], resource: Mapping[str, Any], precedence: str, default: int
) -> int:
    """Seconds that a token for `resource`, a service principal, lives.

    `candidates` has the policy of the ``organization``, the ``servicePrincipal`` and the ``application``, if any.
    The first in order is in force, even if it sets no access token lifetime: then the default holds.
    """
    if resource.get("servicePrincipalType") == "ManagedIdentity" or resource.get("signInAudience") in _PERSONAL:
        return default
    for place in _ORDERS[precedence]:
        if policy := candidates.get(place):
            return configured(policy) or default
    return default


def _settings(definition: str) -> dict[str, Any] | None:
    try:
        document = json.loads(definition)
    except (ValueError, RecursionError):  # the latter for brackets without end
        return None
    inner = document.get("TokenLifetimePolicy") if isinstance(document, dict) else None
    return inner if isinstance(inner, dict) else None

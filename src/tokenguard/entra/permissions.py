"""Which permissions a token holds, and which one a refused call lacks.

Source: Microsoft's permission data for Graph v1.0 and the pages of the operations.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from typing import Any

_POLICIES = ("Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration")
_APPLICATIONS = (
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
_ORGANIZATION = ("Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")

_NEEDS = (
    ("/policies/conditionalAccessPolicies", "", (("Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"),)),
    ("/identity/conditionalAccess", "", (("Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"),)),
    ("/policies/", "/appliesTo", (_POLICIES, _APPLICATIONS)),
    ("/policies/", "", (_POLICIES,)),
    ("/servicePrincipals", "", (_APPLICATIONS,)),
    ("/applications", "", (_APPLICATIONS,)),
    ("/organization", "", (_ORGANIZATION,)),
)
"""How a path begins and ends, and what it takes: of every group one, the first the least privileged."""


def missing_permission(path: str, held: Collection[str]) -> str:
    """The least-privileged permission for GET `path` that is not among `held`; empty where none is known to be."""
    return next((least for least, serving in demands(path, held).items() if not serving), "")


def demands(path: str, held: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """Each least-privileged permission that GET `path` takes, with those of `held` that serve in its place."""
    for start, end, groups in _NEEDS:
        if path.startswith(start) and path.endswith(end):
            return {group[0]: tuple(name for name in group if name in held) for group in groups}
    return {}


def read_claims(token: str) -> Mapping[str, Any]:
    """The claims of a JSON Web Token, unverified: Graph judges the token, we only say what it seems to hold.

    Empty where `token` is no such thing; its form is Microsoft's own affair.
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def held_permissions(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Application permissions (``roles``) and delegated ones (``scp``), sorted."""
    roles, scopes = claims.get("roles"), claims.get("scp")
    listed = [role for role in roles if isinstance(role, str)] if isinstance(roles, list) else []
    return tuple(sorted({*listed, *(scopes.split() if isinstance(scopes, str) else ())}))

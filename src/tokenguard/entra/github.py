"""The identity that GitHub Actions gives a workflow: a short-lived assertion, exchanged without any secret.

Source: GitHub, "OpenID Connect reference": methods for requesting the token.
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from tokenguard.entra.addresses import github_address
from tokenguard.entra.trust import graph_tls
from tokenguard.errors import SourceError, UsageError

AUDIENCE = "api://AzureADTokenExchange"
"""What a federated credential of an application accepts unless it was set up otherwise."""


def fetch_assertion(environment: Mapping[str, str]) -> str:
    """Ask GitHub for a token that says which workflow this is. Raises `SourceError`."""
    url, key = (environment.get(f"ACTIONS_ID_TOKEN_REQUEST_{name}", "") for name in ("URL", "TOKEN"))
    if not url or not key:
        raise UsageError(
            "GitHub offers this job no identity: ACTIONS_ID_TOKEN_REQUEST_URL and _TOKEN are not set",
            "add `permissions: id-token: write` to the job",
        )
    address = github_address(environment, AUDIENCE)
    try:
        answer = httpx.get(address, headers={"Authorization": f"Bearer {key}"}, verify=graph_tls(environment))
        assertion = None if answer.is_error else answer.raise_for_status().json()["value"]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        raise _unusable(type(error).__name__) from None
    if answer.is_client_error:
        raise SourceError(
            f"GitHub refused this job an identity: {answer.status_code}",
            "run the job again; its permission to ask ends with the job",
        )
    if not (isinstance(assertion, str) and assertion):
        raise _unusable(str(answer.status_code) if answer.is_error else "it holds no token")
    return assertion


def _unusable(why: str) -> SourceError:
    return SourceError(
        f"GitHub's identity service gave no answer that can be used ({why})",
        "see whether GitHub Actions is up, and whether ACTIONS_ID_TOKEN_REQUEST_URL is GitHub's own",
    )

"""Opening a sandbox as a live tenant, in this process."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

from sandbox import RunningSandbox
from tokenguard.entra.live import open_live
from tokenguard.entra.retry import Patience
from tokenguard.hookspecs import LiveTarget, ReadFailure, Source

quiet_sdk = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning:(msgraph|kiota_abstractions)")
"""The SDK's generated classes warn of one another when they are imported."""

BRISK = Patience(attempts=3, first_wait=0.02, budget=20)
HASTY = Patience(attempts=2, first_wait=0.01, budget=20)
TOKEN_SERVICE = ("/oauth2/", "/.well-known/")
NAMES = "$select=id,appId,displayName"
POLICIES = "/policies/tokenLifetimePolicies"
PRINCIPALS = f"/servicePrincipals?{NAMES}&$top=100"


def live(
    sandbox: RunningSandbox, said: list[str] | None = None, patience: Patience = BRISK
) -> AbstractContextManager[Source]:
    """The sandbox's tenant as a source; every request and every wait goes to `said`."""
    return open_live(LiveTarget(sandbox.environment, trace=None if said is None else said.append), patience)


def graph_requests(sandbox: RunningSandbox) -> list[str]:
    """``METHOD /path status`` of everything that reached Graph, without queries."""
    return [
        f"{request['method']} {request['path'].partition('?')[0]} {request['status']}"
        for request in sandbox.requests()
        if not any(part in request["path"] for part in TOKEN_SERVICE)
    ]


def failures(rows):
    return [row for row in rows if isinstance(row, ReadFailure)]

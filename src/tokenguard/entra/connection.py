"""The Graph SDK, unmodified, set up so that it reads one Graph only and leaves retrying to us."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient

from tokenguard.entra.client import GraphClient
from tokenguard.entra.clouds import Cloud
from tokenguard.entra.pacing import Pace
from tokenguard.entra.retry import Patience
from tokenguard.entra.signin import SignIn
from tokenguard.entra.transport import Guard, ReadOnlyTransport, open_client, open_transport
from tokenguard.entra.trust import graph_tls, proxy_for
from tokenguard.errors import UsageError
from tokenguard.hookspecs import LiveTarget


@asynccontextmanager
async def connect(
    target: LiveTarget, cloud: Cloud, signed_in: SignIn, patience: Patience, guard: Guard = ReadOnlyTransport
) -> AsyncIterator[GraphClient]:
    """A client for `cloud`'s Graph that can do what `guard` lets through; it makes no request yet.

    Raises `UsageError` for a proxy that cannot be used.
    """
    try:
        network = open_transport(graph_tls(target.environment), proxy_for(cloud.graph))
    except (ValueError, ImportError) as error:
        raise UsageError("the proxy that HTTPS_PROXY names cannot be used", "write it as http://host:port") from error
    http = open_client(guard(cloud.root, network, target.trace))
    provider = AzureIdentityAuthenticationProvider(
        signed_in.credential, scopes=[cloud.scope], allowed_hosts=[str(urlsplit(cloud.graph).hostname)]
    )
    # NOTE: the SDK's middleware is left out: of what it does, retrying is ours, redirects lead nowhere, and the rest
    # is for requests that we do not make. It cost a tenth of the reading of a page.
    adapter = GraphRequestAdapter(provider, http)
    adapter.base_url = cloud.root  # before the client is made: it keeps what it finds
    pace = Pace(signed_in.budget, partial(_announce, target), target.progress, put_off=target.put_off)
    async with http:
        yield GraphClient(GraphServiceClient(request_adapter=adapter), signed_in, pace, patience)


def _announce(target: LiveTarget, text: str) -> None:
    for tell in (target.progress, target.trace):
        if tell:
            tell(text)

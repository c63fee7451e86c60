"""The Graph SDK, unmodified, set up so that it reads one Graph only and leaves retrying to us."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from kiota_http.middleware.options import RedirectHandlerOption, RetryHandlerOption
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_request_adapter import options as sdk_options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory  # type: ignore[import-untyped]

from tokenguard.entra.client import GraphClient
from tokenguard.entra.clouds import Cloud
from tokenguard.entra.pacing import Pace
from tokenguard.entra.retry import Patience
from tokenguard.entra.signin import SignIn
from tokenguard.entra.transport import ReadOnlyTransport, open_client, open_transport
from tokenguard.entra.trust import graph_tls, proxy_for
from tokenguard.errors import UsageError
from tokenguard.hookspecs import LiveTarget


@asynccontextmanager
async def connect(
    target: LiveTarget, cloud: Cloud, signed_in: SignIn, patience: Patience
) -> AsyncIterator[GraphClient]:
    """A client for `cloud`'s Graph; it makes no request yet. Raises `UsageError` for a proxy that cannot be used."""
    try:
        network = open_transport(graph_tls(target.environment), proxy_for(cloud.graph))
    except (ValueError, ImportError) as error:
        raise UsageError("the proxy that HTTPS_PROXY names cannot be used", "write it as http://host:port") from error
    http = open_client(ReadOnlyTransport(cloud.root, network, target.trace))
    options = {
        **sdk_options,
        RetryHandlerOption.get_key(): RetryHandlerOption(max_retries=0),
        RedirectHandlerOption.get_key(): RedirectHandlerOption(should_redirect=False),
    }
    provider = AzureIdentityAuthenticationProvider(
        signed_in.credential, scopes=[cloud.scope], allowed_hosts=[str(urlsplit(cloud.graph).hostname)]
    )
    adapter = GraphRequestAdapter(
        provider, GraphClientFactory.create_with_default_middleware(client=http, options=options)
    )
    adapter.base_url = cloud.root  # before the client is made: it keeps what it finds
    pace = Pace(patience.budget, target.progress)
    async with network:  # the SDK's own transport does not close the one below it
        yield GraphClient(GraphServiceClient(request_adapter=adapter), signed_in, pace, patience)

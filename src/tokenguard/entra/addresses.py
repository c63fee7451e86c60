"""Whether the addresses that the environment sets can be used: before the first request, by those who will use them.

requests and urllib3 carry what azure-identity asks for, httpx what goes to Graph and to GitHub. What one of them takes
for an address, another may not, and says so only when it is to send something.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx
import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies, select_proxy

from tokenguard.entra.clouds import AUTHORITY, GRAPH, Cloud, choose_cloud
from tokenguard.entra.trust import proxy_for
from tokenguard.errors import UsageError
from tokenguard.hookspecs import LiveTarget

REGION = "AZURE_REGIONAL_AUTHORITY_NAME"
_MANAGED = ("IDENTITY_ENDPOINT", "IMDS_ENDPOINT", "MSI_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST")
_FEDERATED = ("AZURE_KUBERNETES_TOKEN_PROXY",)
"""What azure-identity asks for a token. Source: azure-identity 1.27, ``EnvironmentVariables``."""
_ASKED = {"managed": _MANAGED, "default": (*_MANAGED, *_FEDERATED), "federated": _FEDERATED}
_MACHINE = "http://169.254.169.254"
"""Of the identity of a virtual machine."""
_NAME = re.compile(r"[A-Za-z0-9-]{1,63}")


def usable_cloud(target: LiveTarget) -> Cloud:
    """The cloud that `target` asks for, which can be reached as far as the addresses tell.

    Raises `UsageError` as `choose_cloud` does, and for an address or a proxy that cannot be used. Sends nothing.
    """
    environment = target.environment
    cloud = choose_cloud(target.cloud, environment)
    asked = {name: environment[name] for name in _ASKED.get(target.auth, ()) if environment.get(name)}
    for variable, address in ({AUTHORITY: cloud.authority} | asked).items():
        _check(variable, address)
        _check_proxy(_proxy(variable, address))
    _check(GRAPH, cloud.root)
    _check_proxy(proxy_for(cloud.graph))
    if target.auth == "managed":
        _check_proxy(_proxy("NO_PROXY", _MACHINE))
    region = environment.get(REGION, "")
    if region and not _NAME.fullmatch(region):
        raise UsageError(f"{REGION} is no name of a region", f"correct or unset {REGION}")
    return cloud


def github_address(environment: Mapping[str, str], audience: str) -> httpx.URL:
    """Where GitHub hands out identities to the job. Raises `UsageError` for what is no address, or no proxy."""
    variable = "ACTIONS_ID_TOKEN_REQUEST_URL"
    try:
        address = httpx.URL(environment[variable]).copy_merge_params({"audience": audience})
        usable = address.scheme in ("https", "http") and _is_known_to_networks(address)
    except (httpx.InvalidURL, ValueError):
        usable = False
    if not usable:
        raise _no_address(variable)
    try:
        httpx.Client(verify=False).close()  # noqa: S501  (it sends nothing; it looks at every proxy of the environment)
    except (httpx.InvalidURL, ValueError, ImportError) as error:
        raise _no_proxy() from error
    return address


def _check(variable: str, address: str) -> None:
    """What is done with `address` before a connection is made."""
    try:
        request = requests.Request("GET", address).prepare()
        url = str(request.url)
        usable = url.startswith(("http:", "https:")) and _is_known_to_networks(httpx.URL(url))
        HTTPAdapter().get_connection_with_tls_context(request, True)
    except (httpx.InvalidURL, requests.RequestException, ValueError):
        usable = False
    if not usable:
        raise _no_address(variable)


def _proxy(variable: str, address: str) -> str | None:
    """What requests finds in the process's environment on the way to `address`."""
    try:
        return select_proxy(address, get_environ_proxies(address))
    except ValueError as error:
        raise _no_address(variable) from error


def _is_known_to_networks(url: httpx.URL) -> bool:
    """Raises `ValueError` for a name that cannot be looked up."""
    return bool(url.host.encode("idna"))  # as `socket.getaddrinfo` does


def _check_proxy(proxy: str | None) -> None:
    if proxy is None:
        return
    try:
        httpx.AsyncHTTPTransport(proxy=proxy, verify=False, trust_env=False)  # sends nothing, and is not kept
        HTTPAdapter().proxy_manager_for(proxy)
        usable = _is_known_to_networks(httpx.URL(proxy))
    except (httpx.InvalidURL, requests.RequestException, ValueError, ImportError):
        usable = False
    if not usable:
        raise _no_proxy()


def _no_proxy() -> UsageError:
    return UsageError(
        "the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names cannot be used", "write it as http://host:port"
    )


def _no_address(variable: str) -> UsageError:
    return UsageError(f"{variable} is no address that can be used", f"correct or unset {variable}")

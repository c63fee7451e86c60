"""Where a cloud's token service and Microsoft Graph are, and which other places may stand in for them.

Source: Microsoft Graph, "National cloud deployments".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from tokenguard.errors import UsageError

AUTHORITY = "AZURE_AUTHORITY_HOST"
GRAPH = "TOKENGUARD_GRAPH_URL"
TRUSTED = "TOKENGUARD_TRUSTED_HOSTS"
DEFAULT = "global"
"""The cloud that nobody need ask for."""


_PLACE = re.compile(
    r"(?:(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?",
    re.IGNORECASE,
)
"""A name or a number of a host, with a port: what every parser that meets it later reads alike."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """A token service and the Graph whose tokens it issues."""

    name: str
    authority: str
    """``https://host[:port]``, no slash at the end."""
    graph: str
    """``https://host[:port]``, no version, no slash at the end."""
    official: bool = True
    """Whether Microsoft runs it; instance discovery asks Microsoft about an authority, and makes sense only there."""

    @property
    def scope(self) -> str:
        return f"{self.graph}/.default"

    @property
    def root(self) -> str:
        """What every call is below."""
        return f"{self.graph}/v1.0"


CLOUDS = {
    cloud.name: cloud
    for cloud in (
        Cloud("global", "https://login.microsoftonline.com", "https://graph.microsoft.com"),
        Cloud("usgov", "https://login.microsoftonline.us", "https://graph.microsoft.us"),
        Cloud("usdod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
        Cloud("china", "https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
    )
}


def choose_cloud(name: str, environment: Mapping[str, str]) -> Cloud:
    """The cloud `name`, or what `environment` puts in its place.

    Secrets go to the authority and tokens to Graph, so another place is taken only when both are other places, and
    both are on this machine or named in ``TOKENGUARD_TRUSTED_HOSTS``. Raises `UsageError` otherwise.
    """
    if name not in CLOUDS:
        raise UsageError(f"there is no cloud {name!r}", f"choose one of {', '.join(CLOUDS)}")
    cloud = CLOUDS[name]
    authority = _origin(AUTHORITY, environment.get(AUTHORITY) or cloud.authority)
    graph = _origin(GRAPH, environment.get(GRAPH) or cloud.graph)
    if (authority, graph) == (cloud.authority, cloud.graph):
        return cloud
    _refuse_mixture(cloud, authority, graph)
    if name != DEFAULT:
        raise UsageError(
            f"the cloud {name!r} is asked for, but {AUTHORITY} and {GRAPH} lead to {authority} and {graph}",
            f"leave out --cloud, or unset {AUTHORITY} and {GRAPH}",
        )
    trusted = {host.strip().lower() for host in environment.get(TRUSTED, "").split(",")}
    for variable, url in ((AUTHORITY, authority), (GRAPH, graph)):
        host = urlsplit(url).hostname or ""
        if not _is_loopback(host) and host not in trusted:
            raise UsageError(
                f"{variable} names {host}, which is no Microsoft cloud, not on this machine, and not trusted",
                f"unset {variable}, or name the host in {TRUSTED} if it may have your credentials and tokens",
            )
    return Cloud(name, authority, graph, official=False)


def _refuse_mixture(cloud: Cloud, authority: str, graph: str) -> None:
    """One half of a Microsoft cloud with something else as the other half."""
    microsoft = [known for known in CLOUDS.values() if authority == known.authority or graph == known.graph]
    if not microsoft:
        return
    others = " or ".join(f"--cloud {known.name}" for known in microsoft if known is not cloud)
    raise UsageError(
        f"for the cloud {cloud.name!r}, tokens of {authority} would go to {graph}: these do not belong together",
        f"{f'pass {others}, or ' if others else ''}set or unset {AUTHORITY} and {GRAPH} together",
    )


def _origin(variable: str, text: str) -> str:
    """`text` as ``scheme://host[:port]``; azure-identity accepts a bare host, so do we. Plain HTTP only to loopback."""
    try:
        url = urlsplit(text if "://" in text else f"https://{text}")
        _ = url.port
    except ValueError as error:
        raise UsageError(f"{variable} is no address", f"write {variable} as https://host:port") from error
    if url.username or url.password or url.path.strip("/") or url.query or url.fragment:
        raise UsageError(
            f"{variable} holds more than a host", f"write {variable} as https://host, without a path or a user"
        )
    if not (_PLACE.fullmatch(url.netloc) and text.isprintable()):  # urlsplit leaves out tabs and line ends
        raise UsageError(
            f"{variable} is no address: its host is no name or number that a network knows",
            f"write {variable} as https://host:port, the host in ASCII and without a zone",
        )
    plain = url.scheme == "http" and variable == GRAPH and _is_loopback(url.hostname or "")
    if not url.hostname or not (url.scheme == "https" or plain):
        raise UsageError(f"{variable} is no https address", f"write {variable} as https://host")
    return f"{url.scheme}://{url.netloc.lower()}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False

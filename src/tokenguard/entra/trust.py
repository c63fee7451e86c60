"""Which certificate authorities and which proxy stand between us and Microsoft, for both halves of the work.

azure-identity works with requests, which reads ``REQUESTS_CA_BUNDLE``; the Graph SDK works with httpx, which reads
``SSL_CERT_FILE``. People behind a proxy that inspects TLS set one of them; either is enough here for both.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

import httpx
from requests.utils import get_environ_proxies, select_proxy

from tokenguard.errors import UsageError

_FOR_SIGN_IN = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
_FOR_GRAPH = tuple(reversed(_FOR_SIGN_IN))


def sign_in_authorities(environment: Mapping[str, str]) -> str | bool:
    """What requests is to verify certificates with: a file or folder, or True for its own list.

    Raises `UsageError` for a file that holds no certificates; requests itself would speak of a failed connection.
    """
    path = _authorities(environment, _FOR_SIGN_IN)
    if path is None:
        return True
    _context(path)
    return str(path)


def graph_tls(environment: Mapping[str, str]) -> ssl.SSLContext:
    """What httpx is to verify certificates with. Raises `UsageError` for a file that holds no certificates."""
    path = _authorities(environment, _FOR_GRAPH)
    return _context(path) if path else httpx.create_ssl_context()


def proxy_for(url: str) -> str | None:
    """The proxy on the way to `url`, found in the process's environment as requests finds it for the other half.

    None on the way to plain HTTP, which is on this machine (see `clouds`): a proxy could read the token.
    """
    return None if url.startswith("http:") else select_proxy(url, get_environ_proxies(url))


def _authorities(environment: Mapping[str, str], variables: tuple[str, ...]) -> Path | None:
    for variable in variables:
        if value := environment.get(variable):
            path = Path(value)
            if not path.exists():
                raise UsageError(f"{variable} names {value}, which does not exist", f"correct or unset {variable}")
            return path
    return None


def _context(path: Path) -> ssl.SSLContext:
    try:
        if path.is_dir():
            return ssl.create_default_context(capath=str(path))
        return ssl.create_default_context(cafile=str(path))
    except (ssl.SSLError, OSError) as error:
        raise UsageError(f"{path}: holds no certificates that can be read", "it should be a PEM file") from error

"""Running a sandbox: the sockets, the certificate, the server, and what its clients need to know."""

from __future__ import annotations

import os
import secrets
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvicorn
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from tokenguard.errors import UsageError
from tokenguard_sandbox.certificate import throw_away_identity
from tokenguard_sandbox.control import control_routes
from tokenguard_sandbox.directory import Directory
from tokenguard_sandbox.faults import Fault
from tokenguard_sandbox.graph import Graph
from tokenguard_sandbox.recording import VARIABLE, recorded
from tokenguard_sandbox.server import Sandbox
from tokenguard_sandbox.settings import Settings
from tokenguard_sandbox.tokens import Client

_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
UNSET = (
    *_PROXIES,
    *(name.lower() for name in _PROXIES),
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_USERNAME",
    "AZURE_PASSWORD",
    "AZURE_REGIONAL_AUTHORITY_NAME",
    "AZURE_TOKEN_CREDENTIALS",
    "SSL_CERT_DIR",
    "TOKENGUARD_AUTH",
    "TOKENGUARD_CLOUD",
)
"""Variables that would lead a client elsewhere, or to another way of signing in."""


class _Protocol(H11Protocol):
    """Lets an application reach the connection it answers on: only so can it break it."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox that answers."""

    server: uvicorn.Server
    listener: socket.socket
    variables: Mapping[str, str]
    """Environment variables that lead a client here."""

    def serve(self) -> None:
        """Answer until interrupted."""
        self.server.run(sockets=[self.listener])

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answer in a thread while the block runs."""
        thread = threading.Thread(target=self.serve, name="tokenguard-sandbox", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.server.should_exit = True
            thread.join(timeout=10)


@contextmanager
def running(
    directory: Directory, settings: Settings, faults: Sequence[Fault], port: int, keys: Sequence[RSAPublicKey] = ()
) -> Iterator[Running]:
    """A sandbox on loopback, ready to serve; afterwards nothing of it is left."""
    client = Client(str(uuid4()), secrets.token_urlsafe(24), keys)
    sandbox = Sandbox(Graph(directory, settings), client, time.time)
    control = secrets.token_urlsafe(24)
    for fault in faults:
        sandbox.faults.add(fault)
    identity = throw_away_identity()
    with _listener(port) as listener, tempfile.TemporaryDirectory(prefix="tokenguard-sandbox-") as folder:
        authority = Path(folder) / "authority.pem"
        authority.write_bytes(identity.authority)
        url = f"https://localhost:{listener.getsockname()[1]}"
        routes = [*control_routes(sandbox, control), *sandbox.routes()]
        app = Starlette(routes=routes, exception_handlers={HTTPException: sandbox.unserved})
        app.router.redirect_slashes = False  # neither Graph nor Entra sends anybody elsewhere
        file = os.environ.get(VARIABLE)
        server = uvicorn.Server(_configuration(recorded(app, file) if file else app, identity.context))
        variables = {**_variables(sandbox, url, authority), "TOKENGUARD_SANDBOX_TOKEN": control}
        yield Running(server, listener, variables)


def _listener(port: int) -> socket.socket:
    # NOTE: socket.create_server leaves the protocol unnamed; asyncio then leaves Nagle's algorithm on: 40 ms a call.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()  # so that whoever reads the variables may call at once
    except OSError as error:
        listener.close()
        raise UsageError(f"cannot listen on port {port} of 127.0.0.1: {error.strerror}", hint="try --port 0") from error
    return listener


def _configuration(app: ASGIApp, context: ssl.SSLContext) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        ssl_context_factory=lambda _config, _default: context,
    )


def _variables(sandbox: Sandbox, url: str, authority: Path) -> dict[str, str]:
    return {
        "AZURE_TENANT_ID": sandbox.directory.tenant_id,
        "AZURE_CLIENT_ID": sandbox.client.id,
        "AZURE_CLIENT_SECRET": sandbox.client.secret,
        "AZURE_AUTHORITY_HOST": url,
        "TOKENGUARD_GRAPH_URL": url,
        "SSL_CERT_FILE": str(authority),
        "REQUESTS_CA_BUNDLE": str(authority),
        "TOKENGUARD_SANDBOX_URL": url,
    }

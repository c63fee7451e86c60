"""Fixtures for tests against the sandbox: a server in a process of its own, with a grip on settings, faults and log.

A test that takes `sandbox` gets a small tenant; ``new_sandbox("--tenant", "demo")`` starts another.
"""

from __future__ import annotations

import os
import shlex
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

GRAPH_SCOPE = "https://graph.microsoft.com/.default"
SMALL = ("--tenant", "generated", "--principals", "250", "--policies", "3", "--assignments", "30", "--propagation", "0")


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that answers at `url`."""

    variables: Mapping[str, str]
    """What was printed to be set."""
    unset: Sequence[str]
    """Which variables were printed to be unset."""
    environment: Mapping[str, str]
    """The whole environment of a process that is led to the sandbox: this one's, with the variables set and unset."""
    control: httpx.Client
    first_settings: Mapping[str, Any]

    @property
    def url(self) -> str:
        return self.variables["TOKENGUARD_SANDBOX_URL"]

    @property
    def graph(self) -> str:
        return f"{self.url}/v1.0"

    def tls(self) -> ssl.SSLContext:
        """Trusts the sandbox, and nobody else."""
        return ssl.create_default_context(cafile=self.variables["SSL_CERT_FILE"])

    def sign_in(self, scope: str = GRAPH_SCOPE, **changed: str) -> httpx.Response:
        """Ask for a token as the sandbox's client, or with some fields of the form `changed`."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.variables["AZURE_CLIENT_ID"],
            "client_secret": self.variables["AZURE_CLIENT_SECRET"],
            "scope": scope,
            **changed,
        }
        return self.control.post(f"/{self.variables['AZURE_TENANT_ID']}/oauth2/v2.0/token", data=form)

    def call(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """Ask Graph for `path` below its version root, or for a whole link, with a fresh token."""
        token = self.sign_in().json()["access_token"]
        url = path if path.startswith("https:") else self.graph + path
        return self.control.request(
            method, url, headers={"Authorization": f"Bearer {token}", **(headers or {})}, **options
        )

    def fail(self, *faults: str) -> None:
        """Switch faults on, e.g. ``"GET /policies/*=429,retry-after=1,times=1"``."""
        self._control("POST", "faults", {"faults": faults})

    def mend(self) -> None:
        """Switch all faults off."""
        self._control("DELETE", "faults")

    def set(self, **settings: Any) -> None:
        """Change settings, e.g. ``permissions=["Policy.Read.All"]`` for tokens issued from now on."""
        self._control("PATCH", "settings", settings)

    def requests(self) -> list[dict[str, Any]]:
        """Every request so far: ``method``, ``path`` with query (Graph's below the root), ``status``, ``parts``."""
        return list(self._control("GET", "requests"))

    def forget(self) -> None:
        """Empty the log of requests."""
        self._control("DELETE", "requests")

    def _control(self, method: str, what: str, body: Any = None) -> Any:
        answer = self.control.request(method, f"/sandbox/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def start(*options: str) -> Iterator[RunningSandbox]:
    """A sandbox started with these options of ``tokenguard sandbox start``."""
    command = [sys.executable, "-m", "tokenguard_sandbox", "start", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            variables, unset = _printed(process)
            environment = {name: value for name, value in os.environ.items() if name not in unset} | variables
            headers = {"Authorization": f"Bearer {variables['TOKENGUARD_SANDBOX_TOKEN']}"}
            tls = ssl.create_default_context(cafile=variables["SSL_CERT_FILE"])
            url = variables["TOKENGUARD_SANDBOX_URL"]
            with httpx.Client(base_url=url, headers=headers, verify=tls, trust_env=False) as control:
                settings = control.get("/sandbox/settings").raise_for_status().json()
                yield RunningSandbox(variables, unset, environment, control, settings)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _printed(process: subprocess.Popen[str]) -> tuple[dict[str, str], list[str]]:
    assert process.stdout is not None
    variables: dict[str, str] = {}
    for line in process.stdout:
        verb, *words = shlex.split(line)
        if verb == "unset":
            return variables, words
        name, _, value = words[0].partition("=")
        variables[name] = value
    raise AssertionError(f"the sandbox ended with status {process.wait()} before it was ready")


@pytest.fixture(scope="module")
def new_sandbox() -> Iterator[Callable[..., RunningSandbox]]:
    """Starts sandboxes with the options of the command; all of them end with the module's tests."""
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(start(*options))


@pytest.fixture(scope="module")
def small_sandbox(new_sandbox: Callable[..., RunningSandbox]) -> RunningSandbox:
    return new_sandbox(*SMALL)


@pytest.fixture
def sandbox(small_sandbox: RunningSandbox) -> RunningSandbox:
    """A tenant of 250 principals, 3 policies and 30 assignments: first settings, no fault, an empty log.

    The server is shared by a module's tests, and what they write to the tenant stays.
    """
    small_sandbox.mend()
    small_sandbox.set(**small_sandbox.first_settings)
    small_sandbox.forget()
    return small_sandbox

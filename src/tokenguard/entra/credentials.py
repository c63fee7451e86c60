"""Which of azure-identity's credentials to sign in with, and what it needs.

What we read of the environment comes from the mapping that is passed in. azure-identity itself reads ``os.environ`` for
managed identities (``IDENTITY_ENDPOINT``, ``MSI_ENDPOINT``, ``AZURE_POD_IDENTITY_AUTHORITY_HOST``), for the choice
within its default chain (``AZURE_TOKEN_CREDENTIALS``), for ``AZURE_REGIONAL_AUTHORITY_NAME``, and hands all of it to
the Azure CLI.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from azure import identity
from azure.core.credentials import TokenCredential

from tokenguard.entra.clouds import Cloud
from tokenguard.entra.github import fetch_assertion
from tokenguard.entra.retry import Budget
from tokenguard.entra.tokens import retrying, retrying_by_itself
from tokenguard.entra.trust import sign_in_authorities
from tokenguard.errors import UsageError
from tokenguard.files import read_file
from tokenguard.hookspecs import LiveTarget

_APPLICATION = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID")


class Credential(TokenCredential, Protocol):
    """What azure-identity's credentials have in common."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Method:
    """A way to sign in."""

    title: str
    """For people: ``signing in with ...``."""
    make: Callable[..., Credential] = field(repr=False)
    """A new credential, with nothing cached; takes further options of azure-identity's."""
    hint: str = ""
    """What to do when it fails and the answer does not say."""
    asks: bool = False
    """Whether a person has to do something, and so cannot be asked again unawares."""
    secret: str = field(default="", repr=False)
    """What must never be said, whoever quotes it."""
    alone: bool = False
    """Whether an application asks the token service by itself, so that every new credential gets a new token."""


def choose_method(target: LiveTarget, cloud: Cloud, budget: Budget) -> Method:
    """The way to sign in that `target` asks for, which waits within `budget`.

    Raises `UsageError` when `target` lacks what it needs.
    """
    if target.auth not in _METHODS:
        raise UsageError(f"there is no way to sign in called {target.auth!r}", f"choose one of {', '.join(_METHODS)}")
    return _METHODS[target.auth](target, _options(target, cloud, budget))


@dataclass(frozen=True, slots=True)
class _Options:
    """Of azure-identity."""

    all: dict[str, Any]
    """What every credential that asks the token service by itself is made with."""
    waits: dict[str, Any]
    """How those retry."""
    own: dict[str, Any]
    """How one retries that takes no other retries than its own."""

    @property
    def common(self) -> dict[str, Any]:
        return self.all | self.waits


def _options(target: LiveTarget, cloud: Cloud, budget: Budget) -> _Options:
    everywhere = {
        "authority": cloud.authority,
        "disable_instance_discovery": not cloud.official,
        "connection_verify": sign_in_authorities(target.environment),
    }
    return _Options(everywhere, retrying(budget), retrying_by_itself(budget))


def _default(target: LiveTarget, options: _Options) -> Method:
    """What the environment is set up for, else what azure-identity finds on this machine without asking anybody.

    NOTE: the order is that of DefaultAzureCredential. The first three are tried by us because it hands no authority
    to its workload identity, which would then sign in to the wrong cloud, and so that a failure names the one tried.
    """
    environment = target.environment
    chosen = environment.get(CHOICE, "").strip()
    for method in _TRIED_BY_US.get(chosen.lower(), ()):
        if all(_values(target).get(name) for name in _CONFIGURED[method]):
            return _METHODS[method](target, options)
    chain = partial(
        identity.DefaultAzureCredential,
        exclude_interactive_browser_credential=True,
        exclude_broker_credential=True,
        exclude_visual_studio_code_credential=True,
        managed_identity_client_id=environment.get("AZURE_CLIENT_ID"),
        **options.all,
        **options.own,
    )
    return Method(
        "azure-identity's default chain",
        chain,
        f"{CHOICE} limits it to {chosen!r}: set up what that allows, unset it, or choose a way with --auth"
        if chosen
        else f"set {' and '.join(_APPLICATION)} with AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH or "
        "AZURE_FEDERATED_TOKEN_FILE, run `az login`, or choose another way with --auth",
        secret=environment.get("AZURE_PASSWORD", ""),  # a person's, of which the chain's first knows
    )


def _secret(target: LiveTarget, options: _Options) -> Method:
    tenant, client, secret = _needed(target, "secret")
    make = partial(identity.ClientSecretCredential, tenant, client, secret, **options.common)
    return Method("the client secret in AZURE_CLIENT_SECRET", make, secret=secret, alone=True)


def _certificate(target: LiveTarget, options: _Options) -> Method:
    tenant, client, path = _needed(target, "certificate")
    make = partial(
        identity.CertificateCredential,
        tenant,
        client,
        path,
        password=target.environment.get("AZURE_CLIENT_CERTIFICATE_PASSWORD"),
        send_certificate_chain=target.environment.get("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "").lower()
        in {"1", "true"},
        **options.common,
    )
    return Method(f"the certificate in {path}", make, alone=True)


def _federated(target: LiveTarget, options: _Options) -> Method:
    tenant, client, path = _needed(target, "federated")
    read_file(Path(path), "the federated token in AZURE_FEDERATED_TOKEN_FILE")  # says what is wrong with the path
    make = partial(
        identity.WorkloadIdentityCredential, tenant_id=tenant, client_id=client, token_file_path=path, **options.common
    )
    return Method(f"the federated token in {path}", make, alone=True)


def _github(target: LiveTarget, options: _Options) -> Method:
    tenant, client = _needed(target, "github")
    fetch_assertion(target.environment)  # says what is missing while it can still be told from a refusal by Entra
    ask = partial(fetch_assertion, target.environment)
    make = partial(identity.ClientAssertionCredential, tenant, client, ask, **options.common)
    return Method("the identity of this GitHub Actions job", make, alone=True)


def _managed(target: LiveTarget, options: _Options) -> Method:
    client = target.environment.get("AZURE_CLIENT_ID")
    make = partial(identity.ManagedIdentityCredential, client_id=client, **options.own)
    return Method(
        f"the managed identity {client}" if client else "the managed identity of this machine",
        make,
        "run it where Azure gives it an identity; AZURE_CLIENT_ID chooses one that was assigned by name, or is not set",
    )


def _cli(target: LiveTarget, _options: _Options) -> Method:
    return Method(
        "the Azure CLI",
        partial(identity.AzureCliCredential, tenant_id=target.tenant),
        "install the Azure CLI and run `az login`, or choose another way with --auth",
    )


def _device_code(target: LiveTarget, options: _Options) -> Method:
    show = target.prompt
    if show is None:
        raise UsageError(
            "a device code has to be shown to somebody, and there is no terminal to show it on",
            "run it on a terminal, or sign in another way with --auth",
        )

    def prompt(address: str, code: str, _expires: object) -> None:
        show(f"to sign in, open {address} and enter the code {code}")

    make = partial(identity.DeviceCodeCredential, prompt_callback=prompt, **_user(target), **options.common)
    return Method("a device code", make, asks=True)


def _browser(target: LiveTarget, options: _Options) -> Method:
    return Method(
        "a browser",
        partial(identity.InteractiveBrowserCredential, **_user(target), **options.common),
        "pass --auth device-code where there is no browser",
        asks=True,
    )


def _user(target: LiveTarget) -> dict[str, Any]:
    """Tenant and application for a person's sign-in, both optional there."""
    tenant = target.environment.get("AZURE_TENANT_ID") or target.tenant
    found = {"tenant_id": tenant, "client_id": target.environment.get("AZURE_CLIENT_ID")}
    return {name: value for name, value in found.items() if value}


def _values(target: LiveTarget) -> dict[str, str]:
    """The variables that are set; the tenant may come from the configuration instead."""
    return {"AZURE_TENANT_ID": target.tenant, **{name: value for name, value in target.environment.items() if value}}


def _needed(target: LiveTarget, method: str) -> list[str]:
    """The values of the variables that `method` needs."""
    values = _values(target)
    names = _CONFIGURED.get(method, _APPLICATION)
    missing = [name for name in names if not values.get(name)]
    if missing:
        raise UsageError(f"--auth {method} needs {' and '.join(missing)}", f"set {' and '.join(missing)}")
    return [values[name] for name in names]


_CONFIGURED = {
    "secret": (*_APPLICATION, "AZURE_CLIENT_SECRET"),
    "certificate": (*_APPLICATION, "AZURE_CLIENT_CERTIFICATE_PATH"),
    "federated": (*_APPLICATION, "AZURE_FEDERATED_TOKEN_FILE"),
}
CHOICE = "AZURE_TOKEN_CREDENTIALS"
"""Limits the default chain to some of its ways."""
_TRIED_BY_US: Mapping[str, Collection[str]] = {
    "": _CONFIGURED,
    "prod": _CONFIGURED,
    "environmentcredential": ("secret", "certificate"),
    "workloadidentitycredential": ("federated",),
}
"""Which ways of `_CONFIGURED` each value of `CHOICE` leaves. Source: azure-identity, `DefaultAzureCredential`."""
_METHODS: Mapping[str, Callable[[LiveTarget, _Options], Method]] = {
    "default": _default,
    "secret": _secret,
    "certificate": _certificate,
    "federated": _federated,
    "github": _github,
    "managed": _managed,
    "cli": _cli,
    "device-code": _device_code,
    "browser": _browser,
}

"""What a sign-in may read, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Access:
    """One thing that has to be read, and what came of trying."""

    what: str
    """For people."""
    permissions: tuple[str, ...]
    """The least-privileged permissions that it takes, all of them."""
    lacking: tuple[str, ...] = ()
    """Those of them in whose place the token holds nothing."""
    refusal: str = ""
    """What came back where it could not be read; empty where it could, whatever the token says of itself."""


@dataclass(frozen=True, slots=True)
class Grant:
    """How an administrator gives the client a permission."""

    permission: str
    azure_cli: str
    powershell: str


@dataclass(frozen=True, slots=True)
class Examination:
    """Who signed in, and what that is good for. No token is in it."""

    tenant: str
    """Id in lower case; empty where the token does not say."""
    cloud: str
    credential: str
    """How it signed in, for people."""
    client: str
    """The appId that the token was issued to; empty where the token does not say."""
    delegated: bool
    """Whether the client acts for a person."""
    permissions: tuple[str, ...]
    """What the token holds."""
    accesses: Mapping[str, tuple[Access, ...]]
    """What each of the needs takes."""
    excess: tuple[str, ...] = ()
    """Permissions that the token holds and none of the needs takes."""
    grants: tuple[Grant, ...] = ()
    """For each permission that is lacking where something was refused."""

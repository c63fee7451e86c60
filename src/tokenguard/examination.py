"""What a sign-in may read, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tokenguard.model import CollectionNotice


class AccessState(StrEnum):
    """What came of trying to read something, and what the token says of itself beside that. The worst last."""

    HELD = "held"
    """It can be read, and the token holds every permission that it takes."""
    ANSWERED = "answered although missing"
    """It could be read just now, though the token does not hold every permission that it takes: it may not last."""
    UNREADABLE = "not readable"
    """Something other than a refusal came back, or nothing did."""
    REFUSED = "refused"
    """Answered 401 or 403, though the token holds every permission that it takes."""
    MISSING = "missing"
    """A permission is missing, and the call was answered 401 or 403, or none could be made."""


@dataclass(frozen=True, slots=True)
class Access:
    """One thing that has to be read, and what came of trying."""

    what: str
    """For people."""
    permissions: tuple[str, ...]
    """The least-privileged permissions that it takes, all of them."""
    lacking: tuple[str, ...] = ()
    """Those of them in whose place the token holds nothing."""
    answer: str = ""
    """The call and what came back, where it could not be read; empty where it could."""
    state: AccessState = AccessState.HELD

    @property
    def obstacle(self) -> str:
        """Why a rule that takes it counts as not evaluated, for people; empty where it does not."""
        missing = ", ".join(self.lacking)
        match self.state:
            case AccessState.HELD:
                return ""
            case AccessState.ANSWERED:
                return f"Answered although missing {missing}: {self.what}"
            case AccessState.UNREADABLE:
                return f"Not readable: {self.answer}"
            case AccessState.REFUSED:
                return f"Refused: {self.answer}"
            case AccessState.MISSING:
                return f"Missing {missing}: {self.answer}"


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
    """For each permission that is lacking."""
    notices: tuple[CollectionNotice, ...] = ()
    """What a scan would say of how it reads; with ``--strict`` a strict one leaves the rules over its type not
    evaluated."""

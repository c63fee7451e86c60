"""Which call an address speaks of, however it is spelt.

An *address* here is a path below the version root in lower case, with keys as segments:
``policies/tokenlifetimepolicies/{id}/appliesto``, ``serviceprincipals(appid='…')``, ``organization``.
Source: OData 4.01 URL Conventions, "Canonical URL" and "Key-as-Segment".
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

ORGANIZATION = "organization"
PRINCIPALS = "serviceprincipals"
APPLICATIONS = "applications"
POLICIES = "policies/tokenlifetimepolicies"
KINDS = (ORGANIZATION, PRINCIPALS, APPLICATIONS, POLICIES)
"""Addresses of the lists whose objects we read; an address begins with one of them or is of no use to us."""

DIRECTORY_OBJECTS = "directoryobjects"
"""What the context of an ``appliesTo`` names when it does not name the policy."""
APPLIES_TO = "/appliesto"
COUNT = "/$count"

_VERSION = re.compile(r"^(v1\.0|beta)/")
_KEY = re.compile(r"\('([^']*)'\)")
_ONE = re.compile(r"(/(?!\$)[^/]+|\(appid='[^']*'\))?")
"""What follows the address of a list in the address of one of its objects."""
_HELD = re.compile(f"{re.escape(POLICIES)}/([^/]+){re.escape(APPLIES_TO)}")


def split(url: str) -> SplitResult:
    """The parts of `url`; none of what is no URL."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def address(url: str) -> str:
    """The address of a call, given as URL of any cloud, or as path with or without version, slash and query."""
    path = unquote(split(url).path).strip("/")
    path = path.lower() if path.isascii() else path  # in lower case the Kelvin sign is a k
    return _KEY.sub(r"/\1", _VERSION.sub("", path))


def version(url: str) -> str:
    """The version of Graph that a call names; empty where it names none."""
    found = _VERSION.match(unquote(split(url).path).lower().lstrip("/"))
    return found[1] if found else ""


def kind_of_address(address_: str) -> str | None:
    """Which of `KINDS` the objects are that answer the call; None where that does not follow from it."""
    return next(
        (kind for kind in KINDS if _ONE.fullmatch(address_.removeprefix(kind)) and address_.startswith(kind)), None
    )


def is_list(address_: str) -> bool:
    """Whether the call, or the context, is of a list that we read."""
    return address_ in (*KINDS, DIRECTORY_OBJECTS) or bool(held_policy(address_))


def held_policy(address_: str) -> str:
    """The id of the policy whose ``appliesTo`` the call asks for; empty for another call."""
    found = _HELD.fullmatch(address_)
    return found[1] if found else ""


def same_call(url: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Equal for two spellings of one call, its query included."""
    return address(url), frozenset(parse_qsl(split(url).query))

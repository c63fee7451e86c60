"""Which call an address or an ``@odata.context`` speaks of, however it is spelt.

An *address* here is a path below the version root in lower case, with keys as segments:
``policies/tokenlifetimepolicies/{id}/appliesto``, ``serviceprincipals(appid='…')``, ``organization``.
Source: OData 4.01 Protocol, "Context URL"; OData 4.01 URL Conventions, "Canonical URL" and "Key-as-Segment".
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
_LIST = re.compile(r"\([^()]*\)")
_ONE = re.compile(r"(/(?!\$)[^/]+|\(appid='[^']*'\))?")
"""What follows the address of a list in the address of one of its objects."""
_HELD = re.compile(f"{re.escape(POLICIES)}/([^/]+){re.escape(APPLIES_TO)}")
_ENTITY = "/$entity"
_NARROWING = {"filter", "search", "skip"}
"""Without the ``$`` that Graph does not insist on. Source: Microsoft Graph, "Use query parameters"."""


def split(url: str) -> SplitResult:
    """The parts of `url`; none of what is no URL."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def address(url: str) -> str:
    """The address of a call, given as URL of any cloud, or as path with or without version, slash and query."""
    path = unquote(split(url).path).lower().strip("/")
    return _KEY.sub(r"/\1", _VERSION.sub("", path))


def context_address(context: str) -> str:
    """The address of the collection that an ``@odata.context`` names; its ``$select`` list does not matter."""
    name = _KEY.sub(r"/\1", unquote(split(context).fragment).lower().removesuffix(_ENTITY))
    while (shorter := _LIST.sub("", name)) != name:
        name = shorter
    return name


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


def contradict(named: str, told: str) -> bool:
    """Whether a list cannot be both what the call `named` and what the context `told` say, so far as either does."""
    anybodys = named.endswith(APPLIES_TO) and told == DIRECTORY_OBJECTS
    return is_list(named) and is_list(told) and named != told and not anybodys


def is_narrowed(url: str) -> bool:
    """Whether a call asks for some of a list only."""
    return not _NARROWING.isdisjoint(_options(url))


def is_continued(url: str) -> bool:
    """Whether a call asks for a page that is not the first."""
    return "skiptoken" in _options(url)


def same_call(url: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Equal for two spellings of one call, its query included."""
    return address(url), frozenset(parse_qsl(split(url).query))


def _options(url: str) -> set[str]:
    return {name.lower().removeprefix("$") for name, _ in parse_qsl(split(url).query, keep_blank_values=True)}

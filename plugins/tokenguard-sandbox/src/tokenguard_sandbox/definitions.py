"""Which definitions of a policy can be written: the sandbox's own reading of what is documented, not tokenguard's.

Microsoft documents one notation, the range, and that a value out of range is refused; what becomes of other notations
is not documented. So that a client cannot rely on it, here they are refused, unless the setting says otherwise.
Source: Microsoft Learn, "Configurable token lifetimes", 2026-04-08; Microsoft Graph v1.0, tokenLifetimePolicy.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tokenguard_sandbox.lifetimes import LONGEST, SHORTEST, seconds

LIFETIME = "AccessTokenLifetime"
RETIRED = (
    "MaxInactiveTime",
    "MaxAgeSingleFactor",
    "MaxAgeMultiFactor",
    "MaxAgeSessionSingleFactor",
    "MaxAgeSessionMultiFactor",
)
"""Documented, and without effect since 2021: a definition of these alone has settings, so it can be written."""
_TIME_OF_DAY = re.compile(r"\d{2}:[0-5]\d:[0-5]\d", re.ASCII)
_RETIRED_VALUE = re.compile(r"until-revoked|(?:[1-9]\d{0,2}\.)?(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d", re.ASCII)


def as_documented(definition: object) -> bool:
    """Whether this string of a definition is written exactly as documented, with a setting, and in range.

    Spaces between the parts of the JSON do not matter; names, letter case, Version and digits do.
    """
    body = _body(definition)
    if body is None or type(version := body.pop("Version", None)) is not int or version != 1:
        return False
    return bool(body) and all(_fits(name, value) for name, value in body.items())


def _fits(name: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    if name == LIFETIME:
        return _TIME_OF_DAY.fullmatch(value) is not None and SHORTEST <= (seconds(value) or 0) <= LONGEST
    return name in RETIRED and _RETIRED_VALUE.fullmatch(value) is not None


def _body(definition: object) -> dict[str, Any] | None:
    """The settings of a definition; None where it is no JSON object of TokenLifetimePolicy alone."""
    try:
        document = json.loads(definition, object_pairs_hook=_once) if isinstance(definition, str) else None
    except (ValueError, RecursionError):  # the latter for brackets without end
        return None
    body = document.pop("TokenLifetimePolicy", None) if isinstance(document, dict) else None
    return body if isinstance(body, dict) and not document else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members

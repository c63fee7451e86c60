"""What an ``@odata.context`` says: which collection an answer is of, and of which version of Graph.

An answer counts only for the call that its own context confirms: most answers without rows look alike otherwise, be
they of policies, of people or of nothing that a tenant has.
Source: OData 4.01 Protocol, "Context URL"; OData 4.01 JSON Format, "Control Information".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from tokenguard.entra.saved.calls import (
    APPLICATIONS,
    APPLIES_TO,
    DIRECTORY_OBJECTS,
    POLICIES,
    PRINCIPALS,
    held_policy,
    kind_of_address,
    split,
)

CONTEXT, NEXT, COUNT, DELTA = "context", "nextlink", "count", "deltalink"
"""The annotations that we read, without what differs between versions of OData."""

_PLAIN = re.compile(r"[ -~]+")
_PREFIXES = ("@odata.", "@", "odata.")
"""Of OData 4.0, 4.01 and 3.0."""
_ENTITY = "/$entity"
_SELECT = re.compile(r"\([\w.,/*+() ]*\)")
_HELD = re.compile(r"(?:policies/)?tokenlifetimepolicies(?:\('([^'/()]+)'\)|/([^/()]+))/appliesto")
_HOLDERS = frozenset(
    {
        DIRECTORY_OBJECTS,
        PRINCIPALS,
        APPLICATIONS,
        *(
            form.format(type_)
            for form in ("collection(microsoft.graph.{})", f"{DIRECTORY_OBJECTS}/microsoft.graph.{{}}")
            for type_ in ("serviceprincipal", "application")
        ),
        "collection(microsoft.graph.directoryobject)",
    }
)
"""What the context of an ``appliesTo`` may name beside that very list: the objects of Entra, or those that can hold a
policy, as collection or as type.

Source: Microsoft Graph v1.0, "List appliesTo" of tokenLifetimePolicy.
"""


def annotation(document: Mapping[str, Any], name: str, of: str = "") -> Any:
    """The annotation `name` of `document`, or of its property `of`; None where it has none.

    Of two that differ neither counts: then it is a text that says nothing.
    """
    found = [document[key] for prefix in _PREFIXES for key in _keys(document, f"{of}{prefix}{name}")]
    if not found:
        return None
    return found[0] if all(value == found[0] for value in found) else "?"


def other_link(document: Mapping[str, Any]) -> str:
    """A key of `document` that is no annotation of ours, and may lead to a next page; empty where there is none."""
    ours = {f"{prefix}{NEXT}" for prefix in _PREFIXES}
    return next((key for key in document if (name := key.lower()).endswith(NEXT) and name not in ours), "")


def _keys(document: Mapping[str, Any], wanted: str) -> list[str]:
    return [key for key in document if len(key) == len(wanted) and key.lower() == wanted.lower()]


def told_by(document: Mapping[str, Any], of: str = "") -> str | None:
    """The address of the collection that the context of `document`, or of its property `of`, names.

    None where there is no context, empty where it names nothing. ``/$entity`` and the properties of a ``$select`` do
    not matter.
    """
    if not any(_keys(document, f"{of}{prefix}{CONTEXT}") for prefix in _PREFIXES):
        return None
    context = annotation(document, CONTEXT, of)
    parts = split(context) if isinstance(context, str) and _PLAIN.fullmatch(context) else split("")
    path = unquote(parts.path).lower()
    if parts.query or path.rpartition("/")[2] != "$metadata":
        return ""
    return _collection(unquote(parts.fragment))


def _collection(name: str) -> str:
    if not _PLAIN.fullmatch(name):  # in lower case the Kelvin sign is a k
        return ""
    name = name.lower().removesuffix(_ENTITY)
    if name in _HOLDERS:
        return name
    name = _without_select(name)
    if held := _HELD.fullmatch(name):
        return f"{POLICIES}/{held[1] or held[2]}{APPLIES_TO}"
    return f"policies/{name}" if f"policies/{name}" == POLICIES else name


def _without_select(name: str) -> str:
    """`name` without the list of properties at its end, which may have others inside."""
    if not name.endswith(")"):
        return name
    depth = 0
    for at in range(len(name) - 1, -1, -1):
        depth += (name[at] == ")") - (name[at] == "(")
        if depth == 0:
            return name[:at] if _SELECT.fullmatch(name, at) else name
    return name


def version_of(document: Mapping[str, Any]) -> str:
    """The version that the context of `document` is of, in lower case; empty where it does not say."""
    context = annotation(document, CONTEXT)
    path = split(context).path if isinstance(context, str) else ""
    return path.lower().rpartition("/")[0].rpartition("/")[2]


def confirms(told: str, call: str) -> bool:
    """Whether an answer whose context names `told` can be the answer to `call`, an address.

    What a plugin calls may stand in the context with less of its path: Microsoft documents
    ``#conditionalAccess/policies`` for ``/identity/conditionalAccess/policies``.
    """
    if kind := kind_of_address(call):
        return told == kind
    if held_policy(call):
        return told == call or told in _HOLDERS
    named = told.strip("/")
    return bool(named) and any(f"/{path}".endswith(f"/{named}") for path in (call, call.rpartition("/")[0]))

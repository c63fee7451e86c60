"""How one property is read from a fact: a value, null, or unknown with the reason.

Graph sends every property that was asked for, null where it has none. A key that is missing was not asked for by
whoever made the answer, so nothing is known of it; that is not the same as null.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from tokenguard.model import Fact, Resource

T = TypeVar("T")

GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""The regular expression of an identifier in lower case, as `guid` gives it."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Stands where a value would, for what could not be determined."""

    reason: str

    def of(self, name: str) -> Unknown:  # noqa: ARG002  (as a subclass has it)
        """The same, of the property `name`."""
        return self


@dataclass(frozen=True, slots=True)
class NotHeld(Unknown):
    """Stands for whatever an answer does not hold, although it was asked for."""

    answer: str = "the answer that was read"

    def of(self, name: str) -> Unknown:
        """What hangs on the property is unknown for its reason, and that has to say which property it was."""
        return Unknown(f"{self.answer} does not hold {name}")


NOT_ASKED = Unknown("not asked for: no selected rule reads it")
NOT_HELD = NotHeld("the answer that was read does not hold it")


def not_held(call: str) -> NotHeld:
    """Of what the answer to `call` does not hold."""
    answer = f"GET {call}: the answer"
    return NotHeld(f"{answer} does not hold it", answer)


def text(fact: Fact, name: str, missing: Unknown = NOT_HELD) -> str | Unknown | None:
    """The string `name` of `fact`; `missing` where there is no such key."""
    return _typed(fact, name, str, missing)


def flag(fact: Fact, name: str, missing: Unknown = NOT_HELD) -> bool | Unknown | None:
    """The boolean `name` of `fact`; `missing` where there is no such key."""
    return _typed(fact, name, bool, missing)


def guid(fact: Fact, name: str, missing: Unknown = NOT_HELD) -> str | Unknown | None:
    """The identifier `name` of `fact` in lower case: Graph ignores letter case in GUIDs, comparisons do not."""
    value = text(fact, name, missing)
    return value.lower() if isinstance(value, str) else value


def member(fact: Fact, name: str, members: Collection[str], missing: Unknown = NOT_HELD) -> str | Unknown | None:
    """The enum value `name` of `fact`, spelt as in `members` whatever its letter case; another one as it was sent.

    Microsoft's own examples do not agree on the letter case of enum values: ``ResellerPartnerDelegatedAdmin`` on the
    page of organization is ``resellerPartnerDelegatedAdmin`` in the list of its values (Graph v1.0).
    """
    value = text(fact, name, missing)
    if not isinstance(value, str):
        return value
    return next((known for known in members if known.lower() == value.lower()), value)


def first_unknown(*values: object) -> Unknown | None:
    """The first of `values` that is unknown: what depends on all of them is unknown for its reason."""
    return next((value for value in values if isinstance(value, Unknown)), None)


def contradiction(fact: Fact) -> str:
    """Why nothing can be read from `fact`; empty where that is not so.

    Graph's names are read as they are spelt, so beside `definition` a `Definition` would be passed over; which of the
    two is meant, nobody knows. Names that are not of letters alone, as a tenant's own ``extension_…``, are never read.
    """
    return _in_two_cases(tuple(fact))


@lru_cache(maxsize=1024)  # the rows of a list have the same names
def _in_two_cases(names: tuple[str, ...]) -> str:
    spelt: dict[str, str] = {}
    own = (name for name in names if name.isalpha())
    twin = next((name for name in own if spelt.setdefault(name.lower(), name) != name), None)
    return "" if twin is None else f"has one property in two letter cases, {spelt[twin.lower()]} and {twin}"


def make_resource(
    type_: str,
    id_: str,
    name: object,
    properties: Mapping[str, Any],
    possible: Sequence[Mapping[str, Any]] = (),
) -> Resource:
    """A resource whose unknown properties are null, with their reasons beside; without a name it goes by its id."""
    return Resource(
        type_,
        id_,
        name if isinstance(name, str) and name else id_,
        {key: None if isinstance(value, Unknown) else value for key, value in properties.items()},
        {key: value.reason for key, value in properties.items() if isinstance(value, Unknown)},
        possible=possible,
    )


def _typed(fact: Fact, name: str, kind: type[T], missing: Unknown) -> T | Unknown | None:
    if name not in fact:
        return missing.of(name)
    value = fact[name]
    if value is None or isinstance(value, kind | Unknown):  # a folder of saved answers knows why it could not be read
        return value
    return Unknown(f"{name} is a {type(value).__name__} where Graph documents a {kind.__name__}")

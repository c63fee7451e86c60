"""What the `definition` of a token lifetime policy says, whatever people have written into it.

Microsoft documents one string of JSON, ``{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"08:00:00"}}``, and
not what Entra makes of anything else. So what can have one meaning only is read, and noted where it is spelt otherwise:
other letter case, ``8:00:00``, ``00:90:00``, a missing Version or ``"1"``, several strings of one lifetime, and a
setting given twice with one meaning. What can have two meanings, or none, is a problem, and then the lifetime is
unknown, never a guess: a string that is no JSON or has no TokenLifetimePolicy, a lifetime that is no text or not in
Graph's notation (``until-revoked`` was for retired settings only), a setting given twice with different lifetimes, be
it in one string or in two, and a lifetime in one of two strings, or of two TokenLifetimePolicy in one, while the other
sets none. An empty list sets nothing; an empty string is no JSON.

Whatever departs from the documentation may also make Entra ignore the policy as a whole: a lifetime out of range, and
all of the above but ``8:00:00``, which Microsoft's own examples have. These are its doubts. What the definition says if
Entra heeds it all the same is its word. A Version other than 1, and a string that is a JSON object only once it is
unescaped, have a word and are problems: nobody can say that the policy sets what stands there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tokenguard.durations import format_timespan, humanize, parse_timespan
from tokenguard.entra.reading import Unknown
from tokenguard.entra.written import Members, load, printable, shown
from tokenguard.errors import DurationError

SHORTEST = timedelta(minutes=10)
LONGEST = timedelta(hours=23, minutes=59, seconds=59)
"""The range Entra accepts. Source: Microsoft Learn, "Configurable token lifetimes", 2026-04-08."""

ACCESS_TOKEN_LIFETIME = "AccessTokenLifetime"  # noqa: S105  (no password)
RETIRED = (
    "MaxInactiveTime",
    "MaxAgeSingleFactor",
    "MaxAgeMultiFactor",
    "MaxAgeSessionSingleFactor",
    "MaxAgeSessionMultiFactor",
)
"""Settings of refresh and session tokens, ignored by Entra since 2021-01-30 (same source)."""

ROOT = "TokenLifetimePolicy"
VERSION = "Version"
_DOCUMENTED = re.compile(r"(?:[0-9]+\.)?[0-9]{1,2}:[0-5][0-9]:[0-5][0-9]")
"""``dd.hh:mm:ss``, the days left out where there are none: the Graph page; one digit of hours: Microsoft's examples."""
_CANONICAL = {name.lower(): name for name in (ROOT, VERSION, ACCESS_TOKEN_LIFETIME, *RETIRED)}


def canonical_name(name: str) -> str | None:
    """The documented spelling of a name, which Entra has been given in any case; None for one that is not documented.

    Only of ASCII: in lower case the Kelvin sign is a k.
    """
    return _CANONICAL.get(name.lower()) if name.isascii() else None


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition as far as it could be read."""

    lifetime: timedelta | Unknown | None
    """What it sets for access, ID and SAML tokens, also outside the accepted range; None where it sets nothing."""
    settings: tuple[str, ...]
    """Supported settings that it gives, whether their value could be read or not; canonically spelt."""
    retired: tuple[str, ...]
    """Canonically spelt."""
    unknown: tuple[str, ...]
    """Settings that Microsoft documents nowhere, as written."""
    spellings: tuple[str, ...]
    """What is readable but not written as documented today, one ``found -> canonical`` each."""
    problems: tuple[str, ...]
    """What could not be read, or contradicts itself, a sentence each; empty where all is understood."""
    complete: bool
    """False where some part could not be read, which may hold settings that are not listed here."""
    word: timedelta | Unknown | None
    """What it sets if Entra heeds it; other than `lifetime` where only that is in question."""
    doubts: tuple[str, ...]
    """Why Entra may ignore the policy as a whole, a clause each; empty where all is as Microsoft documents it."""

    @property
    def out_of_range(self) -> bool | Unknown:
        """Whether the lifetime lies outside what Entra accepts."""
        if isinstance(self.lifetime, Unknown):
            return self.lifetime
        return self.lifetime is not None and not SHORTEST <= self.lifetime <= LONGEST


def parse_definition(strings: Sequence[object]) -> Definition:
    """Read the strings of a policy's `definition`. Never raises; the module's text says what is read how."""
    reading = _Reading()
    for string in strings:
        reading.read_string(string)
    if len(strings) > 1:
        reading.spellings.append(f"{len(strings)} strings -> one string")
    if reading.bodies:
        reading.read_version()
        reading.read_agreement()
    lifetime = reading.read_lifetime()
    spellings = tuple(dict.fromkeys((*reading.spellings, *reading.repeated())))
    problems = tuple(dict.fromkeys((*reading.problems, *reading.refused)))
    unknown = tuple(dict.fromkeys(reading.unknown))
    return Definition(
        lifetime=Unknown("; ".join(problems)) if problems else lifetime,
        settings=(ACCESS_TOKEN_LIFETIME,) if ACCESS_TOKEN_LIFETIME in reading.settings else (),
        retired=tuple(name for name in RETIRED if name in reading.settings),
        unknown=unknown,
        spellings=spellings,
        problems=problems,
        complete=reading.complete,
        word=Unknown("; ".join(dict.fromkeys(reading.problems))) if reading.problems else lifetime,
        doubts=(*sorted(problems), *_departures(spellings, unknown, lifetime)),
    )


def _departures(spellings: Sequence[str], unknown: Sequence[str], lifetime: timedelta | None) -> Iterator[str]:
    """What can be read, and is not as Microsoft documents it; in an order that does not hang on that of the keys."""
    if lifetime is not None and not SHORTEST <= lifetime <= LONGEST:
        yield f"it sets {humanize(lifetime)}, and Entra accepts {humanize(SHORTEST)} to {humanize(LONGEST)}"
    found = sorted(each.partition(" -> ")[0] for each in spellings)
    yield from (f"it is written with {each}" for each in found if not _DOCUMENTED.fullmatch(each))
    if unknown:
        yield f"it has {', '.join(sorted(unknown))}, which Microsoft documents nowhere"


class _Reading:
    """What has been gathered while the strings are read one after the other."""

    def __init__(self) -> None:
        self.settings: dict[str, list[Any]] = {}
        """Canonical name to every value it was given."""
        self.unknown: list[str] = []
        self.spellings: list[str] = []
        self.problems: list[str] = []
        """What has no meaning, or more than one."""
        self.refused: list[str] = []
        """What has one meaning, though nothing that is documented lets Entra see it."""
        self.bodies = 0
        self.silent = 0
        """Bodies that set no lifetime."""
        self.complete = True

    def read_string(self, string: object) -> None:
        try:
            document, problem = load(string)
        except ValueError as error:
            self._give_up(f"{shown(string)} is not JSON: {error}")
            return
        if problem:
            self.refused.append(f"{shown(string)} is no JSON object as it stands: {problem}")
            self.complete = False
        bodies = [value for _, value in self._named(document, within=False)]
        if not bodies:
            self._give_up(f"{shown(string)} has no {ROOT}")
        for body in bodies:
            if isinstance(body, Members):
                settings = list(self._named(body, within=True))
                self.bodies += 1
                self.silent += ACCESS_TOKEN_LIFETIME not in dict(settings)
                for name, value in settings:
                    self.settings.setdefault(name, []).append(value)
            else:
                self._give_up(f"{ROOT} is {shown(body)}, not an object of settings")

    def read_version(self) -> None:
        if VERSION not in self.settings:
            self.spellings.append(f"no {VERSION} -> {VERSION} 1")
        for version in self.settings.get(VERSION, []):
            if version in ("1", 1) and not isinstance(version, bool):
                if not isinstance(version, int):
                    self.spellings.append(f"{VERSION} {shown(version)} -> {VERSION} 1")
            else:
                self.refused.append(f"{VERSION} is {shown(version)}; Microsoft documents 1 only")

    def read_agreement(self) -> None:
        """Where not every body sets a lifetime, and which of them Entra heeds is not documented, any may be set."""
        if 0 < self.silent < self.bodies:
            self._give_up(f"{self.silent} of {self.bodies} {ROOT} set no {ACCESS_TOKEN_LIFETIME}, and others do")

    def read_lifetime(self) -> timedelta | None:
        """What all values agree on; where they do not, that is noted as a problem."""
        found: dict[timedelta, str] = {}
        for value in self.settings.get(ACCESS_TOKEN_LIFETIME, []):
            lifetime = self._parse(value)
            if lifetime is not None:
                found.setdefault(lifetime, value)
        if len(found) > 1:
            self.problems.append(f"{ACCESS_TOKEN_LIFETIME} is given as {' and as '.join(found.values())}")
        return next(iter(found), None)

    def repeated(self) -> Iterator[str]:
        return (f"{name} {len(values)} times -> once" for name, values in self.settings.items() if len(values) > 1)

    def _parse(self, value: object) -> timedelta | None:
        try:
            lifetime = parse_timespan(value if isinstance(value, str) else "")
        except DurationError:
            self.problems.append(f"{ACCESS_TOKEN_LIFETIME} is {shown(value)}, not a lifetime such as 08:00:00")
            return None
        canonical = format_timespan(lifetime)
        if SHORTEST <= lifetime <= LONGEST and value != canonical:
            self.spellings.append(f"{value} -> {canonical}")
        return lifetime

    def _named(self, members: Members, *, within: bool) -> Iterator[tuple[str, Any]]:
        """The members that belong here, under their canonical names; the others are noted."""
        for name, value in members:
            canonical = canonical_name(name)
            if canonical is None:
                self.unknown.append(printable(name))
            elif within == (canonical == ROOT):
                self._give_up(f"{canonical} stands {'inside' if within else 'outside'} {ROOT}")
            else:
                if name != canonical:
                    self.spellings.append(f"{name} -> {canonical}")
                yield canonical, value

    def _give_up(self, problem: str) -> None:
        self.problems.append(problem)
        self.complete = False

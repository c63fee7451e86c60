"""Lengths of time in the three notations we meet: Microsoft Graph's, ISO 8601's, and people's.

Every length is a `timedelta` of whole seconds, zero or more; nothing here knows which lengths a setting accepts.
"""

from __future__ import annotations

import re
from datetime import timedelta

from tokenguard.errors import DurationError

_TIMESPAN = re.compile(r"(?:([0-9]{1,8})\.)?([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})")
# NOTE: at most eight digits each, which keeps every sum inside timedelta's range; .NET's TimeSpan ends at 8 digits too.
_ISO8601 = re.compile(
    r"P(?:(?P<weeks>[0-9]{1,8})W"
    r"|(?=[0-9T])(?:(?P<days>[0-9]{1,8})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,8})H)?(?:(?P<minutes>[0-9]{1,8})M)?(?:(?P<seconds>[0-9]{1,8})S)?)?)"
)


def parse_timespan(text: str) -> timedelta:
    """Read a lifetime as Graph writes it, ``[d.]h:m:s`` with one or two digits each, e.g. ``"1.08:30:00"``.

    ``00:90:00`` is ninety minutes: Microsoft documented that spelling until 2025, and policies still hold it.
    Raises `DurationError` for anything else, including signs, fractions and ``until-revoked``.
    Source: Microsoft Learn, "Configurable token lifetimes", 2025 (``D.HH:MM:SS``) and 2026 (``hh:mm:ss``).
    """
    match = _TIMESPAN.fullmatch(text)
    if match is None:
        raise DurationError(
            f"{text[:40]!r} is not a lifetime as Microsoft Graph writes it",
            "write hours, minutes and seconds with two digits each, e.g. 08:00:00",
        )
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def format_timespan(length: timedelta) -> str:
    """Write `length` as Microsoft documents it today, ``HH:MM:SS``; from one day on ``d.HH:MM:SS``."""
    days, hours, minutes, seconds = _parts(length)
    clock = f"{hours:02}:{minutes:02}:{seconds:02}"
    return f"{days}.{clock}" if days else clock


def parse_iso8601(text: str) -> timedelta:
    """Read an ISO 8601 duration of weeks, or of days, hours, minutes and seconds: ``"PT1H30M"``, ``"P1D"``, ``"P2W"``.

    Raises `DurationError` for anything else: years and months have no fixed length, and fractions no use here.
    """
    match = _ISO8601.fullmatch(text)
    if match is None:
        raise DurationError(
            f"{text[:40]!r} is not a duration in ISO 8601 notation (days, hours, minutes, seconds)",
            _iso8601_hint(text),
        )
    return timedelta(**{unit: int(number) for unit, number in match.groupdict(default="0").items()})


def format_iso8601(length: timedelta) -> str:
    """Write `length` in ISO 8601 notation: ``"PT8H"``, ``"P1DT12H"``, ``"PT0S"``."""
    days, *clock = _parts(length)
    date = f"{days}D" if days else ""
    time = "".join(f"{number}{unit}" for number, unit in zip(clock, "HMS", strict=True) if number)
    if not date and not time:
        return "PT0S"
    return f"P{date}T{time}" if time else f"P{date}"


def humanize(length: timedelta) -> str:
    """Write `length` for people, exactly: ``"8 h"``, ``"1 h 30 min"``, ``"59 min 59 s"``, ``"1 d 4 h"``, ``"0 s"``."""
    units = zip(_parts(length), ("d", "h", "min", "s"), strict=True)
    return " ".join(f"{number} {unit}" for number, unit in units if number) or "0 s"


def time_left(elapsed: float, done: int, total: int) -> str:
    """How long the rest of `total` takes if it goes on as what is `done`, which took `elapsed` seconds; to be appended.

    Empty while nothing is done, and where less than a second is left.
    """
    seconds = int(elapsed / done * (total - done)) if done else 0
    return f", about {humanize(timedelta(seconds=seconds))} left" if seconds else ""


def _parts(length: timedelta) -> tuple[int, int, int, int]:
    """Days, hours, minutes and seconds of `length`."""
    if length < timedelta() or length.microseconds:
        raise DurationError(f"{length} is not a length in whole seconds", "give zero or more whole seconds")
    hours, rest = divmod(length.seconds, 3600)
    return length.days, hours, *divmod(rest, 60)


def _iso8601_hint(text: str) -> str:
    try:
        return f"write {format_iso8601(parse_timespan(text))} for {text}"
    except DurationError:
        return "write e.g. PT8H for eight hours, PT1H30M, PT45M or P1D"

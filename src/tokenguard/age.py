"""How old what was read of a tenant is, in words, and whether it is too old to judge by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tokenguard.durations import humanize
from tokenguard.model import Header

NOTICED = timedelta(days=7)
"""From this age on a verdict is given with a notice, and with ``--strict`` not at all."""
SKEW = timedelta(minutes=5)
"""By so much the clock of another machine may be ahead."""
_NOW = timedelta(minutes=1)
_TO_THE_MINUTE, _TO_THE_HOUR = timedelta(days=1), timedelta(days=7)


def in_words(header: Header, now: datetime) -> str:
    """``read 3 d 4 h before this scan``: the part of a verdict that says of when it is. `now`: when it was given."""
    age = _age(header, now)
    if not header.dated:
        return f"saved answers at least {_rounded(age)} old" if age >= _NOW else "saved answers of unknown age"
    if age < -SKEW:
        return f"dated {_rounded(-age)} after this scan"
    return f"read {_rounded(age)} before this scan" if age >= _NOW else "read for this scan"


def flaw(header: Header, now: datetime, limit: timedelta | None, *, strict: bool) -> str:
    """Why nothing is judged by what was read; empty where it is young enough.

    `limit`: the greatest age, if one was set. An age that is not known is greater than any limit. Without a limit
    everything is young enough, but with `strict` what there would be a notice of is not.
    """
    age, said = _age(header, now), in_words(header, now)
    if limit is None:
        if strict and (age >= NOTICED or age < -SKEW):
            return f"old: {said}; with --strict no more than {humanize(NOTICED)}, or than --max-age says"
        return ""
    allowed = f"--max-age allows {humanize(limit)}"
    if age > limit:
        return f"old: {said}, and {allowed}"
    return f"old, for all that is known: {said}, and {allowed}" if not header.dated or age < -SKEW else ""


def notices(header: Header, now: datetime) -> Iterator[str]:
    """What a verdict has to say of the age, beside the age."""
    age, said = _age(header, now), in_words(header, now)
    if age >= NOTICED:
        yield f"what was judged is old: {said}; collect it again"
    if age < -SKEW:
        when = f"{header.collected_at:%Y-%m-%d %H:%M %Z}"
        yield f"what was judged bears a date in the future, {when}, so its age is not known: look at the clocks"


def _age(header: Header, now: datetime) -> timedelta:
    """Negative where the date is in the future."""
    return now - header.collected_at


def _rounded(length: timedelta) -> str:
    """To the minute below a day, to the hour below a week, and then to the day."""
    unit = timedelta(minutes=1) if length < _TO_THE_MINUTE else timedelta(hours=1 if length < _TO_THE_HOUR else 24)
    return humanize(length // unit * unit)

"""Whether a list came whole: as many objects as Graph counts of it.

A list that lost a row or its last page on the way is sound by itself; only its ``$count`` tells. Both are eventually
consistent, so what does not agree is asked for once more before anything is concluded.
Source: Microsoft Graph, "Advanced query capabilities on Microsoft Entra ID objects".
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping

from tokenguard.entra.facts import because
from tokenguard.entra.reading import contradiction
from tokenguard.hookspecs import ReadFailure, Source
from tokenguard.model import CollectionNotice, Fact

COUNT = "/$count"
"""What follows the path of a list in the call that counts it."""
_PAUSE = 3.0
"""Seconds before what does not agree is asked for again."""
_READ_TWICE = 999
"""So many objects are one page, and cheap to read once more."""
_PARTS = 64

Count = int | ReadFailure


def complete(source: Source, call: str, counted: Count) -> Iterator[Fact | ReadFailure]:
    """Every row of the list `call`, and a failure behind the last where Graph counts more objects than came.

    `counted` is what the ``$count`` of the list came to; where that is no number, the list is taken at its word. An
    object that is sent twice is one. Where objects seem to be missing, Graph counts once more after a pause, and a list
    of one page is read once more, of which only what is new is given.
    """
    if not isinstance(counted, int):
        yield from _rows(source, call)
        return
    seen = _Seen()
    see = seen.see
    for row in _rows(source, call):
        if isinstance(row, ReadFailure):
            yield row
            return
        see(row)
        yield row
    if len(seen) < counted:
        yield from _again(source, call, counted, seen)


def _again(source: Source, call: str, counted: int, seen: _Seen) -> Iterator[Fact | ReadFailure]:
    path, came = call.partition("?")[0], len(seen)
    count = path + COUNT
    source.pause(_PAUSE, f"{came} of {path} came where Graph counts {counted}")
    recounted = dict(source.answers([count])).get(count)
    if isinstance(recounted, int):
        counted = recounted
    if came < counted and came <= _READ_TWICE:
        second = _Seen()
        for row in _rows(source, call):
            if isinstance(row, ReadFailure):
                yield row
                return
            second.see(row)
            if row not in seen:
                yield row
        came = len(second)
    if came < counted:
        yield ReadFailure(path, f"GET {path}: {came} different objects came where GET {count} counts {counted}")


def _rows(source: Source, call: str) -> Iterator[Fact | ReadFailure]:
    """The rows of the list `call` as far as they can be read."""
    for row in source.rows(call):
        if not isinstance(row, ReadFailure) and (why := contradiction(row)):
            yield ReadFailure(call.partition("?")[0], f"GET {call.partition('?')[0]}: object {row.get('id')} {why}")
            return
        yield row


class _Seen:
    """Which objects came, in eight bytes for each, since a list can be longer than memory.

    Two of five million are taken for one by chance in one of a million lists.
    """

    def __init__(self) -> None:
        self._parts = [array("q") for _ in range(_PARTS)]
        self._nameless = 0

    def see(self, row: Fact) -> None:
        """Remember one row. Called for each: every step here costs."""
        id_ = row.get("id")
        if isinstance(id_, str):
            digest = hash(id_.lower())
            self._parts[digest % _PARTS].append(digest)
        else:
            self._nameless += 1

    def __contains__(self, row: Fact) -> bool:
        digest = hash(str(row.get("id")).lower())
        return digest in self._parts[digest % _PARTS]

    def __len__(self) -> int:
        """How many different ones; a part at a time, so that no set is large. What has no id is one each."""
        return self._nameless + sum(len(set(part)) for part in self._parts)


def notices(counts: Mapping[str, Count], types: Iterable[str], failed: Collection[str]) -> Iterator[CollectionNotice]:
    """What to know of lists that could not be compared with their count, for each of `types`, which derive from them.

    `counts` are by the type of what is listed; lists that lack their count for one reason are one line. Of a list in
    `failed`, which was not read to its end anyway, nothing is said.
    """
    reasons: dict[str, dict[str, str]] = {}
    for listed, count in counts.items():
        if isinstance(count, ReadFailure) and listed not in failed:
            why = because(count).reason.removeprefix(f"GET {count.call}: ")
            reasons.setdefault(why, {})[listed] = count.call
    for why, calls in reasons.items():
        asked = ", ".join(f"GET {call}" for call in calls.values())
        text = f"rows missing from a list do not show without its count: {asked}: {why}"
        for type_ in types:
            if type_ in calls or POLICY in calls:
                yield CollectionNotice(type_, text, strict=type_ in calls and type_ != POLICY)


POLICY = "tokenLifetimePolicy"
"""Every type derives from the list of these. Whether Graph counts it is not documented, so its count is no condition.

Source: Microsoft Graph, "Advanced query capabilities on Microsoft Entra ID objects", which lists no policies.
"""

"""What an author got wrong, said with the place and, where there is one, the nearest right name."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tokenguard.documents import Withheld, places_of
from tokenguard.errors import RuleError
from tokenguard.excerpts import FIRST, LONGEST
from tokenguard.untrusted import visible

LONGEST_QUOTE = 60
"""Characters of a found value that a message repeats."""
LONGEST_LIST = 24
"""Names to choose from that a message lists, and mistakes of a document that nothing is repeated of."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a document."""

    path: str
    """JSON Pointer to it; empty for the document as a whole."""
    text: str
    """What was found, and what was meant."""
    plain: str = "is not what is meant here"
    """The same without anything that the document says: all that there is to say of one that is `Withheld`."""
    key: str = ""
    """The member of the object at `path` that it is about, where `path` does not lead to it."""

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


def withheld(mistakes: Sequence[Mistake], data: Withheld, known: Collection[str]) -> Iterator[Mistake]:
    """The same of a document whose `data` no error repeats: with line and column, and the `known` keys on the way.

    Of many the first `LONGEST_LIST`, and the number of the rest: to find the place of each takes time.
    """
    told = mistakes[:LONGEST_LIST]
    paths = (pointer(mistake.path, mistake.key) if mistake.key else mistake.path for mistake in told)
    steps = [tuple(map(_unescaped, path.split("/")[1:])) for path in paths]
    for mistake, (place, path) in zip(told, places_of(data, steps), strict=True):
        shown = pointer("", *(step if isinstance(step, int) or step in known else "*" for step in path))
        yield Mistake("", f"{place}: {Mistake(shown, mistake.plain)}")
    if len(mistakes) > len(told):
        yield Mistake("", f"and {len(mistakes) - len(told)} more")


def keys_of(schema: Any) -> frozenset[str]:
    """The names of all properties that a JSON Schema, or what is within it, speaks of."""
    parts: Iterable[Any] = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    own = schema.get("properties", ()) if isinstance(schema, dict) else ()
    return frozenset(own).union(*map(keys_of, parts))


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def pointer(path: str, *steps: str | int) -> str:
    """`path` with `steps` below it, as a JSON Pointer (RFC 6901)."""
    return path + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def quote(value: Any) -> str:
    """`value` as JSON, cut short where it is long; what JSON cannot say (a date from TOML) as its text."""
    return cut(json.dumps(_beginning(value, iter(range(LONGEST_QUOTE))), ensure_ascii=False, default=str))


def cut(text: str) -> str:
    """`text`, cut short where it is longer than a quote may be."""
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"


def _beginning(value: Any, room: Iterator[int]) -> Any:
    """As much of `value` as a quote can show, a list as `shown` has it: what is refused is not copied for that."""
    if next(room, None) is None:
        return None
    match value:
        case list() | tuple() if len(value) > LONGEST:
            return {"count": len(value), "first": _beginning(value[:FIRST], room)}
        case list() | tuple():
            return [_beginning(item, room) for item in value]
        case dict():
            return {_start(key): _beginning(item, room) for key, item in islice(value.items(), LONGEST_QUOTE)}
        case _:
            return _start(value)


def _start(value: Any) -> Any:
    return value[:LONGEST_QUOTE] if isinstance(value, str) else value


def did_you_mean(found: object, known: Collection[str]) -> str:
    """``; did you mean "x"?`` with the nearest of `known`, else what there is to choose from, if that is not much."""
    listed = f"; there is {', '.join(sorted(known))}" if 0 < len(known) <= LONGEST_LIST else ""
    return nearest(found, known) or listed


def nearest(found: object, known: Collection[str]) -> str:
    """The same with the nearest of `known` alone; empty where none is near."""
    from difflib import get_close_matches  # noqa: PLC0415  (only a mistake needs it)

    lower = {name.lower(): name for name in known}
    near = get_close_matches(str(found).lower(), lower, n=1, cutoff=0.6)
    return f"; did you mean {quote(lower[near[0]])}?" if near else ""


_CHECK = "`tokenguard rules check PATH` checks rule files on their own"


def rule_error(mistakes: Mapping[str, Sequence[Mistake]], where: str = "the rules", hint: str = _CHECK) -> RuleError:
    """All `mistakes`, by the file they are in, as one error: one line each."""
    lines = [visible(f"{source}: {mistake}") for source, found in mistakes.items() for mistake in dict.fromkeys(found)]
    title = f"1 mistake in {where}" if len(lines) == 1 else f"{len(lines)} mistakes in {where}"
    return RuleError("\n  ".join([f"{title}:", *lines]), hint)

"""Exemptions: somebody's decisions that a rule does not apply to a resource, or applies with another limit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from tokenguard.documents import Withheld, parse_document
from tokenguard.errors import DocumentError
from tokenguard.judging.engine import document_mistakes
from tokenguard.model import Exemption, Resource, ResourceType, Rule
from tokenguard.rules.mistakes import Mistake, keys_of, pointer, quote, withheld
from tokenguard.rules.parameters import setting_mistakes
from tokenguard.schemas import schema

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/|$)", re.IGNORECASE)
"""What is an id can be nobody's name: whoever may name an application could else borrow another's exemption."""


def parse_exemptions(
    data: bytes,
    source: str,
    rules: Iterable[Rule],
    types: Mapping[str, ResourceType],
    elsewhere: Callable[[str], bool] = lambda _: False,
) -> tuple[Exemption, ...]:
    """Read an exemptions file for `rules` over `types`, all that were loaded, selected for this run or not.

    Errors repeat nothing of it: it may have arrived with a checkout, and be a link to what did not.
    `elsewhere` knows the ids of rules that were not: an exemption from one of those is read, and applies to nothing.

    Raises `DocumentError` with every mistake in it: of form, of a rule or parameter that there is not, of a value that
    the parameter or a property does not take, of two decisions about one rule and resource.
    """
    data = Withheld(data)
    document = parse_document(data, source)
    mistakes = document_mistakes(schema("exemptions"), document)
    if not mistakes:
        mistakes = list(_meaning_mistakes(document["exemptions"], {rule.id: rule for rule in rules}, types, elsewhere))
    if mistakes:
        lines = "\n  ".join(map(str, withheld(mistakes, data, keys_of(schema("exemptions")))))
        raise DocumentError(f"{source}: not a file of exemptions:\n  {lines}", "correct the file at these places")
    return tuple(_exemption(entry, source, index) for index, entry in enumerate(document["exemptions"]))


def _meaning_mistakes(
    entries: Sequence[Mapping[str, Any]],
    rules: Mapping[str, Rule],
    types: Mapping[str, ResourceType],
    elsewhere: Callable[[str], bool],
) -> Iterator[Mistake]:
    """What a JSON Schema cannot say."""
    first: dict[tuple[str, str], int] = {}
    for index, entry in enumerate(entries):
        here = pointer("/exemptions", index)
        if not _is_date(entry["expires"]):
            yield _mistake(f"{here}/expires", "is no date, e.g. 2027-06-30")
        if entry["rule"] in rules:
            rule = rules[entry["rule"]]
            for name, value in entry.get("parameters", {}).items():
                place = pointer(here, "parameters", name)
                if name in rule.selecting:
                    yield _mistake(
                        place,
                        f"an exemption from {rule.id} cannot set {quote(name)}: the rule's `select` reads it, and would"
                        " no longer be about the resource; leave `parameters` out to exempt it",
                    )
                for mistake in setting_mistakes(rule, {name: value}, types[rule.resource].schema):
                    yield Mistake(place, mistake.text, mistake.plain)
        elif not elsewhere(entry["rule"]):
            yield _mistake(f"{here}/rule", "there is no rule of this id; `tokenguard rules list` lists them")
        earlier = first.setdefault((entry["rule"], entry["resource"].lower()), index)
        if earlier != index:
            yield _mistake(
                here, f"the same rule and resource as /exemptions/{earlier}: only one of the two can be meant"
            )


def _mistake(path: str, text: str) -> Mistake:
    """One that repeats nothing of the file."""
    return Mistake(path, text, text)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _exemption(entry: Mapping[str, Any], source: str, index: int) -> Exemption:
    return Exemption(
        rule=entry["rule"],
        resource=entry["resource"],
        reason=entry["reason"],
        owner=entry["owner"],
        expires=date.fromisoformat(entry["expires"]),
        parameters=entry.get("parameters", {}),
        source=source,
        number=index + 1,
    )


class Claim:
    """What became of one exemption while the resources of its rule's type passed by."""

    def __init__(self, exemption: Exemption) -> None:
        self.exemption = exemption
        self.identified = False
        """Some resource has the exemption's text as its id or appId: then it is no name."""
        self.bearers = 0
        """Resources that bear the text as their name: of several, it says of none which is meant."""
        self.held: list[Resource] = []
        """The one resource so far of that name, not judged until it is known that there is no other."""
        self._last_id: str | None = None

    @property
    def several(self) -> bool:
        """Whether it is the name of more than one resource."""
        return self.bearers > 1

    @property
    def by_name(self) -> bool:
        """Whether the exemption applies to what is held. Known at the end of the stream."""
        return bool(self.held) and not self.identified and not self.several

    @property
    def matched(self) -> bool:
        """Whether it applies to anything."""
        return self.identified or self.by_name

    def meet(self, resource: Resource) -> None:
        """Count `resource`, which bears the name, whatever else exempts it."""
        self.bearers += resource.id != self._last_id
        self._last_id = resource.id

    def hold(self, resource: Resource) -> bool:
        """Keep `resource`, which was met, for later; False where that could not help it any more."""
        if self.several or self.identified:
            return False
        self.held.append(resource)
        return True


class Claims:
    """The exemptions from the rules over one resource type, found by what they name."""

    def __init__(self, exemptions: Iterable[Exemption]) -> None:
        self.all = [Claim(exemption) for exemption in exemptions]
        self._by_id: dict[str, list[Claim]] = {}
        self._by_name: dict[str, list[Claim]] = {}
        for claim in self.all:
            self._by_id.setdefault(claim.exemption.resource.lower(), []).append(claim)
            if not _ID.match(claim.exemption.resource):
                self._by_name.setdefault(claim.exemption.resource, []).append(claim)

    def identified(self, *ids: object) -> dict[str, Exemption]:
        """The exemptions, by rule, that name one of `ids` (in lower or upper case); an earlier id's outranks."""
        found: dict[str, Exemption] = {}
        for id_ in ids:
            for claim in self._by_id.get(id_.lower(), ()) if isinstance(id_, str) else ():
                claim.identified = True
                found.setdefault(claim.exemption.rule, claim.exemption)
        return found

    def named(self, name: str) -> Sequence[Claim]:
        """The exemptions that name `name`, exactly."""
        return self._by_name.get(name, ())

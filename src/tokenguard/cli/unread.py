"""What of a tenant could not be read, cause by cause: gathered while its resources go by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tokenguard.model import Need, Resource, TypeSummary
from tokenguard.planning.gaps import without_ids
from tokenguard.rules.messages import count

_FAILED_READ = re.compile(r"(?:^|: )(GET /.*)", re.DOTALL)
"""Ends the reason of what a failed read left unknown, as `tokenguard.hookspecs.ReadFailure` has it; what was read and
cannot be decided names no call."""


@dataclass(slots=True)
class Unread:
    """Every cause for which something is not known that was asked for."""

    needs: Mapping[str, Need]
    """All that was asked for."""
    judged: Mapping[str, Need]
    """What verdicts depend on; the rest stands in messages only."""
    _causes: dict[str, _Cause] = field(default_factory=dict)

    def watch(self, resources: Iterable[Resource]) -> Iterator[Resource]:
        """The same resources, after a look at each."""
        asked = {type_: need.properties for type_, need in self.needs.items()}
        for resource in resources:
            if resource.unknown and not asked.get(resource.type, frozenset()).isdisjoint(resource.unknown):
                self._add(resource)
            yield resource

    def lines(self, summary: Mapping[str, TypeSummary]) -> Iterator[str]:
        """One for each cause on which a verdict depends; `summary` tells which types were not read to the end."""
        for failure in (failure for part in summary.values() for failure in part.failures):
            takes = f"; it takes {failure.permission}" if failure.permission else ""
            self._cause(f"{failure.reason}{takes}").types[failure.type] = None
        for cause in self._causes.values():
            if cause.types or cause.judged:
                words = cause.words()
                yield words[0].upper() + words[1:]

    def notices(self, summary: Mapping[str, TypeSummary]) -> Iterator[str]:
        """Those of `summary`, and one for each other cause on which no verdict depends."""
        causes = [cause for cause in self._causes.values() if not cause.types and not cause.judged]
        for text in dict.fromkeys(notice.text for part in summary.values() for notice in part.notices):
            told = [cause for cause in causes if cause.is_told_by(text)]
            causes = [cause for cause in causes if not cause.is_told_by(text)]
            yield "; ".join((text, *(f"in messages only, {cause.what()}" for cause in told)))
        yield from (f"In messages only: {cause.words()}" for cause in causes)

    def _add(self, resource: Resource) -> None:
        asked, judged = self.needs[resource.type].properties, self._judged(resource.type)
        met = {}
        for name in asked & resource.unknown.keys():
            if found := _FAILED_READ.search(str(resource.unknown[name])):
                cause = self._cause(found[1])
                cause.names.setdefault(resource.type, set()).add(name)
                cause.judged |= name in judged
                met[id(cause)] = cause
        for cause in met.values():
            cause.resources[resource.type] += 1

    def _judged(self, type_: str) -> frozenset[str]:
        return self.judged[type_].properties if type_ in self.judged else frozenset()

    def _cause(self, reason: str) -> _Cause:
        cause = self._causes.setdefault(without_ids(reason), _Cause(reason))
        if cause.reason != reason:  # it is so for several
            cause.reason = without_ids(reason)
        return cause


@dataclass(slots=True)
class _Cause:
    """Why something is not known, and what."""

    reason: str
    types: dict[str, None] = field(default_factory=dict)
    """Those that were not read to the end."""
    names: dict[str, set[str]] = field(default_factory=dict)
    """Properties that are not known of some resources, by type."""
    resources: Counter[str] = field(default_factory=Counter)
    """How many those are."""
    judged: bool = False
    """Whether a verdict depends on one of these properties."""

    def is_told_by(self, notice: str) -> bool:
        """Whether `notice`, which may be about several calls, says of the call what came of it."""
        call, _, answer = self.reason.partition(": ")
        return bool(answer) and call in notice and answer in notice

    def words(self) -> str:
        """In a line."""
        return f"{self.what()}: {self.reason}"

    def what(self) -> str:
        """What is not known."""
        said = [f"not read to the end: {', '.join(self.types)}"] if self.types else []
        for type_, names in self.names.items():
            said.append(
                f"not known: {', '.join(sorted(names))} of {type_} ({count(self.resources[type_], 'resource')})"
            )
        return "; ".join(said)

"""What a journal says has happened: its lines, replayed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from tokenguard.changes import Change, Operation
from tokenguard.consent import operation_from_dict, plain_words
from tokenguard.journal.names import Names
from tokenguard.model import Precedence, Tenant


class Step(StrEnum):
    """Why something was written."""

    WRITE = "write"
    TAKE_BACK = "takeBack"
    """An operation that was carried out is taken back, since a later one of the same change failed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which operation of which change, and why it is written."""

    change: str
    index: int
    step: Step


class Fate(StrEnum):
    """What became of an operation, or of a whole change."""

    APPLIED = "applied"
    """Written, and confirmed by reading."""
    HELD = "held"
    """It was so already: nothing was written."""
    STALE = "stale"
    """The tenant is no longer what the plan was made from: nothing was written."""
    FAILED = "failed"
    """Refused, or not carried out."""
    UNCONFIRMED = "unconfirmed"
    """Written, or perhaps written, and reading did not show it in time."""
    POSTPONED = "postponed"
    """Not carried out, and tried again later: no end of an operation yet, and of a change one that stays open."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of an operation or of a change, and why."""

    fate: Fate
    reason: str = ""

    @property
    def good(self) -> bool:
        return self.fate in (Fate.APPLIED, Fate.HELD)


@dataclass(frozen=True, slots=True)
class Header:
    """The first line: what was consented to, where, and by whom."""

    purpose: str
    """``fix`` or ``undo``."""
    tenant: Tenant
    cloud: str
    precedence: Precedence
    started_at: str
    producer: str
    uid: int | None
    """Of the user who started it; None where users have no number."""
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """An operation that was carried out, or perhaps was, with the ids that it was carried out on."""

    index: int
    operation: Operation


@dataclass(slots=True)
class Progress:
    """How far one change came."""

    next: int = 0
    """Index of the first operation that has not come to its end."""
    done: list[Done] = field(default_factory=list)
    """Carried out by us and not taken back, in this order."""
    pending: Done | None = None
    """Perhaps written: its line before is there, and no line after that tells."""
    taking_back: bool = False
    ended: Ended | None = None

    @property
    def is_over(self) -> bool:
        """Whether the change has come to an end that resuming leaves as it is."""
        return self.ended is not None and self.ended.fate not in (Fate.UNCONFIRMED, Fate.POSTPONED)

    @property
    def begun(self) -> bool:
        """Whether any operation has come to its end, or was perhaps written."""
        return bool(self.next) or self.pending is not None or self.taking_back


@dataclass(slots=True)
class Record:
    """A journal as far as it goes."""

    header: Header
    foreign: bool = False
    """Whether nothing shows that tokenguard wrote it: it is of another key than this machine's, or of none."""
    ids: dict[str, str] = field(default_factory=dict)
    """The id that Graph assigned, by the name of `changes.NEW` that stood for it."""
    progress: dict[str, Progress] = field(default_factory=dict)
    """By the id of each change."""

    def __post_init__(self) -> None:
        self.progress = {change.id: Progress() for change in self.header.changes}

    @property
    def names(self) -> Names:
        """What the names in the operations stand for by now."""
        return Names.of(self.header.changes, self.ids)

    def expects(self, line: Mapping[str, Any]) -> bool:
        """Whether `line` is about what was consented to: it may say how far a change came, and not what is changed."""
        change = next((each for each in self.header.changes if each.id == line["change"]), None)
        index = line.get("index", 0)
        if change is None or type(index) is not int or index >= len(change.operations):  # to JSON, 0.0 is an integer
            return False
        if line["line"] != "intent" or line["step"] == Step.TAKE_BACK:  # what takes back is derived anew
            return True
        names = Names.of(self.header.changes, {**self.ids, **line["ids"]})
        planned, written = names.resolve(change.operations[line["index"]]), operation_from_dict(line["operation"])
        return replace(written, words=planned.words) == planned

    def take(self, line: Mapping[str, Any]) -> None:
        """Let a further line happen. It is valid against the schema, and expected."""
        progress = self.progress[line["change"]]
        self.ids.update(line["ids"])
        match line["line"]:
            case "intent":
                operation = operation_from_dict(line["operation"])
                if self.foreign:
                    operation = replace(operation, words=plain_words(operation))
                progress.taking_back = line["step"] == Step.TAKE_BACK
                progress.pending = Done(line["index"], operation)
            case "outcome":
                _settle(progress, line)
            case "end":
                progress.ended = Ended(Fate(line["outcome"]), line["reason"])


def _settle(progress: Progress, line: Mapping[str, Any]) -> None:
    fate, pending, index = Fate(line["outcome"]), progress.pending, line["index"]
    if fate is Fate.UNCONFIRMED:
        return  # still pending: only reading can tell
    progress.pending = None
    if fate not in (Fate.APPLIED, Fate.HELD):
        return
    if line["step"] == Step.TAKE_BACK:
        progress.done = [done for done in progress.done if done.index != index]
        return
    progress.next = index + 1
    if fate is Fate.APPLIED and pending is not None and pending.index == index and not progress.taking_back:
        progress.done.append(pending)

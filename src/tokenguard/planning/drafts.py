"""Changes that bring about wishes: in one change what writes to one place, and none of what contradicts another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

from tokenguard.changes import Operation, Proposal, Refusal, State
from tokenguard.hookspecs import Fixer
from tokenguard.model import Safety
from tokenguard.planning.wishes import Wish
from tokenguard.readings import Readings

Target = tuple[tuple[str, str], ...]

Dropped = tuple[Wish, str]
"""A wish that cannot be brought about, or not together with others, and why."""


@dataclass(frozen=True, slots=True)
class Step:
    """An operation, and the resource type whose fixer knows it."""

    type: str
    operation: Operation

    @property
    def target(self) -> Target:
        return tuple(self.operation.target.items())


@dataclass(frozen=True, slots=True)
class Draft:
    """A change that is not proven yet."""

    wishes: tuple[Wish, ...]
    steps: tuple[Step, ...]
    safety: Safety
    blast_radius: str
    irreversible: str
    """Why it cannot be taken back, or may not be; empty where it can."""

    def enacted(self, readings: Readings, fixers: Mapping[str, Fixer]) -> Readings:
        """What would be read after this change."""
        for step in self.steps:
            readings = _enacted(readings, fixers, step)
        return readings


class Drafting:
    """Changes for `wishes` upon what was read; the wishes are to be brought about all together, or some be dropped."""

    def __init__(self, wishes: Sequence[Wish], readings: Readings, fixers: Mapping[str, Fixer]) -> None:
        self._wishes = wishes
        self._readings = readings
        self._fixers = fixers
        self._alike: dict[tuple[str, str], set[str]] = {}
        for wish in wishes:
            self._alike.setdefault((wish.resource.type, wish.content), set()).add(wish.resource.id)
        self._alone = {wish: self._in_turn([wish]) for wish in wishes}
        self._targets = {
            wish: {} if isinstance(alone, Refusal) else _by_target(alone.steps) for wish, alone in self._alone.items()
        }

    def drafts(self, *, unsafe: bool) -> tuple[list[Draft], list[Dropped]]:
        """The changes, or the wishes that stand in the way of there being any. `unsafe`: whether they may be so."""
        refused = [(wish, reason) for wish in self._wishes if (reason := self._refused(wish, unsafe=unsafe))]
        dropped = refused or list(self._rivals())
        if dropped:
            return [], dropped
        drafts = []
        for group in self._groups():
            draft = self._in_turn(group)
            if isinstance(draft, Refusal):
                dropped += [(wish, draft.reason) for wish in group]
            else:
                drafts.append(draft)
        return drafts, dropped

    def _refused(self, wish: Wish, *, unsafe: bool) -> str:
        alone = self._alone[wish]
        if isinstance(alone, Refusal):
            return alone.reason
        if not alone.steps:
            return "what would mend it holds already, by what was read"
        if alone.safety is not Safety.SAFE and not unsafe:
            why = (
                f"cannot be taken back: {alone.irreversible}" if alone.irreversible else f"reaches {alone.blast_radius}"
            )
            return f"not safe, since it {why}: planned only with --unsafe"
        return ""

    def _rivals(self) -> Iterator[Dropped]:
        """Wishes that lead elsewhere when another comes first: which of the two is meant, nobody said."""
        rivals: dict[Wish, list[str]] = {}
        for one, other in self._meetings():
            if not self._agree(one, other):
                rivals.setdefault(one, []).extend(served.rule for served in other.serves)
                rivals.setdefault(other, []).extend(served.rule for served in one.serves)
        for wish, rules in rivals.items():
            named = ", ".join(dict.fromkeys(rules))
            yield wish, f"conflicts with {named}, which wants another outcome; choose with --select or --ignore"

    def _meetings(self) -> Iterable[tuple[Wish, Wish]]:
        """Wishes that are about one resource, or write to one place, and not the same; each pair once.

        Many write the same to one place, as all that hold a policy do: they are taken together, not two by two.
        """
        resources: dict[int, list[Wish]] = {}
        places: dict[Target, list[tuple[list[Operation], list[Wish]]]] = {}
        for wish in self._wishes:
            resources.setdefault(id(wish.resource), []).append(wish)
            for target, operations in self._targets[wish].items():
                alike = places.setdefault(target, [])
                members = next((those for written, those in alike if written == operations), None)
                if members is None:
                    alike.append((operations, [wish]))
                else:
                    members.append(wish)
        groups = [[[wish] for wish in each] for each in resources.values()]
        groups += [[members for _, members in each] for each in places.values()]
        order = {wish: place for place, wish in enumerate(self._wishes)}
        pairs = {
            (one, other) if order[one] < order[other] else (other, one)
            for group in groups
            for these, those in combinations(group, 2)
            for one, other in product(these, those)
        }
        return sorted(pairs, key=lambda pair: (order[pair[0]], order[pair[1]]))

    def _agree(self, one: Wish, other: Wish) -> bool:
        there, back = self._in_turn((one, other)), self._in_turn((other, one))
        return not (isinstance(there, Refusal) or isinstance(back, Refusal)) and _outcome(there) == _outcome(back)

    def _groups(self) -> list[list[Wish]]:
        """Wishes that write to one place, directly or by way of others, in their order."""
        groups: list[tuple[set[Target], list[Wish]]] = []
        for wish in self._wishes:
            targets, members = set(self._targets[wish]), [wish]
            for group in [each for each in groups if each[0] & targets]:
                groups.remove(group)
                targets |= group[0]
                members += group[1]
            groups.append((targets, members))
        order = {wish: place for place, wish in enumerate(self._wishes)}
        ordered = [sorted(members, key=order.__getitem__) for _, members in groups]
        return sorted(ordered, key=lambda members: order[members[0]])

    def _in_turn(self, wishes: Iterable[Wish]) -> Draft | Refusal:
        """One wish after the other, each upon what those before it have left."""
        wishes, readings, steps, reach, safety = tuple(wishes), self._readings, list[Step](), list[str](), Safety.SAFE
        irreversible = []
        for wish in wishes:
            proposal = self._propose(wish, readings)
            if isinstance(proposal, Refusal):
                return proposal
            for operation in proposal.operations:
                steps.append(Step(wish.resource.type, operation))
                readings = _enacted(readings, self._fixers, steps[-1])
            if proposal.operations:
                reach.append(proposal.blast_radius)
                irreversible.append(proposal.irreversible)
            if proposal.irreversible or Safety.UNSAFE in (proposal.safety, wish.remediation.safety):
                safety = Safety.UNSAFE
        return Draft(wishes, _folded(steps), safety, _joint(reach), _joint(irreversible))

    def _propose(self, wish: Wish, readings: Readings) -> Proposal | Refusal:
        type_ = wish.resource.type
        if type_ not in self._fixers:
            return Refusal(f"nothing that is installed mends a {type_}")
        return self._fixers[type_].propose(
            readings.facts(type_), wish.resource, wish.remediation, self._alike[type_, wish.content]
        )


def _enacted(readings: Readings, fixers: Mapping[str, Fixer], step: Step) -> Readings:
    facts = fixers[step.type].enact(readings.facts(step.type), step.operation)
    return readings.with_facts(step.type, facts)


def _joint(reasons: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(filter(None, reasons)))


def _by_target(steps: Iterable[Step]) -> dict[Target, list[Operation]]:
    found: dict[Target, list[Operation]] = {}
    for step in steps:
        found.setdefault(step.target, []).append(step.operation)
    return found


def _outcome(draft: Draft) -> dict[Target, State]:
    """What becomes of every place that is written to."""
    return {target: operations[-1].after for target, operations in _by_target(draft.steps).items()}


def _folded(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Two writes of one kind to one place are one."""
    folded: dict[tuple[str, Target], Step] = {}
    for step in steps:
        key = step.operation.kind, step.target
        earlier = folded.get(key)
        folded[key] = step if earlier is None else Step(earlier.type, _joined(earlier.operation, step.operation))
    return tuple(step for step in folded.values() if step.operation.before != step.operation.after)


def _joined(first: Operation, second: Operation) -> Operation:
    return replace(first, after=second.after, words=f"{first.words}; then {second.words}")

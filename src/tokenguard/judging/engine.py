"""Judging resources by rules. The only module that knows the validator behind it, jsonschema-rs.

Nothing is ever fetched (``offline=True``), and patterns run on an engine whose time is linear in the text, so that
no rule can hang a scan.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import jsonschema_rs

from tokenguard.errors import RuleError
from tokenguard.excerpts import shown
from tokenguard.judging.unknowns import weakened
from tokenguard.model import Outcome, Resource, ResourceType, Rule, Schema, Violation
from tokenguard.rules.mistakes import Mistake, did_you_mean, pointer, quote


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rule says of one resource, and why."""

    outcome: Outcome
    violations: tuple[Violation, ...] = ()
    """Only of `Outcome.FAIL`."""
    reason: str = ""
    """Only of `Outcome.NOT_EVALUATED`."""
    by: Resource | None = None
    """What fails in its stead, where the resource does with values that its unknown properties may have."""


_PASS = Judgement(Outcome.PASS)
_NOT_SELECTED = Judgement(Outcome.NOT_SELECTED)


def judge(rule: Rule, type_: ResourceType, resource: Resource) -> Judgement:
    """Judge one resource by one rule. For many of either keep a `RuleJudge` or an `Engine`."""
    return RuleJudge(rule, TypeCheck(type_)).judge(resource)


def document_mistakes(schema: Schema, document: Any) -> list[Mistake]:
    """What is wrong with a `document` that somebody wrote, by the `schema` of its kind."""
    return document_check(schema)(document)


def document_check(schema: Schema) -> Callable[[Any], list[Mistake]]:
    """`document_mistakes` for many documents of one kind."""
    return partial(_mistakes, schema, _compile(schema, f"the schema of {schema['title']}"))


def _mistakes(schema: Schema, validator: jsonschema_rs.Validator, document: Any) -> list[Mistake]:
    found: list[Mistake] = []
    for error in validator.iter_errors(document):
        here = pointer("", *error.instance_path)
        if error.kind.name == "additionalProperties":
            known = _at(schema, error.schema_path[:-1])["properties"]
            plain = f"a key that is not known here; known are {', '.join(sorted(known))}"
            found += [
                Mistake(here, f"no key {quote(key)} here{did_you_mean(key, known)}", plain, key)
                for key in error.kind.value
            ]
        else:
            found.append(Mistake(here, error.message, _unquoted(error, schema)))
    return found


def _unquoted(error: jsonschema_rs.ValidationError, schema: Schema) -> str:
    """What the schema asks for, without what was found."""
    keyword, expected = _assertion(error, schema)
    if keyword == "required":
        return f"{quote(getattr(error.kind, 'property', None))} is a required property"
    return f"is not of type {quote(expected)}" if keyword == "type" else f"does not meet {keyword} {quote(expected)}"


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a resource cannot be judged: it is not what its type's schema says."""

    reason: str
    properties: frozenset[str] | None
    """The top-level properties that are wrong or missing; None where any may be."""


class TypeCheck:
    """Whether resources are what their type's schema says; no rule may pass on less."""

    def __init__(self, type_: ResourceType) -> None:
        self.type = type_
        self._validators = _Weakenable(type_.schema, f"the schema of resource type {type_.name!r}")

    def flaw(self, resource: Resource) -> Flaw | None:
        """What is wrong with `resource`, apart from its unknown properties; None where nothing is."""
        validator = self._validators.without(resource.unknown)
        try:
            if validator.is_valid(resource.properties):
                return None
            errors = list(validator.iter_errors(resource.properties))
        except ValueError as error:  # not JSON: nested too deep, half a surrogate pair
            return Flaw(f"its properties cannot be judged: {error}", None)
        place = pointer("", *errors[0].instance_path) or "its properties"
        names = [_top_level_names(error) for error in errors]
        certain = None if None in names else frozenset[str]().union(*(name for name in names if name is not None))
        return Flaw(f"not a valid {self.type.name}: {place}: {errors[0].message[:300]}", certain)


class RuleJudge:
    """One rule, compiled. Raises `RuleError` for a schema that the validator refuses."""

    def __init__(self, rule: Rule, check: TypeCheck) -> None:
        self.rule = rule
        self.selects: Callable[[dict[str, Any]], bool] = (
            _everything if rule.select is None else _compile(rule.select, _place(rule), rule.withheld).is_valid
        )
        """Whether the rule is about a resource of these properties, all of them known and valid."""
        self._check = check
        self._expected: dict[int, Any] = {}
        """What assertions ask for, as it is shown, by the identity of what stands in the schema: a list may be long."""
        self._require = _Weakenable(rule.require, _place(rule), rule.withheld)

    def judge(self, resource: Resource) -> Judgement:
        """What the rule says of `resource`, considering what is unknown or wrong about it."""
        judgement = self._judge_json(resource)
        if resource.possible and judgement.outcome is Outcome.NOT_EVALUATED:
            return self._judge_possible(resource) or judgement
        return judgement

    def _judge_possible(self, resource: Resource) -> Judgement | None:
        """A failure with every violation that the unknown may come to, so that a baseline of one knows no other."""
        judged = [(possible, self._judge_json(possible)) for possible in map(resource.with_values, resource.possible)]
        failed = [(possible, each.violations) for possible, each in judged if each.outcome is Outcome.FAIL]
        if not failed:
            return None
        violations: list[Violation] = []
        for violation in chain.from_iterable(each for _, each in failed):
            if violation not in violations:
                violations.append(violation)
        return Judgement(Outcome.FAIL, tuple(violations), by=failed[0][0])

    def _judge_json(self, resource: Resource) -> Judgement:
        try:
            return self._judge(resource)
        except ValueError as error:  # not JSON
            return Judgement(Outcome.NOT_EVALUATED, reason=f"its properties cannot be judged: {error}")

    def violation(self, error: jsonschema_rs.ValidationError, schema: Schema) -> Violation:
        """`error`, found by `schema` that is or holds this rule's `require`, in our terms."""
        path = error.instance_path
        keyword, asked = _assertion(error, schema)
        if id(asked) not in self._expected:
            self._expected[id(asked)] = shown(asked)
        expected = self._expected[id(asked)]
        missing = getattr(error.kind, "property", None)
        if missing is not None:  # of `required` and `dependentRequired`: the name that is not there
            return Violation(pointer("", *path, missing), keyword, "present", None)
        observed: Any = error.instance
        if not path:  # the whole resource is no evidence: only what the rule looks at
            observed = {name: observed[name] for name in sorted(self.rule.require_reads) if name in observed}
        return Violation(pointer("", *path), keyword, expected, observed)

    def _judge(self, resource: Resource) -> Judgement:
        reads = self.rule.select_reads
        flaw = self._check.flaw(resource)
        if flaw and (flaw.properties is None or reads & flaw.properties):
            return Judgement(Outcome.NOT_EVALUATED, reason=flaw.reason)
        if hidden := reads.intersection(resource.unknown):
            return _not_evaluated(resource, hidden)
        if not self.selects(resource.properties):
            return _NOT_SELECTED
        return Judgement(Outcome.NOT_EVALUATED, reason=flaw.reason) if flaw else self._judge_selected(resource)

    def _judge_selected(self, resource: Resource) -> Judgement:
        """What is unknown is left out of `require`: a violation of the rest is one whatever the unknown may be."""
        hidden = self.rule.require_reads.intersection(resource.unknown)
        errors = self._require.without(hidden).iter_errors(resource.properties)
        violations = tuple(self.violation(error, self.rule.require) for error in errors)
        if violations:
            return Judgement(Outcome.FAIL, violations)
        return _not_evaluated(resource, hidden) if hidden else _PASS


class Engine:
    """All rules over one resource type as one compiled schema, against which most resources are valid."""

    def __init__(self, type_: ResourceType, rules: Sequence[Rule]) -> None:
        self._check = TypeCheck(type_)
        self.judges = {rule.id: self.compiled(rule) for rule in rules}
        """By the rule's id."""
        self._judges = list(self.judges.values())
        self._schema = {"allOf": [*map(_condition, rules), _embedded(type_)]}
        withheld = any(rule.withheld for rule in rules)
        self._validator = _compile(self._schema, f"the rules over {type_.name!r}", withheld)
        self._is_valid = self._validator.is_valid
        self._conditional = _by_select(self._judges)
        self._together = 0
        """Resources that were judged by all rules at once."""
        self._selected: Counter[str] = Counter()
        """By the rule's id, of the resources that were judged one by one."""

    def compiled(self, rule: Rule) -> RuleJudge:
        """One more rule over the type, to be judged on its own."""
        return RuleJudge(rule, self._check)

    def judge(self, resource: Resource) -> Sequence[tuple[Rule, Judgement]]:
        """What each rule says of `resource` that fails or cannot be judged; where it passes, it is only counted."""
        if resource.unknown:
            return self._one_by_one(resource)
        properties = resource.properties
        try:
            failures = () if self._is_valid(properties) else self._failures(properties)
        except ValueError:  # not JSON: judged one by one, each rule says so
            failures = None
        if failures is None:
            return self._one_by_one(resource)
        self._together += 1
        for group in self._conditional:
            if group.selects(properties):
                group.selected += 1
        return failures

    def selected(self) -> Mapping[str, int]:
        """How many resources each rule, by id, selected or might have selected so far."""
        together = dict.fromkeys(self.judges, self._together)
        for group in self._conditional:
            together.update(dict.fromkeys(group.rules, group.selected))
        return {rule: count + self._selected[rule] for rule, count in together.items()}

    def _failures(self, properties: dict[str, Any]) -> Sequence[tuple[Rule, Judgement]] | None:
        """Of the rules that fail; None where the resource is not even valid against its type's schema."""
        found: dict[int, list[Violation]] = {}
        for error in self._validator.iter_errors(properties):
            place = int(error.schema_path[1])  # /allOf/{place of the rule}/...
            if place == len(self._judges):
                return None
            found.setdefault(place, []).append(self._judges[place].violation(error, self._schema))
        return [
            (self._judges[place].rule, Judgement(Outcome.FAIL, tuple(violations)))
            for place, violations in found.items()
        ]

    def _one_by_one(self, resource: Resource) -> Sequence[tuple[Rule, Judgement]]:
        judged = [(judge.rule, judge.judge(resource)) for judge in self._judges]
        self._selected.update(rule.id for rule, judgement in judged if judgement.outcome is not Outcome.NOT_SELECTED)
        return [(rule, judgement) for rule, judgement in judged if judgement not in (_PASS, _NOT_SELECTED)]


class _Group:
    """Rules of one `select`, which is judged once a resource for all of them."""

    __slots__ = ("rules", "selected", "selects")

    def __init__(self, selects: Callable[[dict[str, Any]], bool]) -> None:
        self.selects = selects
        self.rules: list[str] = []
        self.selected = 0


def _by_select(judges: Iterable[RuleJudge]) -> list[_Group]:
    groups: dict[str, _Group] = {}
    for judge in judges:
        if judge.rule.select is not None:
            key = json.dumps(judge.rule.select, sort_keys=True)
            groups.setdefault(key, _Group(judge.selects)).rules.append(judge.rule.id)
    return list(groups.values())


def _everything(_: dict[str, Any]) -> bool:
    return True


class _Weakenable:
    """A schema's validators, with all its assertions or without those that read certain top-level properties."""

    def __init__(self, schema: Schema, place: str, withheld: bool = False) -> None:
        self._schema = schema
        self._place = place
        self._withheld = withheld
        self._validators = {frozenset[str](): _compile(schema, place, withheld)}

    def without(self, names: Collection[str]) -> jsonschema_rs.Validator:
        key = frozenset(names)
        if key not in self._validators:
            self._validators[key] = _compile(weakened(self._schema, key), self._place, self._withheld)
        return self._validators[key]


def _compile(schema: Schema, place: str, withheld: bool = False) -> jsonschema_rs.Validator:
    """`withheld`: whether an error repeats nothing of the schema."""
    try:
        return jsonschema_rs.Draft202012Validator(
            dict(schema), offline=True, validate_formats=False, pattern_options=jsonschema_rs.RegexOptions()
        )
    except ValueError as error:
        reason = "" if withheld else ": " + str(error).partition("\n")[0]
        raise RuleError(f"{place}: the validator refuses its schema{reason}", "correct the schema") from error


def _condition(rule: Rule) -> Schema:
    return rule.require if rule.select is None else {"if": rule.select, "then": rule.require}


def _embedded(type_: ResourceType) -> Schema:
    """The type's schema as part of another: with an ``$id``, so that its own ``#/$defs`` stay its own.

    Where exactly the names that are required are allowed, it is enough to count them, at half the cost of the check.
    """
    schema = {"$id": f"urn:tokenguard:resource-type:{type_.name}", **type_.schema}
    names = schema.get("properties", {}).keys()
    closed = schema.get("additionalProperties") is False and "patternProperties" not in schema
    if closed and names == set(schema.get("required", ())):
        del schema["required"]
        schema["minProperties"] = len(names)
    return schema


def _place(rule: Rule) -> str:
    return f"{rule.source}: rule {rule.id!r}" if rule.source else f"rule {rule.id!r}"


def _not_evaluated(resource: Resource, hidden: Collection[str]) -> Judgement:
    reasons = (f"{name} is unknown: {resource.unknown[name]}" for name in sorted(hidden))
    return Judgement(Outcome.NOT_EVALUATED, reason="; ".join(reasons))


def _top_level_names(error: jsonschema_rs.ValidationError) -> frozenset[str] | None:
    """The top-level properties that a violation of a type's schema is about; None where any may be."""
    if error.instance_path:
        return frozenset({str(error.instance_path[0])})
    if error.kind.name == "required":
        return frozenset({error.kind.value})
    return frozenset() if error.kind.name == "additionalProperties" else None  # no rule reads a name not in the schema


def _assertion(error: jsonschema_rs.ValidationError, schema: Schema) -> tuple[str, Any]:
    """The keyword of `schema` that `error` violates, and its value."""
    if error.kind.name == "falseSchema":
        return "false", False
    return str(error.schema_path[-1]), _at(schema, error.schema_path)


def _at(schema: Schema, path: Sequence[str | int]) -> Any:
    part: Any = schema
    for step in path:
        part = part[step]
    return part

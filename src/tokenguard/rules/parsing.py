"""Rule documents: reading them, and refusing those that could not do what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Any

from tokenguard.documents import Withheld, parse_document
from tokenguard.errors import DocumentError
from tokenguard.judging.engine import TypeCheck
from tokenguard.kinds import BEGINNING, RULE, recognized
from tokenguard.model import Example, Outcome, Remediation, Resource, ResourceType, Rule, Safety, Severity
from tokenguard.rules.examples import example_mistakes
from tokenguard.rules.mistakes import Mistake, did_you_mean, keys_of, quote, rule_error, withheld
from tokenguard.rules.parameters import Override, compiled_rule, read_parameter, setting_mistakes, with_values
from tokenguard.rules.soundness import meaning_mistakes, name_mistakes, pin_mistakes
from tokenguard.schemas import schema


def parse_rules(
    documents: Iterable[tuple[str, bytes]],
    types: Mapping[str, ResourceType],
    overrides: Mapping[str, Override] = MappingProxyType({}),
) -> tuple[Rule, ...]:
    """Read rule `documents`, each with the name of its file, and set their parameters and severities by rule id.

    A file that was named twice, as by ``--rules all --rules principals``, is one.
    Each rule's examples are run with its own values. Raises `RuleError` with every mistake of every document.
    """
    rules: dict[str, Rule] = {}
    mistakes: dict[str, list[Mistake]] = {}
    check_of = cache(lambda name: TypeCheck(types[name]))
    for source, data in dict.fromkeys(documents):
        read = _read(source, data, types, check_of)
        if not isinstance(read, Rule):
            mistakes[source] = read
        elif read.id in rules:
            mistakes[source] = [Mistake("/id", f"{quote(read.id)} is also the id of {rules[read.id].source}")]
        else:
            rules[read.id] = read
    if mistakes:
        raise rule_error(mistakes)
    return _overridden(rules, types, overrides)


def _read(
    source: str, data: bytes, types: Mapping[str, ResourceType], check_of: Callable[[str], TypeCheck]
) -> Rule | list[Mistake]:
    try:
        document = parse_document(data, source)
    except DocumentError as error:
        if not isinstance(data, Withheld) and (other := _of_another_kind(data)):
            return other
        return [Mistake("", f"{error.message.removeprefix(f'{source}: ')}; {error.hint}")]
    found = _checked(source, document, types, check_of)
    if not isinstance(data, Withheld):
        return found if isinstance(found, Rule) else _of_another_kind(data) or found
    if isinstance(found, Rule):
        return replace(found, withheld=True)
    return list(withheld(found, data, keys_of(schema("dialect"))))


def _of_another_kind(data: bytes) -> list[Mistake]:
    """That a file with mistakes is no rule but something else of ours, whose keys would all be mistakes."""
    kind = recognized(data[:BEGINNING])
    return [] if kind in (None, RULE) else [Mistake("", f"is {kind.name}, and a rule is needed here; {kind.use}")]


def _checked(
    source: str, document: Any, types: Mapping[str, ResourceType], check_of: Callable[[str], TypeCheck]
) -> Rule | list[Mistake]:
    flaw = _dialect().flaw(Resource("rule", source, source, document))
    if flaw is not None:
        return _shape_and_meaning(document, source, types)
    mistakes = [*name_mistakes(document, source), *meaning_mistakes(document, types)]
    if mistakes:
        return mistakes
    rule = _compile(document, source)
    return [*pin_mistakes(rule), *example_mistakes(rule, check_of(rule.resource))] or rule


@cache
def _dialect() -> TypeCheck:
    """A rule document is held to its schema as a resource is to that of its type."""
    return TypeCheck(ResourceType("rule", schema("dialect"), ()))


def _shape_and_meaning(document: Any, source: str, types: Mapping[str, ResourceType]) -> list[Mistake]:
    from tokenguard.rules.authoring import shape_mistakes, without_mistakes  # noqa: PLC0415  (slow to import)

    rest = without_mistakes(document)
    return [*shape_mistakes(document), *name_mistakes(rest, source), *meaning_mistakes(rest, types, whole=False)]


def _compile(document: Mapping[str, Any], source: str) -> Rule:
    """The rule that a checked `document` says."""
    rule = Rule(
        id=document["id"],
        title=document["title"],
        severity=Severity[document["severity"].upper()],
        resource=document["resource"],
        require={},
        absent=Outcome(document.get("absent", Outcome.NOT_EVALUATED)),
        message=document.get("message", ""),
        rationale=document.get("rationale", ""),
        references=tuple(document.get("references", ())),
        frameworks={name: tuple(ids) for name, ids in document.get("frameworks", {}).items()},
        remediation=_remediation(document.get("remediation")),
        examples=tuple(_example(example) for example in document["examples"]),
        source=source,
        document=document,
    )
    parameters = {name: read_parameter(name, part) for name, part in document.get("parameters", {}).items()}
    return compiled_rule(rule, parameters)


def _remediation(document: Mapping[str, Any] | None) -> Remediation | None:
    if document is None:
        return None
    return Remediation(
        safety=Safety(document.get("safety", Safety.UNSAFE)),
        set=document.get("set"),
        remove=document.get("remove", False),
        guidance=document.get("guidance", ""),
    )


def _example(document: Mapping[str, Any]) -> Example:
    return Example(
        outcome=Outcome(document["outcome"]),
        properties=document.get("properties", {}),
        unknown=document.get("unknown", {}),
        title=document.get("title", ""),
    )


def _overridden(
    rules: Mapping[str, Rule], types: Mapping[str, ResourceType], overrides: Mapping[str, Override]
) -> tuple[Rule, ...]:
    mistakes = {
        id_: [Mistake("", f"there is no such rule{did_you_mean(id_, rules)}")] for id_ in overrides if id_ not in rules
    }
    result = []
    for rule in rules.values():
        changed = _with_override(rule, overrides[rule.id], types[rule.resource]) if rule.id in overrides else rule
        if isinstance(changed, Rule):
            result.append(changed)
        else:
            mistakes[rule.id] = changed
    if mistakes:
        raise rule_error(mistakes, "what rules are set to", "correct it in --set, or in tokenguard.toml")
    return tuple(result)


def _with_override(rule: Rule, override: Override, type_: ResourceType) -> Rule | list[Mistake]:
    """`rule` with what is set, or what is wrong with that."""
    severity = rule.severity if override.severity is None else override.severity
    mistakes = list(setting_mistakes(rule, override.parameters, type_.schema))
    if rule.withheld or override.withheld:
        mistakes = [Mistake("", mistake.plain) for mistake in mistakes]
    return mistakes or with_values(replace(rule, severity=severity), override.parameters)

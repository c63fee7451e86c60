"""What a schema cannot say about a rule document: whether names, references and parts of it belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from tokenguard.model import ResourceType, Rule, Safety, Schema
from tokenguard.rules.fit import Fit, meaning_problem
from tokenguard.rules.messages import check_template
from tokenguard.rules.mistakes import Mistake, did_you_mean, pointer, quote
from tokenguard.rules.parameters import settable_keywords
from tokenguard.schemas import SCHEMA_BASE

EDITOR_SCHEMA = "rule.schema.json"
"""The file by which editors complete rules."""


def name_mistakes(document: Mapping[str, Any], source: str) -> Iterator[Mistake]:
    """What is wrong with the names that a document has for itself, in the file `source`, and for its schema."""
    id_, file = document.get("id"), PurePath(source)
    if id_ is not None and file.name != f"{id_}.json":
        yield Mistake("/id", f"{quote(id_)} in a file of another name; the file should be {id_}.json")
    named = document.get("$schema", EDITOR_SCHEMA)
    if not named.endswith(EDITOR_SCHEMA) and named != f"{SCHEMA_BASE}rule":
        yield Mistake("/$schema", f"{quote(named)} is not the schema of rules; name a file {EDITOR_SCHEMA}, or nothing")


def meaning_mistakes(
    document: Mapping[str, Any], types: Mapping[str, ResourceType], *, whole: bool = True
) -> Iterator[Mistake]:
    """What is wrong with a document of the right shape. One that is not `whole` has lost parts that were not."""
    yield from _parameter_mistakes(document.get("parameters", {}))
    yield from _remediation_shape(document)
    type_ = types.get(document.get("resource", ""))
    if type_ is None:
        if "resource" in document:
            found = document["resource"]
            yield Mistake("/resource", f"no resource type {quote(found)}{did_you_mean(found, types)}")
    elif fault := type_fault(type_):
        yield Mistake("/resource", fault)
    else:
        for problem in check_template(document.get("message", ""), type_.schema["properties"]):
            yield Mistake("/message", problem)
        yield from _condition_mistakes(document, type_.schema, whole=whole)


def type_fault(type_: ResourceType) -> str | None:
    """Why no rule can be written over a type, which is a fault of the plugin that it comes from."""
    missing = [name for name in ("properties", "examples") if not type_.schema.get(name)]
    return f"the schema of {type_.name} has no {' and no '.join(missing)}; its plugin is at fault" if missing else None


def _condition_mistakes(document: Mapping[str, Any], type_schema: Schema, *, whole: bool) -> Iterator[Mistake]:
    fit = Fit(type_schema, _references(document))
    parts = [part for part in ("select", "require") if part in document]
    mistakes = [mistake for part in parts for mistake in fit.mistakes(document[part], pointer("", part))]
    yield from mistakes
    if whole and not mistakes:
        used = {*fit.used, *(f"#/parameters/{name}" for name in _named_in_remediation(document))}
        for reference in _references(document):
            if reference not in used:
                yield Mistake(reference.removeprefix("#"), "nothing that the rule demands or sets refers to it")


def _references(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"#/{kind}/{name}": part for kind in ("parameters", "$defs") for name, part in document.get(kind, {}).items()
    }


def _parameter_mistakes(parameters: Mapping[str, Any]) -> Iterator[Mistake]:
    for name, part in parameters.items():
        path, keywords = pointer("/parameters", name), list(settable_keywords(part))
        if len(keywords) != 1:
            found = ", ".join(keywords) or "none"
            yield Mistake(path, f"a parameter is a title and exactly one keyword such as maxDuration; found {found}")
        for keyword in keywords:
            problem = meaning_problem(keyword, part[keyword])
            if problem:
                yield Mistake(pointer(path, keyword), problem)


def _remediation_shape(document: Mapping[str, Any]) -> Iterator[Mistake]:
    remediation = document.get("remediation")
    if remediation is None:
        return
    acts = [name for name in ("set", "remove") if name in remediation]
    if remediation.get("safety") == Safety.MANUAL:
        if acts or "guidance" not in remediation:
            yield Mistake("/remediation", 'what is "manual" has guidance, and neither set nor remove')
    elif len(acts) != 1:
        yield Mistake("/remediation", 'exactly one of set and remove is needed, or the safety "manual" with guidance')
    parameters = document.get("parameters", {})
    for name in _named_in_remediation(document):
        if name not in parameters:
            yield Mistake("/remediation/set", f"no parameter {quote(name)}{did_you_mean(name, parameters)}")


def _named_in_remediation(document: Mapping[str, Any]) -> list[str]:
    """The names in every ``{"$parameter": NAME}``."""
    return list(_parameters_named(document.get("remediation", {}).get("set")))


def _parameters_named(part: Any) -> Iterator[str]:
    match part:
        case {"$parameter": str(name), **others} if not others:
            yield name
        case dict() | list():
            for item in part.values() if isinstance(part, dict) else part:
                yield from _parameters_named(item)


def pin_mistakes(rule: Rule) -> Iterator[Mistake]:
    """`absent` speaks of objects that `select` names; where it names none there is nothing to be absent."""
    if "absent" in rule.document and rule.pinned_app_ids is None:
        yield Mistake("/absent", "has no meaning: `select` does not require an appId and give it by const or enum")

"""What a schema cannot say about a rule document: whether names, references and parts of it belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from tokenguard.fit import Fit, meaning_problem
from tokenguard.messages import check_template
from tokenguard.mistakes import Mistake, did_you_mean, pointer, quote
from tokenguard.model import ResourceType, Rule, Safety
from tokenguard.parameters import settable_keywords
from tokenguard.schemas import SCHEMA_BASE

EDITOR_SCHEMA = "rule.schema.json"
"""The file by which editors complete rules."""


def name_mistakes(document: Mapping[str, Any], source: str) -> Iterator[Mistake]:
    id_, file = document.get("id"), PurePath(source)
    if id_ is not None and file.name != f"{id_}.json":
        yield Mistake("/id", f"{quote(id_)} in a file of another name; the file should be {id_}.json")
    named = document.get("$schema", EDITOR_SCHEMA)
    if not named.endswith(EDITOR_SCHEMA) and named != f"{SCHEMA_BASE}rule":
        yield Mistake("/$schema", f"{quote(named)} is not the schema of rules; name a file {EDITOR_SCHEMA}, or nothing")


def meaning_mistakes(document: Mapping[str, Any], types: Mapping[str, ResourceType]) -> Iterator[Mistake]:
    """What is wrong with a document of the right shape. Parts that it should have may be missing."""
    yield from _parameter_mistakes(document.get("parameters", {}))
    yield from _remediation_shape(document)
    resource = document.get("resource")
    if resource is None:
        return
    if resource not in types:
        yield Mistake("/resource", f"no resource type {quote(resource)}{did_you_mean(resource, types)}")
        return
    type_schema = types[resource].schema
    fit = Fit(type_schema, _references(document))
    for part in ("select", "require"):
        if part in document:
            yield from fit.mistakes(document[part], pointer("", part))
    for problem in check_template(document.get("message", ""), type_schema["properties"]):
        yield Mistake("/message", problem)


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
    for name in _parameters_named(remediation.get("set")):
        if name not in parameters:
            yield Mistake("/remediation/set", f"no parameter {quote(name)}{did_you_mean(name, parameters)}")


def _parameters_named(part: Any) -> Iterator[str]:
    """The names in every ``{"$parameter": NAME}`` of a remediation."""
    match part:
        case {"$parameter": str(name)}:
            yield name
        case dict() | list():
            for item in part.values() if isinstance(part, dict) else part:
                yield from _parameters_named(item)


def pointless_parts(rule: Rule) -> Iterator[Mistake]:
    """Parts of a rule that nothing depends on: a slip of the author, since each was meant to do something."""
    text = rule.document
    used = set(_referred({key: text.get(key) for key in ("select", "require", "$defs")}))
    used.update(f"#/parameters/{name}" for name in _parameters_named(text.get("remediation", {}).get("set")))
    for reference in _references(text):
        if reference not in used:
            yield Mistake(reference.removeprefix("#"), "nothing in the rule refers to it")
    if "absent" in text and rule.pinned_app_ids is None:
        yield Mistake("/absent", "has no meaning: `select` does not require an appId and give it by const or enum")


def _referred(part: Any) -> Iterator[str]:
    match part:
        case {"$ref": str(reference)}:
            yield reference
    match part:
        case dict() | list():
            for item in part.values() if isinstance(part, dict) else part:
                yield from _referred(item)

"""The values that users of a rule may set, and compiling a rule with them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tokenguard.documents import check_writable, parse_document
from tokenguard.errors import DocumentError, RuleError
from tokenguard.excerpts import is_excerpt
from tokenguard.model import Parameter, Rule, Schema, Severity
from tokenguard.rules.conditions import References, compiled, names_read, parameters_read, pinned_app_ids
from tokenguard.rules.fit import Fit, json_type, meaning_problem
from tokenguard.rules.keywords import KEYWORDS, LARGEST_NUMBER
from tokenguard.rules.mistakes import Mistake, did_you_mean, pointer, quote, rule_error


@dataclass(frozen=True, slots=True)
class Override:
    """What a user sets a rule to: another severity, other values."""

    severity: Severity | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Values as people write them, by the parameter's name."""
    withheld: bool = False
    """Whether errors repeat none of the values: they may be what a file holds."""


def with_values(rule: Rule, values: Mapping[str, Any]) -> Rule:
    """`rule` with the parameters in `values` set to other values, compiled anew.

    Each value replaces the keyword's value whole: a duration as ``"PT8H"``, a list as a list.
    Raises `RuleError` for a parameter that the rule does not have, or a value of another type.
    """
    mistakes = list(value_mistakes(rule, values))
    if mistakes:
        raise rule_error({f"{rule.source}: rule {rule.id!r}": mistakes})
    changed = {name: _with_value(rule.parameters[name], value) for name, value in values.items()}
    return compiled_rule(rule, {**rule.parameters, **changed})


def value_mistakes(rule: Rule, values: Mapping[str, Any]) -> Iterator[Mistake]:
    """What is wrong with `values` for the parameters of `rule`."""
    for name, value in values.items():
        parameter = rule.parameters.get(name)
        if parameter is None:
            known = did_you_mean(name, rule.parameters) or "; it has none"
            yield Mistake("", f"there is no parameter {quote(name)}{known}", "there is no parameter of this name")
        elif flaw := _flaw(parameter, value):
            yield Mistake(
                "",
                f"parameter {quote(name)} ({parameter.title}): {flaw}; its own is {quote(parameter.value)}",
                f"parameter {quote(name)}: not a value of {parameter.keyword}, which is a {_kind(parameter)}",
            )


def setting_mistakes(rule: Rule, values: Mapping[str, Any], type_schema: Schema) -> Iterator[Mistake]:
    """What is wrong with setting the parameters of `rule` to `values`, where its resources are of `type_schema`.

    It is no value for the parameter, or one that a property never has.
    """
    mistakes = list(value_mistakes(rule, values))
    yield from mistakes
    if not mistakes:
        changed = with_values(rule, values)
        fit = Fit(type_schema, references(rule.document, changed.parameters))
        for name in ("select", "require"):
            for mistake in fit.mistakes(rule.document.get(name, {}), pointer("", name)):
                yield replace(mistake, plain="a value that can mean nothing where the rule uses it")


def _with_value(parameter: Parameter, value: Any) -> Parameter:
    return read_parameter(parameter.name, {"title": parameter.title, parameter.keyword: value})


def _flaw(parameter: Parameter, value: Any) -> str | None:
    """What is wrong with a value for `parameter`: not of the type of its own value, or without a meaning."""
    wanted = KEYWORDS[parameter.keyword].value
    own = parameter.value["first"] if is_excerpt(parameter.value) else parameter.value  # of a report that was read back
    kinds = _kinds(own) | ({"integer", "number"} if wanted.get("type") == "number" else set())
    empty = value == [] and isinstance(own, list)
    if not empty and not _kinds(value) <= kinds:
        return f"{quote(value)} is no {' or '.join(sorted(kinds))}"
    if json_type(value) in ("integer", "number"):
        least, most = wanted.get("minimum", -LARGEST_NUMBER), wanted.get("maximum", LARGEST_NUMBER)
        return None if least <= value <= most else f"{value} is not between {least} and {most}"
    try:
        check_writable(value)
    except ValueError:
        return f"{quote(value)} is nothing that JSON can say"
    return meaning_problem(parameter.keyword, value)


def _kinds(value: Any) -> set[str]:
    """The types of a value, or of the items of a list; those of an empty list are taken to be strings."""
    if isinstance(value, list):
        return {f"list of {json_type(item)}s" for item in value} or {"list of strings"}
    return {json_type(value)}


def _kind(parameter: Parameter) -> str:
    if KEYWORDS[parameter.keyword].value is KEYWORDS["maxDuration"].value:
        return "duration such as PT2H"
    return " or ".join(sorted(_kinds(parameter.value)))


def parse_value(parameter: Parameter, text: str, *, withheld: bool = False) -> Any:
    """The value for `parameter` that `text` says, as on a command line: ``PT8H``, ``5``, ``a,b``, ``["a","b"]``.

    A list is JSON when it begins with ``[``, else items between commas or line ends; an empty text is the empty list.
    Raises `RuleError`, which says nothing of `text` if that is `withheld`.
    """
    kind = json_type(parameter.value)
    if kind == "string":
        return text.rstrip("\r\n")  # of a file
    if kind == "array" and not text.lstrip().startswith("["):
        return [item for part in text.splitlines() for item in map(str.strip, part.split(",")) if item]
    try:
        return parse_document(text.encode(errors="surrogateescape"), parameter.name)
    except DocumentError as error:
        what = "what the file holds" if withheld else quote(text)
        raise RuleError(
            f"parameter {parameter.name!r}: {what} is no {kind}",
            "`tokenguard rules show RULE` shows the values that a rule has of its own",
        ) from error


def read_parameter(name: str, schema: Schema) -> Parameter:
    """The parameter that a checked `schema` of a rule document describes."""
    keyword = next(iter(settable_keywords(schema)))
    plain = {keyword: schema[keyword]}
    return Parameter(name, schema["title"], keyword, schema[keyword], compiled(plain, {}))


def settable_keywords(schema: Schema) -> Iterator[str]:
    """The assertion keywords of a parameter's schema: exactly one, where it is as it should be."""
    return (keyword for keyword in schema if KEYWORDS[keyword].settable)


def references(document: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> References:
    """What ``$ref`` may name in `document`, with the effective values of its `parameters`."""
    values = {f"#/parameters/{name}": {part.keyword: part.value} for name, part in parameters.items()}
    return values | {f"#/$defs/{name}": part for name, part in document.get("$defs", {}).items()}


def compiled_rule(rule: Rule, parameters: Mapping[str, Parameter]) -> Rule:
    """`rule` with all that depends on the values of `parameters` derived from its document anew."""
    document = rule.document
    known = references(document, parameters)
    select = compiled(document["select"], known) if "select" in document else None
    require = compiled(document["require"], known)
    remediation = rule.remediation
    if remediation is not None and remediation.set is not None:
        remediation = replace(remediation, set=_filled(document["remediation"]["set"], parameters))
    return replace(
        rule,
        parameters=parameters,
        select=select,
        require=require,
        select_reads=names_read(select or {}),
        selecting=parameters_read(document.get("select", {}), document.get("$defs", {})),
        require_reads=names_read(require),
        pinned_app_ids=pinned_app_ids(select),
        remediation=remediation,
        digest=_digest(rule, parameters),
    )


def _filled(part: Any, parameters: Mapping[str, Parameter]) -> Any:
    """`part` of a remediation with each ``{"$parameter": NAME}`` replaced by the value, durations in seconds."""
    match part:
        case {"$parameter": str(name), **others} if not others:
            return next(iter(parameters[name].schema.values()))
        case dict():
            return {key: _filled(value, parameters) for key, value in part.items()}
        case list():
            return [_filled(item, parameters) for item in part]
        case _:
            return part


def _digest(rule: Rule, parameters: Mapping[str, Parameter]) -> str:
    values = {name: parameter.value for name, parameter in parameters.items()}
    effective = {"document": rule.document, "severity": str(rule.severity), "parameters": values}
    text = json.dumps(effective, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()

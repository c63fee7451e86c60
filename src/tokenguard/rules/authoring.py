"""Explaining what is wrong with the shape of a rule document. Imported only when something is.

The explanations come from jsonschema, which keeps more of the context of an error than the validator that judges.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from typing import Any

from jsonschema import Draft202012Validator

from tokenguard.rules.keywords import REFUSED
from tokenguard.rules.mistakes import Mistake, did_you_mean, pointer, quote
from tokenguard.schemas import schema


def shape_mistakes(document: Any) -> list[Mistake]:
    """Everything in `document` that the dialect's schema refuses, in the order of the document's paths."""
    mistakes = (mistake for error in _errors(document) for mistake in _explain(error))
    return sorted(dict.fromkeys(mistakes), key=lambda mistake: mistake.path)


def without_mistakes(document: Any) -> dict[str, Any]:
    """What is left of `document` when the refused parts are taken away; what is missing stays missing.

    With it the rest can be checked in the same run, so that an author sees all mistakes at once.
    """
    if not isinstance(document, dict):
        return {}
    rest = copy.deepcopy(document)
    for error in _errors(document):
        if error.validator == "additionalProperties":
            for name in _extra(error):
                _remove(rest, [*error.absolute_path, name])
        elif error.validator != "required":
            _remove(rest, _path(error))
    return rest


def _errors(document: Any) -> Iterator[Any]:  # NOTE: ValidationError, whose stubs call every field possibly unset
    return Draft202012Validator(schema("dialect")).iter_errors(document)


def _remove(document: Any, path: list[str | int]) -> None:
    """Take away the member at `path`, or the nearest one above it that is a member of an object."""
    parents = [document]
    for step in path[:-1]:
        try:
            parents.append(parents[-1][step])
        except (LookupError, TypeError):  # gone with an earlier mistake
            return
    for parent, step in reversed(list(zip(parents, path, strict=False))):
        if isinstance(parent, dict):
            parent.pop(step, None)
            return


def _explain(error: Any) -> Iterator[Mistake]:
    path = pointer("", *_path(error))
    found, wanted, part = quote(error.instance), error.validator_value, error.schema
    match error.validator:
        case "additionalProperties":
            for name in _extra(error):
                yield Mistake(pointer(path, name), _unknown_name(name, part["properties"]))
        case "required":
            for name in wanted:
                if name not in error.instance:
                    yield Mistake(path, f"{quote(name)} is missing: {_says(part['properties'][name])}")
        case "type":
            yield Mistake(path, f"{found} is no {wanted}: {_says(part)}")
        case "enum":
            yield Mistake(path, f"{found} is not possible here{did_you_mean(error.instance, wanted)}")
        case "minItems" | "minLength" | "minProperties":
            yield Mistake(path, f"{found} is too little, {wanted} at least: {_says(part)}")
        case "uniqueItems":
            yield Mistake(path, f"{found} holds something twice")
        case _:
            yield Mistake(path, f"{found} is not what is meant here: {_says(part)}")


def _path(error: Any) -> list[str | int]:
    """Where the mistake is; a wrong name is a mistake at that name, not in the object that has it."""
    wrong_name = [error.instance] if "propertyNames" in error.relative_schema_path else []
    return [*error.absolute_path, *wrong_name]


def _says(part: Any) -> str:
    """What the schema's own description says of a part of it."""
    if "$ref" in part and "description" not in part:
        part = schema("dialect")["$defs"][part["$ref"].rpartition("/")[2]]
    return str(part.get("description", part))


def _extra(error: Any) -> list[str]:
    known = error.schema["properties"]
    return [name for name in error.instance if name not in known]


def _unknown_name(name: str, known: Collection[str]) -> str:
    in_condition = "$ref" in known
    if in_condition and name in REFUSED:
        return f"{quote(name)} is not in the rule language: {REFUSED[name]}"
    what = "keyword of the rule language" if in_condition else "field"
    return f"{quote(name)} is no {what}{did_you_mean(name, known)}"

"""jsonschema-rs judges; jsonschema, a second implementation, is its oracle on all that a rule may say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
from hypothesis import event, given, settings
from hypothesis import strategies as st

from gadgets import GADGET, gadget
from python_patterns import to_python
from strategies import conditions, patterns, texts, values
from tokenguard.judging.engine import judge
from tokenguard.model import Outcome, Resource, ResourceType, Rule, Severity
from tokenguard.rules.conditions import compiled, names_read
from tokenguard.rules.mistakes import pointer
from tokenguard.rules.patterns import pattern_problem
from tokenguard.schemas import schema

PRINCIPAL = ResourceType("servicePrincipal", schema("resources/servicePrincipal"), ())


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    if isinstance(instance, str) and not re.search(to_python(pattern), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


Oracle = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _pattern})


def violated(condition: dict[str, Any], properties: dict[str, Any]) -> set[str]:
    """Where the oracle finds `properties` at fault."""
    return {
        pointer("", *error.absolute_path)
        for error in Oracle(condition).iter_errors(properties)
        if error.validator not in ("required", "dependentRequired")  # there we name what is missing
    }


@settings(max_examples=200)
@given(st.data())
def test_both_find_the_same_places_at_fault(data: st.DataObject) -> None:
    type_ = data.draw(st.sampled_from([GADGET, PRINCIPAL]))
    condition = compiled(data.draw(conditions(type_.schema, depth=3)), {})
    properties = data.draw(values(type_.schema))
    rule = Rule("r", "t", Severity.LOW, type_.name, condition, require_reads=names_read(condition))
    judged = judge(rule, type_, Resource(type_.name, "1", "1", properties))
    valid = Oracle(condition).is_valid(properties)
    event("valid" if valid else "not valid")
    assert judged.outcome is (Outcome.PASS if valid else Outcome.FAIL)
    ours = {each.path for each in judged.violations if each.keyword not in ("required", "dependentRequired")}
    assert ours == violated(condition, properties)


@settings(max_examples=200)
@given(patterns(), texts)
def test_both_read_an_accepted_pattern_alike(pattern: str, text: str) -> None:
    assert pattern_problem(pattern) is None
    condition = {"properties": {"label": {"pattern": pattern}}}
    rule = Rule("r", "t", Severity.LOW, GADGET.name, condition)
    matches = re.search(to_python(pattern), text) is not None
    event("matches" if matches else "does not")
    assert judge(rule, GADGET, gadget(label=text)).outcome is (Outcome.PASS if matches else Outcome.FAIL)

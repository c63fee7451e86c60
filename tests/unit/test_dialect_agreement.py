"""The engine that judges and the one that explains agree on every condition that the rule language admits."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import strategies
from python_patterns import to_python
from tokenguard.rules.conditions import compiled, names_read
from tokenguard.rules.fit import Fit
from tokenguard.rules.patterns import pattern_problem
from tokenguard.schemas import schema

TYPES = ["organization", "tokenLifetimePolicy", "tokenLifetimePolicyAssignment", "servicePrincipal"]
cases = st.sampled_from(TYPES).flatmap(
    lambda name: st.tuples(
        st.just(schema(f"resources/{name}")),
        strategies.conditions(schema(f"resources/{name}")),
        strategies.values(schema(f"resources/{name}")),
    )
)


def for_python(part: Any) -> Any:
    """A compiled condition whose patterns mean the same to Python's `re`."""
    if isinstance(part, list):
        return [for_python(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: to_python(value) if key == "pattern" and isinstance(value, str) else for_python(value)
        for key, value in part.items()
    }


@given(cases)
@settings(max_examples=200)
def test_generated_conditions_fit_and_both_engines_agree(case: tuple[dict[str, Any], dict[str, Any], Any]) -> None:
    type_schema, condition, properties = case
    assert list(Fit(type_schema, {}).mistakes(condition, "/require")) == []
    plain = compiled(condition, {})
    judged = jsonschema_rs.Draft202012Validator(plain, offline=True, pattern_options=jsonschema_rs.RegexOptions())
    assert judged.is_valid(properties) == Draft202012Validator(for_python(plain)).is_valid(properties)


@given(cases, st.data())
@settings(max_examples=200)
def test_a_property_that_is_not_read_does_not_matter(case: Any, data: st.DataObject) -> None:
    type_schema, condition, properties = case
    plain = compiled(condition, {})
    others = sorted(type_schema["properties"].keys() - names_read(plain))
    changed = {**properties, **{name: data.draw(strategies.values(type_schema["properties"][name])) for name in others}}
    judge = jsonschema_rs.Draft202012Validator(plain, offline=True)
    assert judge.is_valid(properties) == judge.is_valid(changed)


@given(strategies.patterns(), st.lists(st.sampled_from(["a", "b", "c", "é", ".", "\n", "日", "😀", "Z"]), max_size=5))
@settings(max_examples=200)
def test_an_accepted_pattern_is_read_alike(pattern: str, text: list[str]) -> None:
    assert pattern_problem(pattern) is None
    rust = jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    assert rust.is_valid("".join(text)) == Draft202012Validator({"pattern": to_python(pattern)}).is_valid("".join(text))


@pytest.mark.parametrize("engine", [jsonschema_rs.FancyRegexOptions(), jsonschema_rs.RegexOptions()])
def test_a_dollar_is_the_end_and_nothing_before_it(engine: Any) -> None:
    assert not jsonschema_rs.Draft202012Validator({"pattern": "b$"}, pattern_options=engine).is_valid("b\n")
    assert not Draft202012Validator({"pattern": to_python("b$")}).is_valid("b\n")
    assert Draft202012Validator({"pattern": "b$"}).is_valid("b\n"), "Python alone would find it"

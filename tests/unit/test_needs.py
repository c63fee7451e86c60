"""Nothing is asked of a tenant that no rule reads."""

from __future__ import annotations

from tokenguard.model import Need, ResourceType, Rule, Severity
from tokenguard.rules.needs import needs_of, with_needs

TYPES = {
    "lid": ResourceType("lid", {"properties": {"open": {}}}, ()),
    "box": ResourceType("box", {"properties": {"color": {}, "size": {}, "age": {}, "appId": {}}}, ()),
}


def rule(resource="box", select=(), require=(), message="", pinned=None):
    return Rule(
        "a-rule", "", Severity.LOW, resource, {}, message=message,
        select_reads=frozenset(select), require_reads=frozenset(require),
        pinned_app_ids=None if pinned is None else frozenset(pinned),
    )  # fmt: skip


def test_the_properties_that_any_rule_reads_or_mentions_are_needed():
    rules = [rule(select=["color"], require=["size"]), rule(message="{name} ({id}) is {age:count} years old")]
    assert needs_of(rules, TYPES) == {"box": Need("box", frozenset({"color", "size", "age"}))}


def test_a_type_that_no_rule_speaks_of_is_not_needed_and_the_order_is_that_of_the_types():
    assert list(needs_of([rule("box"), rule("lid")], TYPES)) == ["lid", "box"]
    assert needs_of([], TYPES) == {}


def test_named_objects_suffice_only_when_every_rule_names_them():
    assert needs_of([rule(pinned=["a"]), rule(pinned=["b"])], TYPES)["box"].app_ids == {"a", "b"}
    assert needs_of([rule(pinned=["a"]), rule()], TYPES)["box"].app_ids is None
    assert needs_of([rule(pinned=["a"]), rule("lid")], TYPES)["box"].app_ids == {"a"}


def test_what_somebody_else_needs_is_needed_too():
    box = needs_of([rule(select=["color"], pinned=["a"])], TYPES)
    assert with_needs(box, []) == box
    assert with_needs(box, [Need("box", frozenset({"size"}), frozenset({"b"}))])["box"] == Need(
        "box", frozenset({"color", "size"}), frozenset({"a", "b"})
    )
    assert with_needs(box, [Need("box", frozenset({"size"}))])["box"].app_ids is None
    assert with_needs({}, [Need("lid", frozenset({"open"}))]) == {"lid": Need("lid", frozenset({"open"}))}

"""Resources are derived anew from facts that were changed, and of the types that are wanted only."""

import pytest

from tenants import built_in, definition, facts, needs, policy, principal, readings

FOUND = facts(policy("p", definition("08:00:00")), held={"p": ["s"]}, principals=[principal("s")])
READ = readings(FOUND, needs([built_in()["service-principal-token-lifetime-too-long"]]))
TYPES = ["organization", "tokenLifetimePolicyAssignment", "servicePrincipal"]


def counts(snapshot):
    found = [one.type for one in snapshot.resources]
    summary = snapshot.summary()
    assert {type_: each.count for type_, each in summary.items()} == {type_: found.count(type_) for type_ in summary}
    return {type_: each.count for type_, each in summary.items()}


@pytest.mark.parametrize("only", [["servicePrincipal"], ["organization", "tokenLifetimePolicyAssignment"], [], TYPES])
def test_a_snapshot_of_some_types_is_complete_for_these_and_silent_on_the_others(only):
    assert counts(READ.snapshot(only)) == dict.fromkeys(only, 1)


def test_a_snapshot_can_be_taken_again():
    assert counts(READ.snapshot()) == counts(READ.snapshot()) == dict.fromkeys(TYPES, 1)


def test_other_facts_give_other_resources_and_leave_what_was_read_as_it_was():
    bare = READ.with_facts("servicePrincipal", facts(policy("p"), principals=[principal("s")]))
    assert counts(bare.snapshot())["tokenLifetimePolicyAssignment"] == 0
    assert counts(READ.snapshot())["tokenLifetimePolicyAssignment"] == 1
    assert READ.facts("organization") is FOUND
    assert READ.facts("unheard") is None

"""What a plan says of what could not be evaluated: each cause once, and none forgotten."""

import json
from dataclasses import replace

import pytest

from tenants import built_in, definition, facts, plan, policy, principal
from tokenguard.changes import Gap
from tokenguard.cli.gaps import gap_lines
from tokenguard.hookspecs import ReadFailure
from tokenguard.planning.comparison import check_consent
from tokenguard.planning.document import parse_plan, plan_to_dict

RULES = built_in()
LIMIT, RETIRED = RULES["access-token-lifetime-too-long"], RULES["retired-token-lifetime-setting"]
UNASSIGNED = RULES["unassigned-token-lifetime-policy"]
A, B = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
POLICIES = "/policies/tokenLifetimePolicies"


def refused(call, permission=""):
    return ReadFailure(call, f"GET {call}: 403 refused", 403, permission)


def test_a_tenant_that_was_read_to_the_end_has_none():
    made = plan([LIMIT, RETIRED], facts(policy(A), held={A: ["s"]}, principals=[principal("s")]))
    assert made.not_evaluated == ()


def test_one_refusal_is_one_cause_for_all_rules_with_its_call_and_permission():
    made = plan([LIMIT, RETIRED, UNASSIGNED], facts(policies_failure=refused(POLICIES, "Policy.Read.All")))
    [gap] = made.not_evaluated
    assert gap.reason == f"GET {POLICIES}: 403 refused"
    assert gap.permission == "Policy.Read.All"
    assert set(gap.rules) == {LIMIT.id, RETIRED.id, UNASSIGNED.id}
    assert next(gap_lines([gap])) == f"  GET {POLICIES}: 403 refused (needs the permission Policy.Read.All)"


def test_a_refusal_for_each_of_many_policies_is_one_cause_with_their_number():
    calls = {id_: f"{POLICIES}/{id_}/appliesTo" for id_ in (A, B)}
    holders = {id_: refused(call) for id_, call in calls.items()}
    [gap] = plan([UNASSIGNED], facts(policy(A), policy(B), holders=holders)).not_evaluated
    assert gap == Gap(f"GET {POLICIES}/{{id}}/appliesTo: 403 refused", "", (UNASSIGNED.id,), 2)
    assert next(gap_lines([gap])).endswith(" (2 resources)")


def test_one_policy_alone_keeps_its_id():
    holders = {A: refused(f"{POLICIES}/{A}/appliesTo"), B: ()}
    [gap] = plan([UNASSIGNED], facts(policy(A), policy(B), holders=holders)).not_evaluated
    assert (gap.reason, gap.resources) == (f"GET {POLICIES}/{A}/appliesTo: 403 refused", 1)


def test_different_causes_stay_apart():
    holders = {A: refused(f"{POLICIES}/{A}/appliesTo"), B: ReadFailure("", "no answer")}
    made = plan([UNASSIGNED], facts(policy(A), policy(B), holders=holders))
    assert [(gap.reason, gap.resources) for gap in made.not_evaluated] == [
        (f"GET {POLICIES}/{A}/appliesTo: 403 refused", 1), ("no answer", 1),
    ]  # fmt: skip


def test_one_unreadable_definition_is_one_cause_though_it_hides_several_properties():
    rules = [RULES[id_] for id_ in ("retired-token-lifetime-setting", "unknown-token-lifetime-setting")]
    [gap] = plan(rules, facts(policy(A, "nonsense"))).not_evaluated
    assert "is not JSON" in gap.reason
    assert " is unknown: " not in gap.reason
    assert (len(gap.rules), gap.resources) == (2, 1)


@pytest.mark.parametrize("failure", [None, refused(POLICIES, "Policy.Read.All")])
def test_a_plan_keeps_what_was_not_evaluated(failure):
    made = plan([LIMIT], facts(policy(A, definition("08:00:00")), policies_failure=failure))
    data = json.dumps(plan_to_dict(made)).encode()
    assert parse_plan(data, "plan.json") == made
    assert bool(made.not_evaluated) is (failure is not None)


def test_consent_is_to_the_changes_and_not_to_what_could_not_be_evaluated():
    held = facts(policy(A, definition("08:00:00")), held={A: ["s"]}, principals=[principal("s")])
    agreed = plan([LIMIT], held)
    assert agreed.changes
    now = replace(agreed, not_evaluated=(Gap("GET /applications: 403 refused", "", ("another",), 0),))
    check_consent(agreed, now, now=agreed.made_at, source="plan.json")

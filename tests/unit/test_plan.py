"""What a plan mends, what it leaves and why, and that it breaks nothing: on the embedded tenant and on made-up ones."""

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants import (
    CDS,
    DATAVERSE,
    FIXERS,
    MICROSOFT,
    NOW,
    ROOT,
    TENANT,
    TYPES,
    application,
    built_in,
    carried_out,
    definition,
    demo,
    enacted,
    facts,
    needs,
    plan,
    policy,
    principal,
    readings,
    report,
    resource,
)
from tokenguard.entra.definition import parse_definition
from tokenguard.errors import UsageError
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import Exemption, FindingStatus, Outcome, Safety, Tenant
from tokenguard.packs import read_pack
from tokenguard.planning.plan import LIFETIME, make_plan
from tokenguard.rules.parsing import parse_rules

RULES = built_in()
LIMIT = RULES["access-token-lifetime-too-long"]
REMOVE = RULES["token-lifetime-policy-on-microsoft-resource"]
LONG = definition("08:00:00")
REFUSED = ReadFailure("/policies", "GET /policies: 403", status=403)

FIVE_HOURS_FILE = ROOT / "examples/dataverse-five-hours/rules/dataverse-lifetime-not-five-hours.json"
[FIVE_HOURS] = parse_rules(read_pack(FIVE_HOURS_FILE), TYPES)
AGREED = "tokenguard dataverse five hours"


def rule(id_, type_, require, remediation, *, select=None, fail, ok):
    """A rule of the tests' own, read as a rule file is."""
    document = {
        "id": id_, "title": id_, "severity": "medium", "resource": type_, "rationale": "Only for tests.",
        "require": {"properties": require}, "remediation": remediation,
        "examples": [{"outcome": "fail", "properties": fail}, {"outcome": "pass", "properties": ok}],
    }  # fmt: skip
    if select:
        document["select"] = {"properties": select}
    unknown = dict.fromkeys(require, "not read")
    known = {name: ok[name] for name in select or ()}
    document["examples"].append({"outcome": "not-evaluated", "properties": known, "unknown": unknown})
    [made] = parse_rules([(f"{id_}.json", json.dumps(document).encode())], TYPES)
    return made


def kinds(made):
    return [str(operation.kind) for change in made.changes for operation in change.operations]


def reasons(made):
    return {(each.rule, each.resource.id): each.reason for each in made.skipped}


def bad(rules, read, exemptions=()):
    """Every (rule, resource) that does not pass, and whether it fails."""
    found = report(rules, read, exemptions)
    pairs = {(each.rule, each.resource and each.resource.id): False for each in found.not_evaluated}
    pairs |= {(each.rule, each.resource.id): True for each in found.findings if each.status is not FindingStatus.EXEMPT}
    return pairs


# --- every built-in rule, on the embedded tenant ------------------------------------------------------------------

MENDED = {
    "access-token-lifetime-too-long": 4,
    "organization-default-policy": 1,
    "retired-token-lifetime-setting": 1,
    "token-lifetime-not-canonical": 2,
    "token-lifetime-policy-on-microsoft-resource": 1,
    "token-lifetime-policy-on-unlisted-principal": 12,
    "token-lifetime-policy-without-effect": 5,
    "unassigned-policy-lifetime-too-long": 1,
    "unknown-token-lifetime-setting": 1,
    "organization-default-lifetime-too-long": 0,
}
"""How many findings the plan for each rule alone mends; the demo has no default that is too long."""
BY_HAND = {
    "application-token-lifetime-too-long",
    "service-principal-token-lifetime-too-long",
    "several-organization-default-policies",
    "token-lifetime-out-of-range",
    "token-lifetime-policies-of-one-name",
    "token-lifetime-policy-sets-nothing",
    "token-lifetime-precedence-ambiguous",
    "unassigned-token-lifetime-policy",
    "unreadable-token-lifetime-definition",
}


def test_the_two_lists_hold_every_built_in_rule():
    assert RULES.keys() == MENDED.keys() | BY_HAND
    assert {id_ for id_, one in RULES.items() if one.remediation.safety is Safety.MANUAL} == BY_HAND


@pytest.mark.parametrize("id_", MENDED)
def test_the_plan_for_a_rule_mends_all_that_it_finds_on_the_embedded_tenant(id_):
    read = demo([RULES[id_]])
    made = plan([RULES[id_]], read)
    assert not made.skipped
    assert len([served for change in made.changes for served in change.serves]) == MENDED[id_]
    after = carried_out(read, made)
    assert True not in bad([RULES[id_]], after).values()
    assert plan([RULES[id_]], after).changes == ()


@pytest.mark.parametrize("id_", sorted(BY_HAND))
def test_what_is_to_be_mended_by_hand_is_said_with_the_guidance(id_):
    one = RULES[id_]
    made = plan([one], demo([one]))
    assert made.changes == ()
    assert {each.reason for each in made.skipped} <= {f"by hand only: {one.remediation.guidance}"}


@pytest.mark.parametrize("unsafe", [True, False])
def test_all_rules_together_mend_what_they_can_and_say_why_not(unsafe):
    rules = list(RULES.values())
    read = demo(rules)
    made = plan(rules, read, unsafe=unsafe)
    served = {(each.rule, each.resource.id) for change in made.changes for each in change.serves}
    found = {(each.rule, each.resource.id) for each in report(rules, read).findings}
    assert served | reasons(made).keys() == found
    assert not served & reasons(made).keys()
    assert {change.safety for change in made.changes} == ({Safety.SAFE, Safety.UNSAFE} if unsafe else {Safety.SAFE})
    after = carried_out(read, made)
    assert bad(rules, after).keys() == bad(rules, read).keys() - served


def test_without_unsafe_what_is_not_safe_is_skipped_and_says_so():
    made = plan([LIMIT], demo([LIMIT]), unsafe=False)
    assert made.changes == ()
    assert set(reasons(made).values()) == {"not safe: planned only with --unsafe"}


# --- the article's case -------------------------------------------------------------------------------------------


def five_hours(*policies, held=()):
    return facts(*policies, held=dict(held), principals=[CDS])


@pytest.mark.parametrize(
    ("found", "done"),
    [
        (five_hours(), ["createPolicy", "assign"]),
        (five_hours(policy("p", LONG), held={"p": ["cds"]}), ["createPolicy", "unassign", "assign"]),
        (five_hours(policy("p", definition("05:00:00")), held={"p": ["cds"]}), []),
        (five_hours(policy("p", definition("05:00:00"), displayName=AGREED)), ["assign"]),
    ],
)
def test_dataverse_is_given_five_hours_once(found, done):
    made = plan([FIVE_HOURS], found)
    assert kinds(made) == done
    after = enacted(found, made)
    held = resource(after, "servicePrincipal", "cds").properties["assignedTokenLifetimePolicy"]
    assert (held["accessTokenLifetimeSeconds"], held["isOrganizationDefault"]) == (18000, False)
    assert plan([FIVE_HOURS], after).changes == plan([FIVE_HOURS], after).skipped == ()


# --- several that ask for one policy --------------------------------------------------------------------------------

NAMED = {"displayName": "ours", "isOrganizationDefault": False, "accessTokenLifetimeSeconds": 7200}
ALL_OURS = rule(
    "all-hold-ours", "servicePrincipal",
    {"assignedTokenLifetimePolicy": {
        "type": "object", "required": ["displayName", "accessTokenLifetimeSeconds"],
        "properties": {"displayName": {"const": "ours"}, "accessTokenLifetimeSeconds": {"const": 7200}},
    }},
    {"safety": "unsafe", "set": {"assignedTokenLifetimePolicy": NAMED}},
    select={"appId": {"enum": ["app-of-s", "app-of-t"]}},
    fail={"appId": "app-of-s", "assignedTokenLifetimePolicy": None},
    ok={"appId": "app-of-s", "assignedTokenLifetimePolicy": {**NAMED, "id": "x"}},
)  # fmt: skip


def ours(*policies, held=(), **more):
    people = [principal(id_) for id_ in ("s", "t", "u")]
    return facts(*policies, held=dict(held), principals=people, **more)


OURS = policy("o", LONG, displayName="ours")


@pytest.mark.parametrize(
    ("found", "done"),
    [
        (ours(), ["createPolicy", "assign", "assign"]),
        (ours(OURS), ["updatePolicy", "assign", "assign"]),
        (ours(OURS, held={"o": ["s", "t"]}), ["updatePolicy"]),
        (ours(OURS, held={"o": ["t"]}), ["updatePolicy", "assign"]),
        (ours(OURS, policy("p"), held={"o": ["t"], "p": ["s"]}), ["updatePolicy", "unassign", "assign"]),
        (ours(policy("o", definition("02:00:00"), displayName="ours")), ["assign", "assign"]),
    ],
)
def test_several_that_ask_for_one_policy_are_given_exactly_one(found, done):
    made = plan([ALL_OURS], found)
    assert kinds(made) == done
    assert len(made.changes) == (2 if done == ["assign", "assign"] else 1), "what writes to one policy is one change"
    after = enacted(found, made)
    assert [each["displayName"] for each in after.policies.values()].count("ours") == 1
    for id_ in ("s", "t"):
        held = resource(after, "servicePrincipal", id_).properties["assignedTokenLifetimePolicy"]
        assert (held["displayName"], held["accessTokenLifetimeSeconds"]) == ("ours", 7200)
    assert plan([ALL_OURS], after).changes == ()


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (ours(OURS, held={"o": ["t", "u"]}), "of all that hold it but U"),
        (ours(OURS, OURS | {"id": "q"}), "2 policies are called “ours”"),
        (ours(OURS, holders={"o": REFUSED}), "403"),
    ],
)
def test_where_the_policy_of_the_name_may_not_be_edited_nobody_gets_a_second_one(found, why):
    made = plan([ALL_OURS], found)
    assert made.changes == ()
    assert all(why in reason for reason in reasons(made).values())


def test_one_left_out_of_the_plan_is_not_covered_by_it():
    made = plan([ALL_OURS], ours(OURS, held={"o": ["t"]}), only=["s"])
    assert made.changes == ()
    assert "of all that hold it but T" in str(reasons(made))


def test_two_that_ask_for_one_name_with_two_lifetimes_get_neither():
    other = replace(
        ALL_OURS, id="other", digest="other",
        select={"properties": {"appId": {"const": "app-of-u"}}, "required": ["appId"]},
        require=json.loads(json.dumps(ALL_OURS.require).replace("7200", "3600")),
        remediation=replace(
            ALL_OURS.remediation, set={"assignedTokenLifetimePolicy": {**NAMED, "accessTokenLifetimeSeconds": 3600}}
        ),
    )  # fmt: skip
    made = plan([ALL_OURS, other], ours(OURS))
    assert made.changes == ()
    assert "conflicts with" in str(reasons(made))


def test_what_the_plan_says_of_it():
    made = plan([FIVE_HOURS], five_hours(policy("p", LONG), held={"p": ["cds"]}))
    [change] = made.changes
    assert change.resource.name == "Dataverse"
    assert change.before["assignedTokenLifetimePolicy"]["accessTokenLifetimeSeconds"] == 8 * 3600
    assert change.after["assignedTokenLifetimePolicy"]["accessTokenLifetimeSeconds"] == 5 * 3600
    assert "every client and every environment" in change.blast_radius
    assert made.permissions == (
        "Policy.ReadWrite.ApplicationConfiguration", "Application.ReadWrite.All", "Policy.Read.All",
    )  # fmt: skip
    assert (made.made_at, made.expires_at) == (NOW, NOW + LIFETIME)
    assert made.rules == {FIVE_HOURS.id: FIVE_HOURS.digest}


def test_the_embedded_tenant_has_five_hours_already():
    assert plan([FIVE_HOURS], demo([FIVE_HOURS])).changes == ()


def test_a_principal_that_is_not_there_is_not_created():
    strict = replace(FIVE_HOURS, absent=Outcome.FAIL)
    made = plan([strict], facts(named={kind: {DATAVERSE: None} for kind in facts().named}))
    assert list(reasons(made).values()) == ["there is no such servicePrincipal, and a fix creates none"]


def test_a_contradiction_between_two_rules_is_not_carried_out():
    made = plan([FIVE_HOURS, LIMIT], five_hours())
    assert made.changes == ()
    assert "which it brings about, would fail by access-token-lifetime-too-long" in str(reasons(made))


def test_a_new_assignment_may_fail_as_the_one_did_that_it_replaces():
    found = five_hours(policy("p", LONG), held={"p": ["cds"]})
    limit = replace(LIMIT, remediation=replace(LIMIT.remediation, safety=Safety.MANUAL, set=None))
    assert kinds(plan([FIVE_HOURS, limit], found)) == ["createPolicy", "unassign", "assign"]


# --- several wishes -----------------------------------------------------------------------------------------------


def test_wishes_that_write_to_one_policy_are_one_write_that_serves_all():
    found = facts(
        policy("p", definition("8:00:00", MaxInactiveTime="1.00:00:00")),
        held={"p": ["s", "t"]}, principals=[principal("s"), principal("t")],
    )  # fmt: skip
    rules = [LIMIT, RULES["retired-token-lifetime-setting"], RULES["token-lifetime-not-canonical"]]
    [change] = plan(rules, found).changes
    [operation] = change.operations
    assert operation.after["definition"] == [definition("01:30:00")]
    assert operation.before == {**operation.after, "definition": found.policies["p"]["definition"]}
    assert {(each.rule, each.resource.id) for each in change.serves} == {
        (LIMIT.id, "p/s"), (LIMIT.id, "p/t"), (rules[1].id, "p"), (rules[2].id, "p"),
    }  # fmt: skip
    assert change.safety is Safety.UNSAFE


def test_safe_wishes_are_brought_about_where_unsafe_ones_are_not_asked_for():
    retired = definition("08:00:00", MaxInactiveTime="30.00:00:00")
    found = facts(policy("p", retired), held={"p": ["s"]}, principals=[principal("s")])
    made = plan([LIMIT, RULES["retired-token-lifetime-setting"]], found, unsafe=False)
    [change] = made.changes
    assert (change.safety, change.irreversible) == (Safety.SAFE, "")
    assert [each.rule for each in change.serves] == ["retired-token-lifetime-setting"]
    assert [each.rule for each in made.skipped] == [LIMIT.id]


def test_what_may_not_be_taken_back_is_not_safe_whatever_the_rule_says():
    rule = RULES["token-lifetime-not-canonical"]
    careless = replace(rule, remediation=replace(rule.remediation, safety=Safety.SAFE))
    found = facts(policy("p", definition("8:00:00")))
    [skipped] = plan([careless], found, unsafe=False).skipped
    assert "cannot be taken back: Graph may not accept its definition as it is now" in skipped.reason
    assert definition("8:00:00") in skipped.reason
    [change] = plan([careless], found).changes
    assert change.safety is Safety.UNSAFE
    assert definition("8:00:00") in change.irreversible


@pytest.mark.parametrize("id_", ["before", "zealous"])
def test_what_one_rule_calls_unsafe_is_not_safe_because_another_wants_it_too(id_):
    careful = RULES["unassigned-policy-lifetime-too-long"]
    careless = replace(careful, id=id_, remediation=replace(careful.remediation, safety=Safety.UNSAFE))
    [change] = plan([careful, careless], facts(policy("p", LONG))).changes
    assert (change.safety, len(change.serves)) == (Safety.UNSAFE, 2)
    [change] = plan([careful, careless], facts(policy("p", LONG)), unsafe=False).changes
    assert (change.safety, len(change.serves)) == (Safety.SAFE, 1)


def test_remediations_that_contradict_each_other_are_skipped_with_both_names():
    found = facts(policy("p", LONG), held={"p": ["cds"]}, principals=[CDS])
    made = plan([LIMIT, REMOVE], found)
    assert made.changes == ()
    assert f"conflicts with {REMOVE.id}" in reasons(made)[LIMIT.id, "p/cds"]
    assert f"conflicts with {LIMIT.id}" in reasons(made)[REMOVE.id, "p/cds"]
    assert kinds(plan([LIMIT], found)) == ["updatePolicy"]
    assert kinds(plan([REMOVE], found)) == ["unassign"]


def test_two_limits_for_one_policy_are_a_conflict_and_neither_wins():
    other = rule(
        "default-too-long", "tokenLifetimePolicy", {"accessTokenLifetimeSeconds": {"maximum": 3600}},
        {"set": {"accessTokenLifetimeSeconds": 3600}},
        fail={"accessTokenLifetimeSeconds": 3601}, ok={"accessTokenLifetimeSeconds": 3600},
    )  # fmt: skip
    made = plan([LIMIT, other], facts(policy("p", LONG), held={"p": ["s"]}, principals=[principal("s")]))
    assert made.changes == ()
    assert {each.rule for each in made.skipped} == {LIMIT.id, other.id}


def test_when_one_holder_is_in_conflict_the_others_get_a_policy_of_their_own():
    found = facts(policy("p", LONG), held={"p": ["s", "t", "cds"]}, principals=[principal("s"), principal("t"), CDS])
    made = plan([LIMIT, REMOVE], found)
    assert kinds(made) == ["createPolicy", "unassign", "assign", "unassign", "assign"]
    assert {each.resource.id for change in made.changes for each in change.serves} == {"p/s", "p/t"}
    after = enacted(found, made)
    assert after.policies["p"] == found.policies["p"]
    assert after.holders["p"] == ("cds",)
    assert len(made.changes) == 1


def test_an_exemption_with_a_limit_of_its_own_is_what_a_fix_brings_about():
    found = facts(policy("p", LONG), held={"p": ["s", "cds"]}, principals=[principal("s"), CDS])
    exemption = Exemption(LIMIT.id, DATAVERSE, "agreed", "us", date(2027, 6, 30), {"maximum": "PT5H"})
    after = enacted(found, plan([LIMIT], found, [exemption]))
    lifetimes = {
        id_: resource(after, "servicePrincipal", id_).properties["assignedTokenLifetimePolicy"][
            "accessTokenLifetimeSeconds"
        ]
        for id_ in ("s", "cds")
    }
    assert lifetimes == {"s": 5400, "cds": 18000}


def test_what_is_exempt_is_neither_mended_nor_skipped():
    found = facts(policy("p", LONG), held={"p": ["cds"]}, principals=[CDS])
    made = plan([LIMIT], found, [Exemption(LIMIT.id, DATAVERSE, "agreed", "us", date(2027, 6, 30))])
    assert (made.changes, made.skipped) == ((), ())


@pytest.mark.parametrize("only", ["p/s", "P/S", "s", "app-of-s", "S"])
def test_only_narrows_to_an_id_an_appid_or_a_name(only):
    found = facts(
        policy("p", LONG), policy("q", LONG), held={"p": ["s"], "q": ["t"]}, principals=[principal("s"), principal("t")]
    )
    made = plan([LIMIT], found, only=[only])
    assert [each.resource.id for change in made.changes for each in change.serves] == ["p/s"]
    assert made.skipped == ()
    assert made.only == (only,)


# --- proof --------------------------------------------------------------------------------------------------------


def test_a_change_that_would_break_another_rule_is_skipped_and_the_rest_stands():
    found = facts(
        policy("p", LONG), policy("q", definition(MaxInactiveTime="1.00:00:00")),
        held={"p": ["cds"]}, principals=[CDS],
    )  # fmt: skip
    rules = [REMOVE, RULES["unassigned-policy-lifetime-too-long"], RULES["retired-token-lifetime-setting"]]
    made = plan(rules, found)
    assert [change.resource.id for change in made.changes] == ["q"]
    [reason] = reasons(made).values()
    assert "policy “P”" not in reason
    assert "tokenLifetimePolicy “P” would fail by unassigned-policy-lifetime-too-long" in reason


def test_a_change_that_would_leave_something_undecided_is_skipped():
    found = facts(policy("p", "{'"), held={"p": ["cds"]}, principals=[CDS])
    [reason] = reasons(plan([REMOVE, RULES["unassigned-policy-lifetime-too-long"]], found)).values()
    assert "would be not evaluated by unassigned-policy-lifetime-too-long" in reason


def test_a_remediation_that_does_not_mend_its_finding_is_not_carried_out():
    useless = replace(LIMIT, remediation=replace(LIMIT.remediation, set={"accessTokenLifetimeSeconds": 7200}))
    made = plan([useless], facts(policy("p", LONG), held={"p": ["s"]}, principals=[principal("s")]))
    assert made.changes == ()
    assert "“S” would still fail by access-token-lifetime-too-long" in reasons(made)[LIMIT.id, "p/s"]


def test_a_finding_that_would_be_back_under_another_id_is_not_mended():
    useless = replace(LIMIT, remediation=replace(LIMIT.remediation, set={"accessTokenLifetimeSeconds": 7200}))
    found = facts(policy("p", LONG, default=True), held={"p": ["s"]}, principals=[principal("s")])
    made = plan([useless], found)
    assert made.changes == ()
    assert "which it brings about, would fail by access-token-lifetime-too-long" in reasons(made)[LIMIT.id, "p/s"]


def test_what_concerns_an_organization_default_comes_last():
    """Were it taken away first, and the other refused then, tokens would live as the policy says that it outranks."""
    default = policy("d", definition("01:00:00"), default=True)
    found = facts(default, policy("p", LONG), held={"p": ["s"]}, principals=[principal("s")])
    for rules in ([RULES["organization-default-policy"], LIMIT], [LIMIT, RULES["organization-default-policy"]]):
        written = [operation.target for change in plan(rules, found).changes for operation in change.operations]
        assert written == [{"policy": "p"}, {"policy": "d"}]


def test_a_finding_that_goes_with_others_is_said_to():
    rules = [LIMIT, RULES["service-principal-token-lifetime-too-long"]]
    made = plan(rules, facts(policy("p", LONG), held={"p": ["s"]}, principals=[principal("s")]))
    assert reasons(made)[rules[1].id, "s"] == "goes with what the changes mend"


def test_a_policy_is_edited_where_all_that_hold_it_are_known_whatever_else_is_not():
    found = facts(policy("p", LONG), policy("q"), held={"p": ["cds"]}, principals=[CDS])
    unread = replace(found, holders={**found.holders, "q": REFUSED}, policies_failure=REFUSED)
    assert kinds(plan([LIMIT], unread)) == ["updatePolicy"]


def test_no_policy_is_edited_while_it_is_not_known_who_holds_it():
    found = facts(policy("p", LONG, default=True), holders={"p": REFUSED})
    [reason] = reasons(plan([RULES["organization-default-lifetime-too-long"]], found)).values()
    assert "who holds the policy could not be read" in reason


def test_no_policy_is_created_while_it_is_not_known_which_there_are():
    found = facts(policy("p", LONG), held={"p": ["s", "cds"]}, principals=[principal("s"), CDS])
    exemption = Exemption(LIMIT.id, DATAVERSE, "agreed", "us", date(2027, 6, 30))
    made = plan([LIMIT], replace(found, policies_failure=REFUSED), [exemption])
    assert "whether there is a policy “P (1 h 30 min)” already is not known" in reasons(made)[LIMIT.id, "p/s"]


def test_nothing_is_planned_for_a_tenant_that_nobody_can_name():
    read = readings(facts(policy("p", LONG)), needs([LIMIT]))
    with pytest.raises(UsageError, match="which tenant this is"):
        plan([LIMIT], replace(read, header=replace(read.header, tenant=Tenant(""))))


def test_a_type_that_nothing_mends_is_said():
    read = readings(facts(policy("p", LONG), held={"p": ["s"]}, principals=[principal("s")]), needs([LIMIT]))
    made = make_plan(report([LIMIT], read), read, types=TYPES, fixers={}, now=NOW, unsafe=True)
    assert list(reasons(made).values()) == ["nothing that is installed mends a tokenLifetimePolicyAssignment"]


def test_the_same_findings_give_the_same_plan():
    rules = list(RULES.values())
    assert plan(rules, demo(rules)) == plan(rules, demo(rules))


lifetimes = st.sampled_from([None, "01:00:00", "8:00:00", "00:90:00", "24:00:00", "12:00:00"])
extras = st.dictionaries(st.sampled_from(["MaxInactiveTime", "Novel"]), st.just("1"), max_size=1)
texts = st.one_of(st.builds(lambda text, more: definition(text, **more), lifetimes, extras), st.just("{'"))
HOLDERS = ("s", "m", "cds", "a")


@st.composite
def tenants(draw):
    made = [
        policy(f"p{number}", draw(texts), default=draw(st.sampled_from([False, False, True])))
        for number in range(draw(st.integers(1, 3)))
    ]
    held = {each["id"]: [] for each in made}
    for holder in HOLDERS:
        which = draw(st.sampled_from([None, *held]))
        if which:
            held[which].append(holder)
    found = facts(
        *made,
        held=held,
        principals=[principal("s"), principal("m", servicePrincipalType="ManagedIdentity"), CDS],
        applications=[application("a")],
    )
    for each in draw(st.sets(st.sampled_from(sorted(held)), max_size=1)):
        found = replace(found, holders={**found.holders, each: draw(st.sampled_from([found.holders[each], REFUSED]))})
    return replace(found, policies_failure=draw(st.sampled_from([None, None, None, REFUSED])))


IGNORED = st.sets(st.sampled_from([*RULES, FIVE_HOURS.id]), max_size=12)


@settings(max_examples=100)
@given(found=tenants(), ignored=IGNORED, unsafe=st.booleans())
def test_no_plan_makes_fail_or_hides_what_passed(found, ignored, unsafe):
    rules = [one for one in (*RULES.values(), FIVE_HOURS) if one.id not in ignored]
    before = readings(found, needs(rules))
    made = plan(rules, found, unsafe=unsafe)
    after = carried_out(before, made)
    existed = {(one.type, one.id) for one in before.snapshot().resources}
    types = {one.id: one.resource for one in rules}
    bad_before, bad_after = bad(rules, before), bad(rules, after)
    worse = bad_after.keys() - bad_before.keys()
    assert not {(id_, one) for id_, one in worse if one is None or (types[id_], one) in existed}
    for change in made.changes:
        assert unsafe or change.safety is Safety.SAFE
        for served in change.serves:
            assert (served.rule, served.resource.id) not in bad_after
    again = plan(rules, after, unsafe=unsafe)
    mended = {(served.rule, served.resource.id) for change in made.changes for served in change.serves}
    assert not mended & {(served.rule, served.resource.id) for change in again.changes for served in change.serves}


def test_planning_reads_the_definitions_that_it_speaks_of_and_not_all_of_them_for_each_finding(monkeypatch):
    number = 40
    found = facts(
        *(policy(f"p{each}", LONG) for each in range(number)),
        held={f"p{each}": [f"s{each}", f"t{each}"] for each in range(number)},
        principals=[principal(f"{letter}{each}") for letter in "st" for each in range(number)],
    )
    read = readings(found, needs([LIMIT]))
    before, count = report([LIMIT], read), 0

    def counted(strings):
        nonlocal count
        count += 1
        return parse_definition(strings)

    monkeypatch.setattr("tokenguard.entra.policy.parse_definition", counted)
    made = make_plan(before, read, types=TYPES, fixers=FIXERS, now=NOW, unsafe=True, only=["S1", "S2", "S3"])
    assert kinds(made) == ["createPolicy", "unassign", "assign"] * 3
    assert count < 10 * number, "a multiple of the policies, whatever the number of findings"
    count = 0
    assert len(make_plan(before, read, types=TYPES, fixers=FIXERS, now=NOW, unsafe=True).changes) == number
    assert count < 20 * number


@pytest.mark.parametrize(
    ("more", "changes", "not_evaluated"),
    [
        ({"appOwnerOrganizationId": MICROSOFT}, 1, 0),
        ({"appOwnerOrganizationId": TENANT}, 0, 0),
        ({"appOwnerOrganizationId": None}, 0, 1),
        ({"appOwnerOrganizationId": None, "servicePrincipalType": "ManagedIdentity"}, 0, 0),
    ],
)
def test_what_may_be_microsofts_or_not_is_neither_passed_nor_taken_away(more, changes, not_evaluated):
    rules = [RULES["token-lifetime-policy-on-microsoft-resource"]]
    found = facts(policy("p"), held={"p": ["sp"]}, principals=[principal("sp", **more)])
    assert len(plan(rules, found).changes) == changes
    assert len(report(rules, readings(found, needs(rules))).not_evaluated) == not_evaluated


IGNORABLE = [
    definition("24:00:00"),
    definition("22:60:00"),
    definition("02:00:00").replace('"', '\\"'),
    json.dumps(definition("02:00:00")),
    definition("02:00:00").replace('"Version":1,', ""),
    definition("02:00:00").replace('"Version":1', '"Version":2'),
    definition("02:00:00", Novel=1),
]
"""Policies that Entra may ignore."""


@pytest.mark.parametrize("text", IGNORABLE)
def test_no_plan_takes_away_what_decides_where_entra_ignores_the_default_in_front_of_it(text):
    found = facts(
        policy("default", text, default=True),
        policy("own", LONG),
        held={"own": ["app"]},
        applications=[application("app")],
    )
    made = plan([RULES["token-lifetime-policy-without-effect"]], found)
    assert (made.changes, made.skipped) == ((), ())


def test_no_plan_takes_away_what_decides_where_a_default_that_is_null_is_none():
    null = {**policy("default"), "isOrganizationDefault": None}
    found = facts(null, policy("own", LONG), held={"own": ["app"]}, applications=[application("app")])
    assert plan([RULES["token-lifetime-policy-without-effect"]], found).changes == ()


def test_a_policy_that_may_be_the_default_is_left_for_a_person_to_write():
    null = {**policy("p", definition(MaxInactiveTime="1.00:00:00")), "isOrganizationDefault": None}
    made = plan([RULES["retired-token-lifetime-setting"]], facts(null))
    assert made.changes == ()
    assert "isOrganizationDefault is null" in made.skipped[0].reason


@pytest.mark.parametrize(("version", "reach"), [("", "tokens for APP"), ('"Version":1,', "no token")])
def test_what_is_written_as_documented_reaches_tokens_where_entra_may_have_ignored_it(version, reach):
    text = definition(MaxInactiveTime="1.00:00:00").replace('"Version":1,', version)
    found = facts(policy("p", text), held={"p": ["app"]}, applications=[application("app")])
    (change,) = plan([RULES["retired-token-lifetime-setting"]], found).changes
    assert change.blast_radius.startswith(reach)
    assert change.safety is (Safety.SAFE if version else Safety.UNSAFE)


def test_a_fix_that_settles_one_doubt_of_two_reaches_tokens_all_the_same():
    """Entra may have ignored the policy for the Version that is missing, and heed it with a setting of its own."""
    text = definition("02:00:00", Novel=1).replace('"Version":1,', "")
    found = facts(policy("p", text), held={"p": ["app"]}, applications=[application("app")])
    (change,) = plan([RULES["token-lifetime-not-canonical"]], found).changes
    assert change.blast_radius.startswith("tokens for APP")


def test_a_policy_of_the_name_that_entra_may_ignore_is_written_as_documented_before_it_is_assigned():
    existing = policy(
        "p", definition("05:00:00").replace('"Version":1,', ""), displayName="tokenguard dataverse five hours"
    )
    made = plan([FIVE_HOURS], facts(existing, principals=[CDS]))
    assert kinds(made) == ["updatePolicy", "assign"]
    assert made.changes[0].operations[0].after["definition"] == [definition("05:00:00")]

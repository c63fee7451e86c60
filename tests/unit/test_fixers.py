"""What the fixers of Entra propose, and what they refuse. Each proposal is enacted and read again."""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenguard_sandbox.definitions import as_documented

from definitions import READABLE, UNREADABLE, anything
from tenants import (
    CDS,
    FIXERS,
    application,
    definition,
    enacted,
    facts,
    policy,
    principal,
    propose,
    resource,
)
from tokenguard.changes import Proposal, Refusal
from tokenguard.entra.fixing.operations import policy_state, update
from tokenguard.entra.fixing.updates import irreversible, update_reach, update_words
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import Safety

POLICY = "tokenLifetimePolicy"
ASSIGNMENT = "tokenLifetimePolicyAssignment"
PRINCIPAL = "servicePrincipal"
REFUSED = ReadFailure("/policies", "GET /policies: 403", status=403)


def kinds(proposal):
    assert isinstance(proposal, Proposal), proposal
    return [str(operation.kind) for operation in proposal.operations]


def reason(proposal):
    assert isinstance(proposal, Refusal), proposal
    return proposal.reason


def written(found, proposal, id_="p"):
    """The one string of the policy's definition afterwards."""
    [string] = enacted(found, proposal).policies[id_]["definition"]
    return string


# --- policies ---------------------------------------------------------------------------------------------------

MAX = {"MaxInactiveTime": "30.00:00:00"}


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ([definition("8:00:00")], {"accessTokenLifetimeSeconds": 5400}, definition("01:30:00")),
        ([definition(None)], {"accessTokenLifetimeSeconds": 600}, definition("00:10:00")),
        ([definition("08:00:00")], {"accessTokenLifetimeSeconds": 86399}, definition("23:59:59")),
        ([definition("24:00:00")], {"accessTokenLifetimeSeconds": 3600}, definition("01:00:00")),
        ([definition("08:00:00", **MAX)], {"accessTokenLifetimeSeconds": None}, definition(None, **MAX)),
        ([definition(**MAX)], {"accessTokenLifetimeSeconds": 5400}, definition("01:30:00", **MAX)),
        ([definition(**MAX, Novel=[1])], {"retiredSettings": []}, definition(Novel=[1])),
        ([definition(**MAX, Novel={"a": 1})], {"unknownSettings": []}, definition(**MAX)),
        ([definition("00:90:00", **MAX)], {"nonCanonicalSpellings": []}, definition("01:30:00", **MAX)),
        ([definition().replace('"Version":1,', "")], {"nonCanonicalSpellings": []}, definition()),
        ([definition().replace("AccessToken", "accesstoken")], {"nonCanonicalSpellings": []}, definition()),
        ([definition().replace('"', '\\"')], {"accessTokenLifetimeSeconds": 3600}, definition()),
        ([definition().replace('"Version":1,', "")], {"accessTokenLifetimeSeconds": 3600}, definition()),
        ([definition(), definition(**MAX)], {"nonCanonicalSpellings": []}, definition(**MAX)),
        ([definition(), definition()], {"retiredSettings": [], "nonCanonicalSpellings": []}, definition()),
        (["{'TokenLifetimePolicy'"], {"accessTokenLifetimeSeconds": 3600}, definition()),
        ([definition(), definition("02:00:00", **MAX)], {"accessTokenLifetimeSeconds": 3600}, definition(**MAX)),
    ],
)  # fmt: skip
def test_a_definition_is_written_as_documented_and_keeps_what_nobody_spoke_of(before, wanted, after):
    found = facts(policy("p", *before))
    proposal = propose(found, POLICY, "p", **wanted)
    assert kinds(proposal) == ["updatePolicy"]
    assert written(found, proposal) == after
    assert json.loads(after)["TokenLifetimePolicy"]["Version"] == 1


def test_settings_beside_the_policy_are_unknown_ones_and_stay_where_they_are():
    beside = '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"8:00:00"},"Comment":"ours"}'
    found = facts(policy("p", beside))
    assert written(found, propose(found, POLICY, "p", nonCanonicalSpellings=[])) == beside.replace("8:00", "08:00")
    assert written(found, propose(found, POLICY, "p", unknownSettings=[])) == definition("8:00:00".zfill(8))


@pytest.mark.parametrize(
    ("before", "wanted", "why"),
    [
        ([definition()], {"accessTokenLifetimeSeconds": 599}, "10 min to 23 h 59 min 59 s, and not 9 min 59 s"),
        ([definition()], {"accessTokenLifetimeSeconds": 86400}, "10 min to 23 h 59 min 59 s, and not 1 d"),
        ([definition("24:00:00", **MAX)], {"retiredSettings": []}, "and not 1 d"),
        (["{'TokenLifetimePolicy'"], {"retiredSettings": []}, "cannot be read"),
        (["{'TokenLifetimePolicy'"], {"nonCanonicalSpellings": [], "isOrganizationDefault": True}, "cannot be read"),
        ([definition("01:00:00", **MAX), definition("02:00:00")], {"retiredSettings": []}, "cannot be read"),
        ([definition(), definition(None, **MAX)], {"nonCanonicalSpellings": []}, "1 of 2 TokenLifetimePolicy set no"),
        ([definition(Novel=1), definition(Novel=2)], {"nonCanonicalSpellings": []}, "Novel stands in its definition"),
        ([definition()], {"retiredSettings": ["MaxInactiveTime"]}, "can be emptied only"),
        ([definition(None, **MAX)], {"retiredSettings": []}, "by hand only: its definition would hold no setting"),
        ([definition("08:00:00")], {"accessTokenLifetimeSeconds": None}, "by hand only"),
        ([definition(None, Novel=1)], {"unknownSettings": []}, "by hand only"),
    ],
)
def test_what_entra_would_refuse_or_nobody_could_keep_is_not_written(before, wanted, why):
    found = facts(policy("p", *before))
    proposal = propose(found, POLICY, "p", **wanted)
    assert why in reason(proposal)


def test_a_policy_that_is_as_wanted_is_not_written():
    found = facts(policy("p", definition("8:00:00")))
    wanted = {"accessTokenLifetimeSeconds": 28800, "displayName": "P", "isOrganizationDefault": False}
    assert kinds(propose(found, POLICY, "p", **wanted)) == []


def test_isorganizationdefault_is_always_said():
    found = facts({"id": "p", "displayName": "P", "definition": [definition("8:00:00")]})
    [operation] = propose(found, POLICY, "p", nonCanonicalSpellings=[]).operations
    assert operation.before["isOrganizationDefault"] is operation.after["isOrganizationDefault"] is False
    assert operation.before.keys() == operation.after.keys() == policy_state({}).keys()


@pytest.mark.parametrize("value", [True, False])
def test_a_change_of_the_organization_default_reaches_all_and_is_not_safe(value):
    found = facts(policy("p", default=not value))
    proposal = propose(found, POLICY, "p", isOrganizationDefault=value)
    assert proposal.safety is Safety.UNSAFE
    assert "up to 26 service principals" in proposal.blast_radius
    assert enacted(found, proposal).policies["p"]["isOrganizationDefault"] is value


def test_how_many_the_default_reaches_may_be_unknown_but_never_left_out():
    found = facts(policy("p", default=True), service_principal_count=REFUSED)
    assert "how many is not known" in propose(found, POLICY, "p", isOrganizationDefault=False).blast_radius


def test_no_second_organization_default_is_made():
    found = facts(policy("p"), policy("q", default=True))
    assert "policy “Q” is the organization default" in reason(propose(found, POLICY, "p", isOrganizationDefault=True))
    null = facts(policy("p"), policy("q", default=None))
    assert "policy “Q” may be the organization" in reason(propose(null, POLICY, "p", isOrganizationDefault=True))
    unread = replace(facts(policy("p")), policies_failure=REFUSED)
    assert "403" in reason(propose(unread, POLICY, "p", isOrganizationDefault=True))


@pytest.mark.parametrize(
    ("before", "wanted", "held", "safety"),
    [
        (definition("08:00:00"), {"accessTokenLifetimeSeconds": 3600}, [], Safety.SAFE),
        (definition("08:00:00"), {"accessTokenLifetimeSeconds": 3600}, ["s"], Safety.UNSAFE),
        (definition(**MAX), {"retiredSettings": []}, ["s"], Safety.SAFE),
    ],
)
def test_only_what_changes_nobodys_tokens_is_safe(before, wanted, held, safety):
    found = facts(policy("p", before), held={"p": held}, principals=[principal("s")])
    proposal = propose(found, POLICY, "p", **wanted)
    assert proposal.safety is safety
    assert ("no token" in proposal.blast_radius) is (safety is Safety.SAFE)
    assert proposal.irreversible == ""


@pytest.mark.parametrize(
    ("before", "wanted", "why"),
    [
        (definition("8:00:00"), {"nonCanonicalSpellings": []}, "not written as documented"),
        (definition("08:00:00").replace("Version", "version"), {"accessTokenLifetimeSeconds": 3600}, "not written as"),
        (definition("08:00:00").replace('"Version":1,', ""), {"accessTokenLifetimeSeconds": 3600}, "not written as"),
        (definition("24:00:00"), {"accessTokenLifetimeSeconds": 3600}, "out of the range"),
        (definition("00:09:59"), {"accessTokenLifetimeSeconds": 3600}, "out of the range"),
        (definition(Novel=1), {"unknownSettings": []}, "not documented"),
        (definition(None), {"accessTokenLifetimeSeconds": 3600}, "no setting"),
        ("{'TokenLifetimePolicy'", {"accessTokenLifetimeSeconds": 3600}, "cannot be read"),
    ],
)
def test_what_may_not_be_written_back_is_not_safe_and_says_in_full_what_it_was(before, wanted, why):
    found = facts(policy("p", before))
    proposal = propose(found, POLICY, "p", **wanted)
    assert proposal.safety is Safety.UNSAFE
    assert "no token" in proposal.blast_radius, "nothing else about it is unsafe"
    assert why in proposal.irreversible
    assert before in proposal.irreversible
    removed = propose(found, POLICY, "p")
    assert (removed.safety, removed.irreversible) == (Safety.UNSAFE, proposal.irreversible)


@given(anything)
@example([definition(**MAX)])
@example([definition(None, MaxAgeMultiFactor="until-revoked")])
@example([definition(MaxInactiveTime="1000.00:00:00")])
def test_what_can_be_taken_back_was_written_as_another_reader_of_the_documentation_finds_documented(strings):
    before = policy_state({**policy("p"), "definition": strings})
    why = irreversible(update("p", before, {**before, "definition": [definition("01:30:00")]}, ""))
    if not why and before["definition"] != [definition("01:30:00")]:
        [string] = strings
        assert as_documented(string)


@pytest.mark.parametrize(("strings", "lifetime", "spellings"), READABLE)
def test_what_is_spelt_otherwise_may_not_be_taken_back(strings, lifetime, spellings):
    assert propose(facts(policy("p", *strings)), POLICY, "p").irreversible


@pytest.mark.parametrize(("strings", "problem"), UNREADABLE)
def test_what_cannot_be_read_may_not_be_taken_back(strings, problem):
    assert "it cannot be read" in propose(facts(policy("p", *strings)), POLICY, "p").irreversible


@pytest.mark.parametrize("wanted", [{"isOrganizationDefault": False}, {"displayName": "Q"}])
def test_a_definition_that_stays_as_it_is_stands_in_nothings_way(wanted):
    found = facts(policy("p", definition("24:00:00"), default=True))
    assert propose(found, POLICY, "p", **wanted).irreversible == ""


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (definition("08:00:00"), definition("01:00:00"), "set the lifetime to 1 h"),
        (definition("08:00:00"), definition(None), "set no lifetime"),
        (definition(), definition(**MAX), "add MaxInactiveTime"),
        (definition(**MAX), definition(), "drop MaxInactiveTime"),
        (definition(Novel=1), definition(), "drop Novel"),
        (definition(), definition(Novel=1), "add Novel"),
        (definition("8:00:00"), definition("08:00:00"), "write 8:00:00 -> 08:00:00"),
        (definition("08:00:00"), definition("8:00:00"), "write what is spelt 8:00:00"),
        (definition(), "{", "write a definition that cannot be read ('{' is not JSON: "),
        (definition(Novel=1), definition(Novel=2), "give Novel another value"),
        (definition(**MAX), definition(MaxInactiveTime="1.00:00:00"), "give MaxInactiveTime another value"),
        (definition(), definition().replace(",", ", "), "write its definition in another way"),
        ("{", "{{", "write a definition that cannot be read ('{{' is not JSON: "),
    ],
)
def test_an_update_is_told_from_what_was_and_what_will_be(before, after, words):
    state = policy_state(policy("p", before))
    assert update_words(state, {**state, "definition": [after]}).startswith(words)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("'04:00:00'", "'23:00:00'"),
        (f"{{'{'alike' * 20}':'04:00:00'}}", f"{{'{'alike' * 20}':'23:00:00'}}"),
        (definition("alike" * 20 + "4"), definition("alike" * 20 + "5")),
        (definition(Novel=1), definition(Novel=2)),
        (definition(), "{"),
        ("{", definition()),
    ],
)  # fmt: skip
def test_whom_an_update_reaches_of_which_nobody_can_say_what_it_does_is_said(before, after):
    found = facts(policy("p", before), held={"p": ["s"]}, principals=[principal("s")])
    state = policy_state(found.policies["p"])
    reach, safety = update_reach(found, "p", state, {**state, "definition": [after]})
    assert (reach, safety) == ("tokens for S (service principal): every client of it in the tenant", Safety.UNSAFE)


@pytest.mark.parametrize("name", ["displayName", "description", "isOrganizationDefault", "definition"])
def test_no_property_changes_without_a_word(name):
    state = policy_state(policy("p"))
    other = {"displayName": "x", "description": "y", "isOrganizationDefault": True, "definition": [definition() + " "]}
    assert update_words(state, {**state, name: other[name]})
    assert not update_words(state, state)


@pytest.mark.parametrize(
    ("wanted", "refused"),
    [
        ({"accessTokenLifetimeSeconds": 3600}, True),
        ({"unknownSettings": []}, True),
        ({}, True),
        ({"retiredSettings": []}, False),
        ({"nonCanonicalSpellings": []}, False),
        ({"isOrganizationDefault": True}, False),
    ],
)
def test_a_policy_whose_holders_are_unknown_is_touched_only_where_that_does_not_matter(wanted, refused):
    found = replace(facts(policy("p", definition("8:00:00", **MAX, Novel=1))), holders={"p": REFUSED})
    proposal = propose(found, POLICY, "p", **wanted)
    assert isinstance(proposal, Refusal) is refused
    if refused:
        assert "who holds the policy could not be read: GET /policies: 403" in proposal.reason


def test_a_policy_is_deleted_after_its_assignments_are_gone():
    found = facts(
        policy("p"), policy("q"), held={"p": ["s", "a"]}, principals=[principal("s")], applications=[application("a")]
    )
    proposal = propose(found, POLICY, "p")
    assert kinds(proposal) == ["unassign", "unassign", "deletePolicy"]
    assert [dict(each.target) for each in proposal.operations] == [
        {"servicePrincipal": "s"}, {"application": "a"}, {"policy": "p"},
    ]  # fmt: skip
    assert proposal.safety is Safety.UNSAFE
    assert enacted(found, proposal).policies.keys() == {"q"}


def test_a_policy_that_has_a_twin_is_not_deleted_since_an_undo_would_take_the_one_for_the_other():
    twins = policy("p"), policy("q", displayName="P")
    assert "policy q is exactly like it" in reason(propose(facts(*twins), POLICY, "p"))
    assert kinds(propose(facts(twins[0], policy("q", displayName="Q")), POLICY, "p")) == ["deletePolicy"]


@pytest.mark.parametrize("name", [None, ""])
def test_a_policy_without_a_name_goes_by_its_id(name):
    found = facts(policy("p", definition("8:00:00"), displayName=name))
    for proposal in (propose(found, POLICY, "p"), propose(found, POLICY, "p", nonCanonicalSpellings=[])):
        assert "policy p" in proposal.operations[-1].words


def test_holders_that_are_gone_need_no_unassigning():
    found = replace(facts(policy("p"), held={"p": ["s"]}), gone=frozenset({"s"}))
    assert kinds(propose(found, POLICY, "p")) == ["deletePolicy"]


def test_of_many_holders_some_are_named_and_the_rest_counted():
    names = [f"s{number}" for number in range(5)]
    found = facts(policy("p"), held={"p": names}, principals=map(principal, names))
    reach = propose(found, POLICY, "p", accessTokenLifetimeSeconds=1800).blast_radius
    assert [name for name in map(str.upper, names) if name in reach] == ["S0", "S1", "S2"]
    assert reach.endswith("and 2 more")


@pytest.mark.parametrize(
    ("type_", "id_", "wanted"), [(ASSIGNMENT, "p/s", {}), (PRINCIPAL, "s", {"assignedTokenLifetimePolicy": None})]
)
def test_to_take_a_policy_from_an_object_is_as_unsafe_as_to_give_it_back(type_, id_, wanted):
    found = facts(policy("p"), held={"p": ["s"]}, principals=[principal("s")])
    proposal = propose(found, type_, id_, **wanted)
    assert kinds(proposal) == ["unassign"]
    assert proposal.safety is Safety.UNSAFE


# --- assignments ------------------------------------------------------------------------------------------------


@pytest.fixture
def shared():
    """A policy of eight hours on two principals and an application."""
    return facts(
        policy("p", definition("08:00:00", **MAX)),
        held={"p": ["s", "t", "a"]},
        principals=[principal("s"), principal("t"), CDS],
        applications=[application("a")],
    )


def test_removing_an_assignment_leaves_the_policy_and_the_others(shared):
    proposal = propose(shared, ASSIGNMENT, "p/s")
    assert kinds(proposal) == ["unassign"]
    after = enacted(shared, proposal)
    assert after.holders["p"] == ("t", "a")
    assert after.policies == shared.policies


def test_a_policy_is_edited_in_place_where_all_that_hold_it_are_meant(shared):
    everyone = {f"p/{id_}" for id_ in ("s", "t", "a")}
    proposals = [propose(shared, ASSIGNMENT, id_, everyone, accessTokenLifetimeSeconds=5400) for id_ in everyone]
    assert all(kinds(proposal) == ["updatePolicy"] for proposal in proposals)
    assert all(proposal == proposals[0] for proposal in proposals)
    assert written(shared, proposals[0]) == definition("01:30:00", **MAX)


def test_what_others_hold_too_is_left_alone(shared):
    proposal = propose(shared, ASSIGNMENT, "p/s", {"p/t"}, accessTokenLifetimeSeconds=5400)
    assert kinds(proposal) == ["createPolicy", "unassign", "assign"]
    assert proposal.safety is Safety.UNSAFE
    after = enacted(shared, proposal)
    assert after.policies["p"] == shared.policies["p"]
    assert after.policies["new:P (1 h 30 min)"]["definition"] == [definition("01:30:00")]
    assert after.policies["new:P (1 h 30 min)"]["isOrganizationDefault"] is False
    assert after.holders == {"p": ("t", "a"), "new:P (1 h 30 min)": ("s",)}


def test_an_organization_default_is_never_edited_for_one_that_holds_it_too():
    found = facts(policy("p", definition("08:00:00"), default=True), held={"p": ["s"]}, principals=[principal("s")])
    proposal = propose(found, ASSIGNMENT, "p/s", accessTokenLifetimeSeconds=5400)
    assert kinds(proposal) == ["createPolicy", "unassign", "assign"]
    assert enacted(found, proposal).policies["p"] == found.policies["p"]


def test_what_seems_to_hold_two_policies_is_not_touched():
    found = facts(policy("p"), policy("q"), held={"p": ["s"], "q": ["s"]}, principals=[principal("s")])
    assert "seems to hold 2 policies" in reason(propose(found, ASSIGNMENT, "p/s"))


def test_what_could_not_be_told_apart_is_not_touched():
    found = facts(policy("p"), held={"p": ["s"]})
    assert "s, could not be read" in reason(propose(found, ASSIGNMENT, "p/s"))


# --- desired states ---------------------------------------------------------------------------------------------

FIVE = {"displayName": "five hours", "isOrganizationDefault": False, "accessTokenLifetimeSeconds": 18000}
FIVE_HOURS = policy("f", definition("05:00:00"), displayName="five hours")


OTHER_HOURS = policy("f", definition("08:00:00"), displayName="five hours")


def desired(found, id_="cds", type_=PRINCIPAL, wanted=FIVE, alike=()):
    return propose(found, type_, id_, alike, assignedTokenLifetimePolicy=wanted)


@pytest.mark.parametrize(
    ("policies", "held", "expected"),
    [
        ([], {}, ["createPolicy", "assign"]),
        ([FIVE_HOURS], {}, ["assign"]),
        ([FIVE_HOURS], {"f": ["cds"]}, []),
        ([policy("p", definition("08:00:00"))], {"p": ["cds"]}, ["createPolicy", "unassign", "assign"]),
        ([policy("p", definition("08:00:00")), FIVE_HOURS], {"p": ["cds"]}, ["unassign", "assign"]),
        ([policy("f", definition("05:00:00"), displayName="Five hours")], {}, ["createPolicy", "assign"]),
        ([policy("f", definition("05:00:00"), displayName="five hours ")], {}, ["createPolicy", "assign"]),
        ([OTHER_HOURS], {}, ["updatePolicy", "assign"]),
        ([OTHER_HOURS], {"f": ["cds"]}, ["updatePolicy"]),
        ([policy("p"), OTHER_HOURS], {"p": ["cds"]}, ["updatePolicy", "unassign", "assign"]),
        ([OTHER_HOURS, FIVE_HOURS | {"id": "g"}], {}, ["assign"]),
        ([OTHER_HOURS, FIVE_HOURS | {"id": "g"}], {"f": ["cds"]}, ["unassign", "assign"]),
        (
            [policy("f", definition("8:00:00", MaxInactiveTime="1.00:00:00"), displayName="five hours")],
            {},
            ["updatePolicy", "assign"],
        ),
        ([policy("f", definition(None), displayName="five hours")], {}, ["updatePolicy", "assign"]),
    ],
)
def test_a_policy_of_exactly_this_name_is_taken_or_edited_else_one_is_made(policies, held, expected):
    found = facts(*policies, held=held, principals=[CDS])
    proposal = desired(found)
    assert kinds(proposal) == expected
    after = enacted(found, proposal)
    assigned = resource(after, PRINCIPAL, "cds").properties["assignedTokenLifetimePolicy"]
    assert {name: assigned[name] for name in FIVE} == FIVE
    assert kinds(desired(after)) == []


def test_a_policy_of_the_name_keeps_its_id_and_what_nobody_asked_to_change():
    kept = policy(
        "f", definition("8:00:00", MaxInactiveTime="1.00:00:00"), displayName="five hours", description="ours"
    )
    update, assign = desired(facts(kept, principals=[CDS])).operations
    assert (update.target, assign.after) == ({"policy": "f"}, {"policy": "f"})
    assert {**update.before, "definition": update.after["definition"]} == update.after
    assert update.after["definition"] == [definition("05:00:00", MaxInactiveTime="1.00:00:00")]


@pytest.mark.parametrize(
    ("policies", "more", "alike", "why"),
    [
        ([OTHER_HOURS], {"held": {"f": ["s"]}}, [], "of all that hold it but S"),
        ([OTHER_HOURS], {"held": {"f": ["s", "cds"]}}, ["cds"], "of all that hold it but S"),
        ([OTHER_HOURS], {"held": {"f": ["s", "nobody-read"]}}, ["s"], "of all that hold it but nobody-read"),
        ([OTHER_HOURS], {"held": {"f": [*"abcde"]}}, [], "but a, b, c and 2 more"),
        ([OTHER_HOURS], {"holders": {"f": REFUSED}}, ["s"], "403"),
        ([OTHER_HOURS, OTHER_HOURS | {"id": "g"}], {}, [], "2 policies are called “five hours”"),
        ([OTHER_HOURS, policy("g", definition("06:00:00"), displayName="five hours")], {}, [], "none is edited"),
        ([OTHER_HOURS | {"isOrganizationDefault": True}], {}, [], "organization default"),
        ([FIVE_HOURS | {"isOrganizationDefault": True}], {}, [], "organization default"),
        ([policy("f", definition("05:00:00", Novel=1), displayName="five hours")], {}, [], "Novel"),
        ([policy("f", "{'", displayName="five hours")], {}, [], "cannot be read"),
    ],
)
def test_a_policy_of_the_name_that_is_not_edited_is_no_reason_for_a_second(policies, more, alike, why):
    found = facts(*policies, principals=[CDS, principal("s")], **more)
    assert why in reason(desired(found, alike=alike))


def test_a_policy_of_the_name_is_edited_for_all_that_hold_it_where_the_plan_covers_them():
    found = facts(OTHER_HOURS, held={"f": ["s", "t"]}, principals=[CDS, principal("s"), principal("t")])
    proposal = desired(found, alike=["s", "t"])
    assert kinds(proposal) == ["updatePolicy", "assign"]
    assert "Dataverse" in proposal.blast_radius
    assert "S (service principal)" in proposal.blast_radius
    assert "T (service principal)" in proposal.blast_radius
    assert proposal.safety is Safety.UNSAFE
    assert "nothing holds" not in desired(facts(OTHER_HOURS, principals=[CDS])).blast_radius


def test_a_policy_of_its_own_for_one_holder_makes_no_second_of_a_name_either():
    apart = policy("x", definition("02:00:00"), displayName="P (1 h 30 min)")
    long = policy("p", definition("08:00:00"))
    people = {"principals": [principal("s"), principal("t"), principal("u")]}
    found = facts(long, apart, held={"p": ["s", "t"]}, **people)
    one = {"accessTokenLifetimeSeconds": 5400}
    assert kinds(propose(found, ASSIGNMENT, "p/s", **one)) == ["updatePolicy", "unassign", "assign"]
    held = facts(long, apart, held={"p": ["s", "t"], "x": ["u"]}, **people)
    assert "of all that hold it but U" in reason(propose(held, ASSIGNMENT, "p/s", **one))
    assert kinds(propose(held, ASSIGNMENT, "p/s", ["x/u"], **one)) == ["updatePolicy", "unassign", "assign"]


def test_an_object_is_without_a_policy_as_briefly_as_can_be():
    found = facts(policy("p"), held={"p": ["cds"]}, principals=[CDS])
    create, unassign, assign = desired(found).operations
    assert create.after["isOrganizationDefault"] is False
    assert (unassign.after, assign.before) == (None, None)
    assert assign.after == {"policy": create.target["policy"]} == {"policy": "new:five hours"}
    assert unassign.target == assign.target == {"servicePrincipal": "cds"}


def test_dataverse_is_every_client_and_every_environment():
    assert "Microsoft's own): every client and every environment" in desired(facts(principals=[CDS])).blast_radius


def test_an_application_is_given_a_policy_likewise():
    proposal = desired(facts(applications=[application("a")]), "a", "application")
    assert kinds(proposal) == ["createPolicy", "assign"]
    assert proposal.operations[1].target == {"application": "a"}


def test_null_takes_the_policy_away_and_deletes_nothing():
    found = facts(policy("p"), held={"p": ["cds"]}, principals=[CDS])
    remediation = {"assignedTokenLifetimePolicy": None}
    proposal = propose(found, PRINCIPAL, "cds", **remediation)
    assert kinds(proposal) == ["unassign"]
    assert enacted(found, proposal).policies == found.policies
    assert kinds(propose(facts(principals=[CDS]), PRINCIPAL, "cds", **remediation)) == []


@pytest.mark.parametrize(
    ("found", "wanted", "why"),
    [
        (facts(principals=[CDS]), {**FIVE, "isOrganizationDefault": True}, "not the organization default"),
        (facts(principals=[CDS]), {**FIVE, "displayName": None}, "has a name"),
        (facts(principals=[CDS]), {**FIVE, "accessTokenLifetimeSeconds": None}, "and a lifetime"),
        (facts(principals=[CDS]), {**FIVE, "accessTokenLifetimeSeconds": 599}, "10 min"),
        (facts(principals=[CDS], policies_failure=REFUSED), FIVE, "403"),
        (facts(policy("p"), principals=[CDS], holders={"p": REFUSED}), FIVE, "403"),
        (facts(principals=[{**CDS, "servicePrincipalType": "ManagedIdentity"}]), FIVE, "managed identity"),
    ],
)
def test_a_desired_state_that_cannot_be_brought_about_says_why(found, wanted, why):
    assert why in reason(desired(found, wanted=wanted))


def test_nothing_deletes_a_principal():
    assert "no fix deletes" in reason(propose(facts(principals=[CDS]), PRINCIPAL, "cds"))


# --- all of them ------------------------------------------------------------------------------------------------


def test_each_operation_says_what_it_takes():
    found = facts(policy("p"), held={"p": ["cds"]}, principals=[CDS])
    fixer = FIXERS[PRINCIPAL]
    takes = {str(each.kind): fixer.permissions(each)[0] for each in desired(found).operations}
    assert takes == {
        "createPolicy": ("Policy.ReadWrite.ApplicationConfiguration",),
        "unassign": ("Application.ReadWrite.All", "Policy.Read.All"),
        "assign": ("Application.ReadWrite.All", "Policy.Read.All"),
    }


lifetimes = st.sampled_from([None, "01:00:00", "8:00:00", "00:90:00", "24:00:00", "05:00:00"])
extras = st.dictionaries(st.sampled_from(["MaxInactiveTime", "Novel"]), st.sampled_from(["1", 2]), max_size=2)
readable = st.builds(lambda text, more: definition(text, **more), lifetimes, extras)
strings = st.lists(st.one_of(readable, st.just("{'")), max_size=2)
wishes = st.fixed_dictionaries(
    {},
    optional={
        "accessTokenLifetimeSeconds": st.sampled_from([600, 5400, 86400, None]),
        "isOrganizationDefault": st.booleans(),
        "retiredSettings": st.just([]),
        "unknownSettings": st.just([]),
        "nonCanonicalSpellings": st.just([]),
    },
).filter(bool)


@settings(max_examples=150)
@given(before=strings, wanted=wishes, default=st.booleans())
def test_what_is_proposed_comes_about_and_is_then_proposed_no_more(before, wanted, default):
    found = facts({**policy("p", default=default), "definition": before})
    proposal = propose(found, POLICY, "p", **wanted)
    if isinstance(proposal, Proposal):
        after = enacted(found, proposal)
        one = resource(after, POLICY, "p")
        for name, value in wanted.items():
            assert (one.properties[name], name in one.unknown) == (value, False)
        assert kinds(propose(after, POLICY, "p", **wanted)) == []

import json
import re
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tokenguard.entra.collector import TYPES, EntraCollector
from tokenguard.entra.facts import DirectoryObject, EntraFacts, Kind
from tokenguard.entra.microsoft import FIRST_PARTY_TENANTS
from tokenguard.entra.reading import Unknown
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import CollectionFailure, Need, Precedence, Resource, Scope, Tenant
from tokenguard.schemas import schema

TENANT = "00000000-0000-4000-8000-0000000000AA"
DATAVERSE = "00000007-0000-0000-c000-000000000000"
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
REFUSED = ReadFailure("/x", "GET /x: 403 Authorization_RequestDenied", status=403, permission="Policy.Read.All")


def definition(**given):
    return [json.dumps({"TokenLifetimePolicy": {"Version": 1, **given}})]


def policy(name="Five hours", lifetime="05:00:00", default=False, **more):
    return {
        "displayName": name,
        "definition": definition(AccessTokenLifetime=lifetime),
        "isOrganizationDefault": default,
        **more,
    }


def principal(**more):
    return {
        "id": "SP1",
        "appId": DATAVERSE.upper(),
        "displayName": "Common Data Service",
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMultipleOrgs",
        "appOwnerOrganizationId": MICROSOFT.upper(),
        "accountEnabled": True,
        **more,
    }


def application(**more):
    return {
        "id": "APP1",
        "appId": "A1",
        "displayName": "Order Desk",
        "signInAudience": "AzureADMyOrg",
        "createdDateTime": "2024-01-01T00:00:00Z",
        **more,
    }


def facts(**changes):
    """A tenant where policy p1 is on Dataverse, and nothing else is set."""
    plain = EntraFacts(
        organization={
            "id": TENANT,
            "displayName": "Contoso",
            "verifiedDomains": [
                {"name": "c.onmicrosoft.com", "isDefault": False},
                {"name": "c.com", "isDefault": True},
            ],
        },
        service_principal_count=50,
        policies={"p1": policy()},
        policies_failure=None,
        holders={"p1": ("sp1",)},
        objects={"sp1": DirectoryObject(Kind.SERVICE_PRINCIPAL, principal())},
        lists={
            Kind.SERVICE_PRINCIPAL: lambda: iter([principal(), principal(id="SP2", appId="A1")]),
            Kind.APPLICATION: lambda: iter([application()]),
        },
    )
    return replace(plain, **changes)


def needs(*types, app_ids=None):
    return {
        name: Need(name, frozenset(schema(f"resources/{name}")["properties"]), app_ids) for name in (types or TYPES)
    }


def read(given, *types, precedence=Precedence.ALL, app_ids=None):
    return list(EntraCollector().read(given, needs(*types, app_ids=app_ids), precedence))


def only(given, type_, **more) -> Resource:
    found = [one for one in read(given, type_, **more) if isinstance(one, Resource)]
    assert len(found) == 1
    return found[0]


def failures(given, type_):
    return [one for one in read(given, type_) if isinstance(one, CollectionFailure)]


def assert_valid(resource: Resource) -> None:
    """Complete, unknown ones null with a reason, the known ones as the type's schema says."""
    document = schema(f"resources/{resource.type}")
    assert set(resource.properties) == set(document["required"])
    assert all(resource.properties[name] is None and reason for name, reason in resource.unknown.items())
    known = {name: value for name, value in resource.properties.items() if name not in resource.unknown}
    Draft202012Validator({**document, "required": sorted(known)}).validate(known)
    assert resource.id == resource.id.lower()


# --- what is read -----------------------------------------------------------------------------------------------


def test_a_tenant_that_was_read_in_full_leaves_nothing_unknown_but_credentials_nobody_asked_for():
    everything = read(facts())
    assert [one.type for one in everything] == [*TYPES, "servicePrincipal"]
    for one in everything:
        assert isinstance(one, Resource)
        assert_valid(one)
        assert set(one.unknown) <= {"passwordCredentials", "keyCredentials"}


def test_the_organization_says_who_it_is_and_what_is_its_default():
    given = facts(policies={"P2": policy("b", "01:00:00", default=True), "p1": policy()}, holders={"P2": (), "p1": ()})
    organization = only(given, "organization")
    assert (organization.id, organization.name) == (TENANT.lower(), "Contoso")
    assert organization.properties == {
        "tenantId": TENANT.lower(),
        "displayName": "Contoso",
        "defaultDomain": "c.com",
        "servicePrincipalCount": 50,
        "organizationDefaultPolicyCount": 1,
        "organizationDefaultPolicies": [{"id": "P2", "displayName": "b", "accessTokenLifetimeSeconds": 3600}],
    }
    assert EntraCollector().tenant(given) == Tenant(TENANT.lower(), "Contoso")


def test_the_articles_case_reads_as_five_hours_on_a_resource_of_microsofts():
    assignment = only(facts(), "tokenLifetimePolicyAssignment")
    assert (assignment.id, assignment.name) == ("p1/sp1", "Common Data Service")
    expected = {
        "accessTokenLifetimeSeconds": 18000,
        "objectType": "servicePrincipal",
        "appId": DATAVERSE,
        "isFirstParty": True,
        "inForce": "always",
        "longestLifetimeSeconds": 18000,
        "shortestLifetimeSeconds": 18000,
        "lifetimeBasis": "servicePrincipal",
        "precedenceAmbiguous": False,
    }
    assert assignment.properties.items() >= expected.items()


def test_an_assignment_on_an_application_is_never_first_party_and_has_no_principal_type():
    given = facts(
        holders={"p1": ("app1",)},
        objects={"app1": DirectoryObject(Kind.APPLICATION, application(appOwnerOrganizationId=MICROSOFT))},
    )
    properties = only(given, "tokenLifetimePolicyAssignment").properties
    assert (properties["objectType"], properties["isFirstParty"]) == ("application", False)
    assert properties["servicePrincipalType"] is None


def test_values_of_graphs_enums_are_spelt_as_documented_whatever_their_letter_case():
    """A rule that selects ``ManagedIdentity`` would else pass over the ``managedIdentity`` of another answer."""
    shouted = principal(servicePrincipalType="managedIDENTITY", signInAudience="AZUREADMYORG")
    given = facts(
        objects={"sp1": DirectoryObject(Kind.SERVICE_PRINCIPAL, shouted)},
        lists={Kind.SERVICE_PRINCIPAL: lambda: iter([shouted])},
    )
    for type_ in ("servicePrincipal", "tokenLifetimePolicyAssignment"):
        properties = only(given, type_).properties
        assert (properties["servicePrincipalType"], properties["signInAudience"]) == ("ManagedIdentity", "AzureADMyOrg")
    strange = facts(lists={Kind.SERVICE_PRINCIPAL: lambda: iter([principal(servicePrincipalType="serviceIdentity")])})
    assert only(strange, "servicePrincipal").properties["servicePrincipalType"] == "serviceIdentity"


@pytest.mark.parametrize(
    ("owner", "first_party"),
    [
        (MICROSOFT, True),
        ("72F988BF-86F1-41AF-91AB-2D7CD011DB47", True),
        ("cab8a31a-1906-4287-a0d8-4eef66b95f6e", True),  # of the US government's clouds
        ("a55a4d5b-9241-49b1-b4ff-befa8db00269", True),  # of the Chinese cloud
        ("47df5bb7-e6bc-4256-afb0-dd8c8e3c1ce8", True),  # in an example of Microsoft's documentation
        ("cdc5aeea-15c5-4db6-b079-fcadd2505dc2", True),  # reported
        ("33e01921-4d64-4f8c-a055-5bdaffd5e33d", True),
        ("975F013F-7F24-47E8-A7D3-ABC4752BF346", True),
        (TENANT, False),
        ("0000eeee-0000-4000-8000-000000000009", False),  # on no list
    ],
)
def test_first_party_is_what_is_registered_in_a_tenant_of_microsofts(owner, first_party):
    one = principal(appId="a1", appOwnerOrganizationId=owner)
    given = facts(lists={Kind.SERVICE_PRINCIPAL: lambda: iter([one])})
    assert only(given, "servicePrincipal").properties["isFirstParty"] is first_party


@pytest.mark.parametrize(
    ("type_", "reason"),
    [
        ("ManagedIdentity", ""),
        ("managedidentity", ""),
        ("Application", "appOwnerOrganizationId is null, and the appId is not one that is known"),
        ("Legacy", "appOwnerOrganizationId is null"),
        (None, "appOwnerOrganizationId is null"),
        (7, "servicePrincipalType is a int"),
    ],
)
def test_without_an_owner_only_a_managed_identity_is_known_not_to_be_microsofts(type_, reason):
    one = principal(appId="a1", appOwnerOrganizationId=None, servicePrincipalType=type_)
    holder = DirectoryObject(Kind.SERVICE_PRINCIPAL, one)
    given = facts(objects={"sp1": holder}, lists={Kind.SERVICE_PRINCIPAL: lambda: iter([one])})
    for resource_type in ("servicePrincipal", "tokenLifetimePolicyAssignment"):
        found = only(given, resource_type)
        assert found.properties["isFirstParty"] is (None if reason else False)
        assert reason in found.unknown.get("isFirstParty", "")
        assert bool(reason) is ("isFirstParty" in found.unknown)


def test_every_tenant_of_microsofts_has_a_source_and_stands_in_the_documentation():
    page = (Path(__file__).parents[2] / "docs" / "faq.md").read_text()
    for id_, owner in FIRST_PARTY_TENANTS.items():
        assert owner.source
        assert f"| {id_} | {owner.name} | {'*reported*: ' if owner.reported else ''}{owner.source} |" in page
    assert len(re.findall(r"^\| [0-9a-f]{8}-", page, re.MULTILINE)) == len(FIRST_PARTY_TENANTS)


@pytest.mark.parametrize("owner", [{"appOwnerOrganizationId": None}, {"appOwnerOrganizationId": "none"}, {}])
@pytest.mark.parametrize("app_id", [DATAVERSE, "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"])
def test_an_app_id_of_microsofts_is_first_party_whatever_is_known_of_its_owner(owner, app_id):
    known = {name: value for name, value in principal(appId=app_id).items() if name != "appOwnerOrganizationId"}
    holder = DirectoryObject(Kind.SERVICE_PRINCIPAL, {**known, **owner})
    given = facts(objects={"sp1": holder}, lists={Kind.SERVICE_PRINCIPAL: lambda: iter([holder.fact])})
    for type_ in ("servicePrincipal", "tokenLifetimePolicyAssignment"):
        assert only(given, type_).properties["isFirstParty"] is True


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"appId": "a1", "appOwnerOrganizationId": "f8cdef31"}, "appOwnerOrganizationId is no id of a tenant"),
        ({"appId": 7, "appOwnerOrganizationId": None}, "appId is a int"),
    ],
)
def test_whose_an_application_is_is_unknown_where_nothing_tells(changes, reason):
    given = facts(lists={Kind.SERVICE_PRINCIPAL: lambda: iter([principal(**changes)])})
    assert reason in only(given, "servicePrincipal").unknown["isFirstParty"]


def test_a_principal_is_governed_by_its_applications_policy_too():
    given = facts(
        holders={"p1": ("app1",)}, objects={"app1": DirectoryObject(Kind.APPLICATION, application(appId="a1"))}
    )
    found = {one.id: one.properties for one in read(given, "servicePrincipal") if isinstance(one, Resource)}
    assert (found["sp2"]["lifetimeBasis"], found["sp2"]["longestLifetimeSeconds"]) == ("application", 18000)
    assert found["sp2"]["assignedTokenLifetimePolicy"] is None
    assert (found["sp1"]["lifetimeBasis"], found["sp1"]["longestLifetimeSeconds"]) == ("default", 5400)


def test_an_application_is_governed_by_its_principals_policy_too():
    given = facts(objects={"sp1": DirectoryObject(Kind.SERVICE_PRINCIPAL, principal(appId="A1"))})
    properties = only(given, "application", precedence=Precedence.CLASSIC).properties
    assert (properties["lifetimeBasis"], properties["longestLifetimeSeconds"]) == ("servicePrincipal", 18000)


def test_what_an_object_holds_is_joined_from_the_policies_side():
    properties = read(facts(), "servicePrincipal")[0].properties
    assert properties["assignedTokenLifetimePolicy"] == {
        "id": "p1",
        "displayName": "Five hours",
        "isOrganizationDefault": False,
        "accessTokenLifetimeSeconds": 18000,
    }


def test_names_are_counted_letter_case_aside_and_gone_holders_are_not():
    given = facts(
        policies={"p1": policy("Pay"), "p2": policy("PAY"), "p3": policy(None), "p4": policy(None)},
        holders={"p1": ("sp1", "sp2"), "p2": (), "p3": (), "p4": ()},
        gone=frozenset({"sp2"}),
    )
    found = [one.properties for one in read(given, "tokenLifetimePolicy") if isinstance(one, Resource)]
    assert [one["policiesOfThisName"] for one in found] == [2, 2, 1, 1]
    assert [one["assignmentCount"] for one in found] == [1, 0, 0, 0]


def test_a_description_that_is_left_out_is_none():
    assert only(facts(), "tokenLifetimePolicy").properties["description"] is None
    described = facts(policies={"p1": policy(description="for the import")})
    assert only(described, "tokenLifetimePolicy").properties["description"] == "for the import"


def test_credentials_are_described_without_any_secret():
    secret = {
        "keyId": "0000000A-0000-4000-8000-00000000000B",
        "displayName": "d",
        "startDateTime": None,
        "endDateTime": "2027-01-01T00:00:00Z",
        "hint": "abc",
        "secretText": "s",
    }
    given = facts(
        lists={Kind.APPLICATION: lambda: iter([application(passwordCredentials=[secret], keyCredentials=[])])}
    )
    one = only(given, "application")
    expected = {
        "keyId": "0000000a-0000-4000-8000-00000000000b",  # as ids in rules are: compared in lower case
        "displayName": "d",
        "startDateTime": None,
        "endDateTime": "2027-01-01T00:00:00Z",
    }
    assert one.properties["passwordCredentials"] == [expected]
    assert one.unknown == {}


def test_credentials_that_are_not_there_were_not_asked_for_or_not_answered():
    asked = only(facts(), "application")
    assert asked.unknown["keyCredentials"] == "GET /applications: the answer does not hold keyCredentials"
    unasked = {"application": Need("application", frozenset({"displayName"}))}
    [one] = EntraCollector().read(facts(), unasked, Precedence.ALL)
    assert one.unknown["keyCredentials"] == "not asked for: no selected rule reads it"


# --- what is not known ------------------------------------------------------------------------------------------


def test_facts_about_nothing_derive_to_nothing_known():
    for one in read(EntraFacts()):
        assert isinstance(one, CollectionFailure)
    assert EntraCollector().tenant(EntraFacts()) == Tenant("")


def test_without_the_organization_only_its_own_type_fails():
    given = facts(organization=REFUSED)
    assert failures(given, "organization") == [CollectionFailure("organization", REFUSED.reason, "Policy.Read.All")]
    assert not failures(given, "tokenLifetimePolicy")


def test_of_a_tenant_whose_organization_is_none_or_another_nothing_is_evaluated():
    answered = replace(REFUSED, status=HTTPStatus.OK, permission="")
    reason = f"which tenant was read is not known: {REFUSED.reason}"
    for name in ("organization", "tokenLifetimePolicy", "servicePrincipal"):
        assert failures(facts(organization=answered, tenant="t1"), name) == [CollectionFailure(name, reason)]


def test_a_count_that_failed_makes_only_that_number_unknown():
    one = only(facts(service_principal_count=REFUSED), "organization")
    assert set(one.unknown) == {"servicePrincipalCount"}
    assert "it takes Policy.Read.All" in one.unknown["servicePrincipalCount"]


LIFETIME = {"longestLifetimeSeconds", "shortestLifetimeSeconds", "lifetimeBasis", "precedenceAmbiguous"}
GOVERNED = {"assignedTokenLifetimePolicy", *LIFETIME}
NOT_HERE = {"passwordCredentials", "keyCredentials"}


def unknowns(given, *, precedence=Precedence.ALL):
    """What is unknown of Dataverse (sp1, which holds p1) and of another principal (sp2, which holds nothing)."""
    found = read(given, "servicePrincipal", precedence=precedence)
    return [set(one.unknown) - NOT_HERE for one in found if isinstance(one, Resource)]


@pytest.mark.parametrize(
    ("changes", "holder", "other"),
    [
        ({}, set(), set()),
        # The list of policies ended early: any of the others may be the default or on anything.
        ({"policies_failure": REFUSED}, LIFETIME, GOVERNED),
        # Nobody knows what holds p2: Dataverse cannot (it holds p1, and one is the limit), its application may.
        (
            {"policies": {"p1": policy(), "p2": policy("b")}, "holders": {"p1": ("sp1",), "p2": REFUSED}},
            LIFETIME,
            GOVERNED,
        ),
        ({"policies": {"p1": policy(), "p2": policy("b")}}, LIFETIME, GOVERNED),
        # A holder of unknown kind may be the application of any principal, but is no principal of the list itself.
        (
            {
                "holders": {"p1": ("sp1", "x")},
                "objects": {
                    "sp1": DirectoryObject(Kind.SERVICE_PRINCIPAL, principal()),
                    "x": DirectoryObject(Unknown("GET: 403"), {"id": "x"}, Unknown("GET: 403")),
                },
            },
            LIFETIME,
            LIFETIME,
        ),
        # A holder known to be a principal is nobody's application, whatever else is unknown of it.
        (
            {
                "holders": {"p1": ("sp1", "x")},
                "objects": {
                    "sp1": DirectoryObject(Kind.SERVICE_PRINCIPAL, principal()),
                    "x": DirectoryObject(Kind.SERVICE_PRINCIPAL, {"id": "x"}, Unknown("GET: 403")),
                },
            },
            set(),
            set(),
        ),
        # Null: p1 is the organization default or not, and either way its lifetime is known.
        ({"policies": {"p1": policy(default=None)}}, {"assignedTokenLifetimePolicy"}, set()),
        # Whether p1 is the organization default decides for everyone.
        ({"policies": {"p1": {"displayName": "a", "definition": definition()}}}, GOVERNED, LIFETIME),
        # More than one default.
        (
            {
                "policies": {"p1": policy(), "p2": policy(default=True), "p3": policy(default=True)},
                "holders": {"p1": ("sp1",), "p2": (), "p3": ()},
            },
            LIFETIME,
            LIFETIME,
        ),
        # A definition that cannot be read, on Dataverse; another's lifetime does not hang on it.
        ({"policies": {"p1": policy(lifetime="until-revoked")}}, GOVERNED, set()),
        # Two policies on one object, as while a replacement settles.
        (
            {"policies": {"p1": policy(), "p2": policy("b")}, "holders": {"p1": ("sp1",), "p2": ("sp1",)}},
            GOVERNED,
            set(),
        ),
    ],
)
def test_each_missing_piece_makes_unknown_what_hangs_on_it(changes, holder, other):
    assert unknowns(facts(**changes)) == [holder, other]


def test_several_defaults_govern_nothing_that_a_principals_own_policy_governs_first():
    given = facts(
        policies={"p1": policy(), "p2": policy(default=True), "p3": policy(default=True)},
        holders={"p1": ("sp1",), "p2": (), "p3": ()},
    )
    assert unknowns(given, precedence=Precedence.CLASSIC) == [set(), LIFETIME]


@pytest.mark.parametrize(
    "missing", ["appId", "servicePrincipalType", "signInAudience", "appOwnerOrganizationId", "displayName"]
)
def test_a_detail_that_is_missing_is_not_the_same_as_none(missing):
    given = {name: value for name, value in principal(appId="a1").items() if name != missing}
    one = only(facts(objects={"sp1": DirectoryObject(Kind.SERVICE_PRINCIPAL, given)}), "tokenLifetimePolicyAssignment")
    assert_valid(one)
    concerned = {"appOwnerOrganizationId": "isFirstParty"}.get(missing, missing)
    in_force = {*LIFETIME, "inForce", "inForceReason"}
    hangs_on_it = in_force if missing in {"servicePrincipalType", "signInAudience"} else set()
    assert set(one.unknown) == {concerned, *hangs_on_it}


def test_a_principal_of_unknown_app_id_may_be_any_applications_that_holds_a_policy():
    nameless = {name: value for name, value in principal().items() if name != "appId"}
    plain = facts(lists={Kind.SERVICE_PRINCIPAL: lambda: iter([nameless])})
    held = replace(
        plain,
        policies={"p1": policy(), "p2": policy("b")},
        holders={"p1": ("sp1",), "p2": ("app1",)},
        objects={**plain.objects, "app1": DirectoryObject(Kind.APPLICATION, application())},
    )
    assert unknowns(plain) == [{"appId"}]
    assert unknowns(held) == [{"appId", *LIFETIME}]


def test_an_assignment_whose_holder_was_refused_is_still_an_assignment():
    refused = DirectoryObject(Unknown("GET: 403"), {"id": "sp1"}, Unknown("GET: 403"))
    one = only(facts(objects={"sp1": refused}), "tokenLifetimePolicyAssignment")
    assert_valid(one)
    assert (one.name, one.properties["accessTokenLifetimeSeconds"]) == ("sp1", 18000)
    assert set(one.unknown.values()) == {"GET: 403"}
    assert "objectType" in one.unknown


def test_assignments_that_may_be_missing_are_a_failure_and_those_found_still_stand():
    given = facts(policies={"p1": policy(), "p2": policy()}, holders={"p1": ("sp1",), "p2": REFUSED})
    found = read(given, "tokenLifetimePolicyAssignment")
    assert [type(one) for one in found] == [Resource, CollectionFailure]
    assert found[1].permission == "Policy.Read.All"
    counts = [one.properties["assignmentCount"] for one in read(given, "tokenLifetimePolicy")]
    assert counts == [1, None]


def test_policies_that_may_be_missing_are_a_failure_of_their_type():
    found = read(facts(policies_failure=REFUSED), "tokenLifetimePolicy")
    assert [type(one) for one in found] == [Resource, CollectionFailure]
    assert "policiesOfThisName" in found[0].unknown


def test_a_definition_that_cannot_be_read_hides_what_it_may_hold():
    one = only(facts(policies={"p1": {**policy(), "definition": ["{'a': 1}"]}}), "tokenLifetimePolicy")
    assert_valid(one)
    assert one.properties["definitionReadable"] is False
    assert one.properties["definitionProblems"]
    hidden = {"settings", "retiredSettings", "unknownSettings", "lifetimeOutOfRange", "nonCanonicalSpellings"}
    assert set(one.unknown) == {"accessTokenLifetimeSeconds", *hidden}


def test_a_list_that_breaks_off_is_a_failure_after_what_came():
    given = facts(lists={Kind.SERVICE_PRINCIPAL: lambda: iter([principal(), {"appId": "no id"}, REFUSED])})
    assert [type(one) for one in read(given, "servicePrincipal")] == [Resource, CollectionFailure, CollectionFailure]


def test_named_objects_come_with_their_scope_and_an_absent_one_not_at_all():
    asked = frozenset({DATAVERSE, "absent", "refused", "forgotten"})
    named = {DATAVERSE: principal(), "absent": None, "refused": REFUSED}
    found = read(facts(named={Kind.SERVICE_PRINCIPAL: named}), "servicePrincipal", app_ids=asked)
    assert found[0] == Scope("servicePrincipal", asked)
    assert [one.id for one in found if isinstance(one, Resource)] == ["sp1"]
    assert sum(isinstance(one, CollectionFailure) for one in found) == 2


def test_a_copy_of_the_facts_with_other_assignments_derives_anew():
    given = facts()
    moved = replace(given, holders={"p1": ()})
    assert [one.properties["longestLifetimeSeconds"] for one in read(given, "servicePrincipal")] == [18000, 5400]
    assert [one.properties["longestLifetimeSeconds"] for one in read(moved, "servicePrincipal")] == [5400, 5400]


# --- whatever Graph sends ---------------------------------------------------------------------------------------

scalars = st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=5)
junk = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=3), scalars, max_size=2)
failing = st.just(REFUSED)


def mangled(fact):
    """`fact` with some keys gone and some values of another kind."""
    return st.dictionaries(st.sampled_from(sorted(fact)), junk | st.just(...), max_size=3).map(
        lambda changes: {name: value for name, value in {**fact, **changes}.items() if value is not ...}
    )


definitions = st.lists(
    st.sampled_from([*definition(), *definition(AccessTokenLifetime="8:00:00"), *definition(X=1), "no", ""]) | junk,
    max_size=3,
)
some_policies = st.dictionaries(
    st.sampled_from(["p1", "p2", "p3"]),
    st.builds(lambda fact, strings: {**fact, "definition": strings}, mangled(policy(default=True)), definitions)
    | mangled(policy(default=False)),
)
some_objects = st.builds(DirectoryObject, st.just(Kind.SERVICE_PRINCIPAL), mangled(principal())) | st.builds(
    DirectoryObject, st.just(Kind.APPLICATION) | st.just(Unknown("refused")), mangled(application())
)
ids = st.sampled_from(["sp1", "app1", "x", "y"])
any_facts = st.builds(
    EntraFacts,
    organization=mangled(facts().organization) | failing,
    service_principal_count=st.integers(0, 99) | failing,
    policies=some_policies,
    policies_failure=st.none() | failing,
    holders=st.dictionaries(st.sampled_from(["p1", "p2", "p3"]), st.lists(ids, max_size=3).map(tuple) | failing),
    objects=st.dictionaries(ids, some_objects),
    gone=st.frozensets(ids, max_size=1),
    lists=st.lists(mangled(principal()) | mangled(application(passwordCredentials=[{"keyId": "k"}])), max_size=3).map(
        lambda rows: dict.fromkeys(Kind, lambda: iter(rows))
    ),
)


@settings(max_examples=200)
@given(any_facts, st.sampled_from(Precedence))
def test_whatever_graph_sends_every_resource_is_valid_or_says_what_is_unknown(given, precedence):
    for one in read(given, precedence=precedence):
        if isinstance(one, Resource):
            assert_valid(one)


@settings(max_examples=100)
@given(any_facts, st.sampled_from(["policies_failure", "holders", "objects"]))
def test_what_is_concluded_from_less_is_concluded_from_all(given, piece):
    less = replace(given, **{piece: REFUSED if piece == "policies_failure" else {}})
    for all_, some in zip(read(given, "servicePrincipal"), read(less, "servicePrincipal"), strict=True):
        if isinstance(some, Resource):
            known = {name: value for name, value in some.properties.items() if name not in some.unknown}
            assert all_.properties.items() >= known.items()
            assert not set(known) & set(all_.unknown)

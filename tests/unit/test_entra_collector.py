import json
from collections import Counter

import pytest

from tokenguard.entra.collector import DEMO, TYPES, EntraCollector
from tokenguard.entra.plugin import tokenguard_collectors, tokenguard_rule_paths
from tokenguard.hookspecs import DemoTarget, FolderTarget, ReadFailure, SourceProvider
from tokenguard.model import CollectionFailure, CollectionNotice, Need, Precedence, Resource
from tokenguard.schemas import schema

DATAVERSE = "00000007-0000-0000-c000-000000000000"
POLICIES = "/policies/tokenLifetimePolicies"
PRINCIPAL_COUNT, APPLICATION_COUNT = "/servicePrincipals/$count", "/applications/$count"
POLICY_COUNT = f"{POLICIES}/$count"
COUNTS = (PRINCIPAL_COUNT, APPLICATION_COUNT, POLICY_COUNT)


class Once:
    """Two answers to one call: the first time, and from then on."""

    def __init__(self, first, then):
        self.first, self.then = [first], then

    def answer(self):
        return self.first.pop() if self.first else self.then


class Answers:
    """A source that answers from a dictionary of paths, whatever their query, and keeps what it was asked."""

    name, cloud, permissions, tenant = "a dictionary", "global", (), ""

    def __init__(self, answers):
        self.by_path = dict(answers)
        self.calls: list[str] = []
        self.bulks = 0
        self.pauses: list[float] = []

    def paths(self):
        return Counter(call.partition("?")[0] for call in self.calls)

    def rows(self, call):
        answer = self._answer(call)
        if isinstance(answer, ReadFailure):
            yield answer
        else:
            yield from answer["value"]

    def answers(self, calls):
        self.bulks += 1
        return [(call, self._answer(call)) for call in reversed(calls)]

    def pause(self, seconds, why):
        self.pauses.append(seconds)

    def _answer(self, call):
        self.calls.append(call)
        answer = self.by_path.get(call.partition("?")[0], ReadFailure(call, f"GET {call}: 404", status=404))
        return answer.answer() if isinstance(answer, Once) else answer


def refused(path):
    return ReadFailure(path, f"GET {path}: 403", status=403, permission="Application.Read.All")


def principal(id_, **more):
    return {
        "@odata.type": "#microsoft.graph.servicePrincipal",
        "id": id_,
        "appId": f"app-of-{id_}",
        "displayName": id_,
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMyOrg",
        "appOwnerOrganizationId": "00000000-0000-4000-8000-000000000001",
        "accountEnabled": True,
        **more,
    }


def application(id_, **more):
    return {
        "@odata.type": "#microsoft.graph.application",
        "id": id_,
        "appId": f"app-of-{id_}",
        "displayName": id_,
        "signInAudience": "AzureADMyOrg",
        "createdDateTime": None,
        **more,
    }


def policy(id_, **more):
    text = json.dumps({"TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": "08:00:00"}})
    return {"id": id_, "displayName": id_, "definition": [text], "isOrganizationDefault": False, **more}


def bare(fact):
    """What `appliesTo` is documented to say of an object."""
    return {name: fact[name] for name in ("@odata.type", "id") if name in fact}


def tenant(**answers):
    """Two policies, one on a principal and one on an application, whose details need a second call."""
    sp1, app1 = principal("SP1"), application("app1")
    return Answers(
        {
            "/organization": {"value": [{"id": "T1", "displayName": "Contoso", "verifiedDomains": []}]},
            PRINCIPAL_COUNT: 2,
            APPLICATION_COUNT: 1,
            POLICY_COUNT: 3,
            POLICIES: {"value": [policy("P1"), policy("p2"), policy("p3", isOrganizationDefault=True)]},
            f"{POLICIES}/p1/appliesTo": {"value": [bare(sp1)]},
            f"{POLICIES}/p2/appliesTo": {"value": [bare(app1)]},
            f"{POLICIES}/p3/appliesTo": {"value": []},
            "/servicePrincipals/sp1": sp1,
            "/applications/app1": app1,
            "/servicePrincipals": {"value": [sp1, principal("sp2")]},
            "/applications": {"value": [app1]},
            f"/servicePrincipals(appId='{DATAVERSE}')": principal("cds", appId=DATAVERSE),
            **answers,
        }
    )


def need(type_, *properties, app_ids=None):
    names = properties or schema(f"resources/{type_}")["properties"]
    return {type_: Need(type_, frozenset(names), app_ids)}


EVERYTHING = {name: one for type_ in TYPES for name, one in need(type_).items()}


def scan(source, needs):
    collector = EntraCollector()
    return list(collector.read(collector.collect(source, needs), needs, Precedence.ALL))


def known(results):
    """Every property of every resource that is known, by what it is of."""
    return {
        (one.type, one.id, name): value
        for one in results
        if isinstance(one, Resource)
        for name, value in one.properties.items()
        if name not in one.unknown
    }


# --- what is asked ----------------------------------------------------------------------------------------------

ORGANIZATION = {"/organization"}
LISTED = {POLICIES, POLICY_COUNT}
HOLDERS = {*LISTED, *(f"{POLICIES}/p{number}/appliesTo" for number in (1, 2, 3))}
DETAILS = {"/servicePrincipals/sp1", "/applications/app1"}
PRINCIPALS = {"/servicePrincipals", PRINCIPAL_COUNT}
APPLICATIONS = {"/applications", APPLICATION_COUNT}
PINNED = {f"/servicePrincipals(appId='{DATAVERSE}')"}


@pytest.mark.parametrize(
    ("needs", "asked"),
    [
        ({}, ORGANIZATION),
        (need("organization", "displayName"), ORGANIZATION),
        (need("organization", "servicePrincipalCount"), {*ORGANIZATION, PRINCIPAL_COUNT}),
        (need("organization", "organizationDefaultPolicyCount"), ORGANIZATION | LISTED),
        (need("tokenLifetimePolicy", "definition"), ORGANIZATION | LISTED),
        (need("tokenLifetimePolicy", "assignmentCount"), ORGANIZATION | HOLDERS),
        (need("tokenLifetimePolicyAssignment", "policyName"), ORGANIZATION | HOLDERS | DETAILS),
        (need("servicePrincipal", "passwordCredentials"), ORGANIZATION | PRINCIPALS),
        (need("servicePrincipal", "lifetimeBasis"), ORGANIZATION | HOLDERS | DETAILS | PRINCIPALS),
        (need("application", "assignedTokenLifetimePolicy"), ORGANIZATION | HOLDERS | DETAILS | APPLICATIONS),
        (need("servicePrincipal", "displayName", app_ids=frozenset({DATAVERSE})), ORGANIZATION | PINNED),
    ],
)
def test_no_more_is_read_than_the_needs_ask_for(needs, asked):
    source = tenant()
    scan(source, needs)
    assert source.paths() == dict.fromkeys(asked, 1)


def test_calls_go_out_together_however_many_policies_and_holders_there_are():
    holders = [principal(f"sp{number}") for number in range(120)]
    policies = [policy(f"p{number}") for number in range(45)]
    source = Answers(
        {
            "/organization": {"value": [{"id": "t1"}]},
            POLICIES: {"value": policies},
            POLICY_COUNT: len(policies),
            **{f"{POLICIES}/{one['id']}/appliesTo": {"value": []} for one in policies},
            f"{POLICIES}/p7/appliesTo": {"value": [bare(holder) for holder in holders]},
            **{f"/servicePrincipals/{holder['id']}": holder for holder in holders},
        }
    )
    found = scan(source, need("tokenLifetimePolicyAssignment"))
    assert len(found) == 120
    assert source.paths().total() == 1 + 1 + 1 + 45 + 120
    assert source.bulks == 3  # the organization and the count; appliesTo of all policies; details of all holders


def test_what_applies_to_already_says_is_not_asked_again():
    source = tenant(**{f"{POLICIES}/p1/appliesTo": {"value": [principal("sp1")]}})
    found = scan(source, need("tokenLifetimePolicyAssignment"))
    assert len(found) == 2
    assert "/servicePrincipals/sp1" not in source.paths()


@pytest.mark.parametrize("missing", ["appId", "displayName", "signInAudience", "appOwnerOrganizationId"])
def test_a_row_that_lacks_one_detail_is_asked_about(missing):
    row = {name: value for name, value in principal("sp1").items() if name != missing}
    source = tenant(**{f"{POLICIES}/p1/appliesTo": {"value": [row]}})
    assert holders_of(source)["p1/sp1"].unknown == {}
    assert "/servicePrincipals/sp1" in source.paths()


def test_full_lists_are_left_to_be_streamed():
    source, needs = tenant(), need("servicePrincipal")
    collector = EntraCollector()
    facts = collector.collect(source, needs)
    assert "/servicePrincipals" not in source.paths()
    stream = collector.read(facts, needs, Precedence.ALL)
    assert isinstance(next(stream), Resource)
    assert source.calls[-1].endswith("&$top=999")


@pytest.mark.parametrize(
    ("properties", "named"), [(("displayName",), False), (("displayName", "keyCredentials"), True)]
)
@pytest.mark.parametrize("app_ids", [None, frozenset({DATAVERSE})])
def test_credentials_are_selected_only_where_a_rule_reads_them(properties, named, app_ids):
    source = tenant()
    scan(source, need("servicePrincipal", *properties, app_ids=app_ids))
    assert ("keyCredentials" in source.calls[-1]) is named
    assert "passwordCredentials" not in source.calls[-1]
    assert "$select=id,appId,displayName,servicePrincipalType,signInAudience,appOwnerOrg" in source.calls[-1]


def test_a_name_that_is_no_app_id_is_never_put_into_a_path():
    source = tenant()
    found = scan(source, need("servicePrincipal", app_ids=frozenset({"x')/owners?a=('"})))
    assert [type(one) for one in found[1:]] == [CollectionFailure]
    assert not any("owners" in call for call in source.calls)


# --- what comes of it -------------------------------------------------------------------------------------------


def test_a_tenant_that_answers_everything_is_complete():
    results = scan(tenant(), EVERYTHING)
    assert Counter(one.type for one in results if isinstance(one, Resource)) == {
        "organization": 1,
        "tokenLifetimePolicy": 3,
        "tokenLifetimePolicyAssignment": 2,
        "application": 1,
        "servicePrincipal": 2,
    }
    assert not any(isinstance(one, CollectionFailure) for one in results)


def every_call():
    source = tenant()
    scan(source, EVERYTHING)
    return sorted(source.paths())


EVERY_CALL = every_call()
STREAMED = {POLICIES, "/servicePrincipals", "/applications"}  # Source.rows yields objects or a failure, nothing else
NAMELESS = ({"value": [{}]}, {"value": [{"id": ""}]})
WRONG_SHAPES = [
    (path, answer)
    for path in EVERY_CALL
    for answer in (7, {}, {"value": "x"}, {"value": [None]}, {"value": [{}]}, {"value": [{"id": ""}]})
    if (path not in STREAMED or answer in ({"value": [{}]}, {"value": [{"id": ""}]}))
    and (path, answer) != (PRINCIPAL_COUNT, 7)
]


def assert_less_is_known(broken, whole):
    """Something is missing and said to be, if only a count to compare with; what is still known has not changed."""
    failures = [one for one in broken if isinstance(one, CollectionFailure | CollectionNotice)]
    before, after = known(whole), known(broken)
    assert failures or len(after) < len(before)
    assert all(before[key] == value for key, value in after.items())


@pytest.mark.parametrize("path", EVERY_CALL)
def test_no_call_can_fail_without_its_being_said(path):
    broken = scan(tenant(**{path: refused(path)}), EVERYTHING)
    assert_less_is_known(broken, scan(tenant(), EVERYTHING))
    failures = [one.reason for one in broken if isinstance(one, CollectionFailure)]
    failures += [one.text for one in broken if isinstance(one, CollectionNotice)]
    unknowns = [reason for one in broken if isinstance(one, Resource) for reason in one.unknown.values()]
    assert any(f"GET {path}: 403" in reason for reason in (*failures, *unknowns))


@pytest.mark.parametrize(("path", "answer"), WRONG_SHAPES)
def test_no_answer_of_another_shape_passes_for_one(path, answer):
    assert_less_is_known(scan(tenant(**{path: answer}), EVERYTHING), scan(tenant(), EVERYTHING))


@pytest.mark.parametrize("path", [path for path in EVERY_CALL if path not in STREAMED])
def test_no_answer_can_be_left_out_without_its_being_said(path):
    """A source is a plugin's, too: what it forgets has failed, and is not an empty list."""
    source = tenant()
    everything = source.answers
    source.answers = lambda calls: [(call, fate) for call, fate in everything(calls) if call.partition("?")[0] != path]
    assert_less_is_known(scan(source, EVERYTHING), scan(tenant(), EVERYTHING))


def holders_of(source):
    found = scan(source, need("tokenLifetimePolicyAssignment"))
    assert all(isinstance(one, Resource) for one in found)
    return {one.id: one for one in found}


@pytest.mark.parametrize(
    ("fact", "answers", "kind"),
    [
        (principal("x"), {"/servicePrincipals/x": principal("x")}, "servicePrincipal"),
        (application("x"), {"/applications/x": application("x")}, "application"),
        (
            application("x"),
            {"/applications/x": application("x"), "/servicePrincipals/x": refused("/servicePrincipals/x")},
            "application",
        ),
    ],
)
def test_a_holder_of_unsaid_kind_is_tried_as_principal_then_as_application(fact, answers, kind):
    source = tenant(**{f"{POLICIES}/p1/appliesTo": {"value": [{"id": "x"}]}, **answers})
    assert holders_of(source)["p1/x"].properties["objectType"] == kind


UNTOLD = pytest.mark.parametrize("row", [{"id": "x"}, bare(principal("x")), bare(application("x"))])


@UNTOLD
def test_a_holder_that_is_gone_at_a_second_look_is_left_out_and_counted_out(row):
    source = tenant(**{f"{POLICIES}/p1/appliesTo": Once({"value": [row]}, {"value": []})})
    facts = EntraCollector().collect(source, EVERYTHING)
    assert facts.gone == {"x"}
    found = list(EntraCollector().read(facts, EVERYTHING, Precedence.ALL))
    assert {one.id for one in found if one.type == "tokenLifetimePolicyAssignment"} == {"p2/app1"}
    policies = [one for one in found if one.type == "tokenLifetimePolicy"]
    assert [one.properties["assignmentCount"] for one in policies] == [0, 1, 0]


@UNTOLD
@pytest.mark.parametrize("second", [None, ReadFailure(f"{POLICIES}/p1/appliesTo", "500", 500)])
def test_a_holder_that_graph_lists_and_does_not_know_is_not_gone(row, second):
    first = {"value": [row]}
    source = tenant(**{f"{POLICIES}/p1/appliesTo": Once(first, second or first)})
    assignment = holders_of(source)["p1/x"]
    assert "404" in assignment.unknown["appId"]


@pytest.mark.parametrize("refusing", ["/servicePrincipals/x", "/applications/x"])
def test_a_holder_of_unsaid_kind_is_not_gone_while_one_answer_is_missing(refusing):
    source = tenant(**{f"{POLICIES}/p1/appliesTo": {"value": [{"id": "x"}]}, refusing: refused(refusing)})
    assert "403" in holders_of(source)["p1/x"].unknown["objectType"]


@pytest.mark.parametrize("type_", ["#microsoft.graph.group", ["#microsoft.graph.group"]])
def test_a_holder_of_a_third_kind_is_said_and_not_asked_for(type_):
    row = {"@odata.type": type_, "id": "x"}
    source = tenant(**{f"{POLICIES}/p1/appliesTo": {"value": [row]}})
    assert "microsoft.graph.group" in holders_of(source)["p1/x"].unknown["objectType"]
    assert not {"/servicePrincipals/x", "/applications/x"} & set(source.paths())


@pytest.mark.parametrize("type_", ["#microsoft.graph.servicePrincipal", "#Microsoft.Graph.ServicePrincipal"])
def test_what_a_holder_is_is_read_whatever_its_letter_case(type_):
    row = {**principal("x"), "@odata.type": type_}
    source = tenant(**{f"{POLICIES}/p1/appliesTo": {"value": [row]}})
    assert holders_of(source)["p1/x"].properties["objectType"] == "servicePrincipal"


def test_an_answer_about_another_object_tells_nothing_of_a_holder():
    (assignment,) = (
        one
        for one in scan(tenant(**{"/servicePrincipals/sp1": principal("sp9")}), need("tokenLifetimePolicyAssignment"))
        if isinstance(one, Resource) and one.properties["objectId"] == "sp1"
    )
    for name in ("appId", "displayName", "inForce", "lifetimeBasis"):
        assert "another object" in assignment.unknown[name]


@pytest.mark.parametrize("app_id", ["app-of-another", None])
def test_an_answer_about_another_object_does_not_show_that_a_pinned_one_is_absent(app_id):
    source = tenant(**{f"/servicePrincipals(appId='{DATAVERSE}')": principal("cds", appId=app_id)})
    results = scan(source, need("servicePrincipal", "displayName", app_ids=frozenset({DATAVERSE})))
    (failure,) = (one for one in results if isinstance(one, CollectionFailure))
    assert "another object" in failure.reason
    assert not any(isinstance(one, Resource) for one in results)


@pytest.mark.parametrize("rows", [[{"id": "t1"}], [], [{"id": "t9"}, {"id": "t1"}]])
@pytest.mark.parametrize("type_", TYPES)
def test_an_answer_that_is_not_about_the_tenant_of_the_token_leaves_nothing_evaluated(rows, type_):
    source = tenant(**{"/organization": {"value": rows}})
    source.tenant = "t9"
    (failure,) = (one for one in scan(source, need(type_)) if isinstance(one, CollectionFailure))
    assert failure.reason.startswith("which tenant was read is not known: GET /organization: the answer ")
    collector = EntraCollector()
    assert collector.tenant(collector.collect(source, {})).id == ""


def test_an_organization_that_is_refused_is_the_one_of_the_token():
    source = tenant(**{"/organization": refused("/organization")})
    source.tenant = "t9"
    (organization, *_) = scan(source, need("organization", "displayName"))
    assert organization.id == "t9"
    assert "403" in organization.unknown["displayName"]


@pytest.mark.parametrize(("permissions", "count"), [(None, 2), ((), None)])
def test_principals_that_were_not_counted_are_counted_where_they_are_at_hand(permissions, count):
    """Those of saved answers are; of a live tenant all would have to be read for one number."""
    source = tenant(**{PRINCIPAL_COUNT: refused(PRINCIPAL_COUNT)})
    source.permissions = permissions
    (organization, *_) = scan(source, need("organization", "servicePrincipalCount"))
    assert organization.properties["servicePrincipalCount"] == count
    assert ("/servicePrincipals" in source.paths()) is (count is not None)


def test_a_pinned_object_that_the_tenant_does_not_have_is_absent_not_failed():
    found = scan(tenant(), need("servicePrincipal", app_ids=frozenset({DATAVERSE, "nobody"})))
    assert [one.id for one in found if isinstance(one, Resource)] == ["cds"]
    assert not any(isinstance(one, CollectionFailure) for one in found)


def test_a_policy_that_comes_twice_with_different_contents_is_not_read():
    """As where somebody edits it between two pages: neither of the two may pass for the other."""
    long, short = ({"id": "p", "displayName": "P", "definition": [text]} for text in ("long", "short"))
    for rows, failed in (([long, short], True), ([short, long], True), ([long, long], False)):
        needs = {"tokenLifetimePolicy": Need("tokenLifetimePolicy", frozenset({"definition"}))}
        facts = EntraCollector().collect(tenant(**{POLICIES: {"value": rows}, POLICY_COUNT: 1}), needs)
        assert (facts.policies_failure is not None) is failed
        assert not failed or "policy p came twice, with different contents" in facts.policies_failure.reason


def with_a_twin(answer):
    """`answer` with another `ID` beside the `id` of each object."""
    rows = answer.get("value")
    return {**answer, "ID": "another"} if rows is None else {"value": [with_a_twin(row) for row in rows]}


@pytest.mark.parametrize(
    "path",
    [path for path, answer in tenant().by_path.items() if isinstance(answer, dict) and answer.get("value", True)],
)
def test_an_object_with_one_property_in_two_letter_cases_is_not_read(path):
    """Graph's spelling was read and the other passed over, say beside `definition` a `Definition` of 23 hours."""
    needs = EVERYTHING if path not in PINNED else need("servicePrincipal", app_ids=frozenset({DATAVERSE}))
    broken = scan(tenant(**{path: with_a_twin(tenant().by_path[path])}), needs)
    assert_less_is_known(broken, scan(tenant(), needs))
    failures = [one.reason for one in broken if isinstance(one, CollectionFailure)]
    unknowns = [reason for one in broken if isinstance(one, Resource) for reason in one.unknown.values()]
    said = "has one property in two letter cases, id and ID"
    assert [reason for reason in (*failures, *unknowns) if f"GET {path}" in reason and said in reason]


def test_what_a_tenant_names_itself_may_differ_in_letter_case_alone():
    own = {"extension_1_Team": "a", "extension_1_team": "b", "@odata.id": "c", "@odata.Id": "d"}
    found = scan(tenant(**{"/applications": {"value": [application("app1") | own]}}), EVERYTHING)
    assert known(found) == known(scan(tenant(), EVERYTHING))


@pytest.mark.parametrize("rows", [[], [{"id": "t1"}, {"id": "t2"}]])
def test_an_answer_about_no_or_two_tenants_identifies_none(rows):
    collector = EntraCollector()
    facts = collector.collect(tenant(**{"/organization": {"value": rows}}), {})
    assert collector.tenant(facts).id == ""


def test_where_the_organization_is_refused_the_token_names_the_tenant_and_only_names_are_unknown():
    source = tenant(**{"/organization": ReadFailure("/organization", "403", 403, "Organization.Read.All")})
    source.tenant = "t1"
    collector = EntraCollector()
    facts = collector.collect(source, need("organization"))
    assert collector.tenant(facts).id == "t1"
    (organization,) = collector.read(facts, need("organization"), Precedence.ALL)
    assert organization.id == "t1"
    assert organization.properties["organizationDefaultPolicyCount"] == 1
    assert organization.unknown.keys() == {"displayName", "defaultDomain"}
    assert "Organization.Read.All" in organization.unknown["displayName"]


# --- what it contributes ----------------------------------------------------------------------------------------


def test_the_collector_names_its_types_their_schemas_and_permissions():
    (collector,) = tokenguard_collectors()
    assert isinstance(collector, SourceProvider)
    assert {one.name for one in collector.resource_types} == set(TYPES)
    for one in collector.resource_types:
        assert one.schema is schema(f"resources/{one.name}")
        assert "Policy.Read.All" in one.permissions


def test_the_built_in_packs_hold_rules():
    for pack in tokenguard_rule_paths():
        assert list(pack.glob("*.json"))


def test_the_embedded_tenant_and_a_folder_of_its_answers_read_alike():
    collector = EntraCollector()
    with collector.open(DemoTarget()) as demo, collector.open(FolderTarget(DEMO)) as folder:
        assert known(scan(demo, EVERYTHING)) == known(scan(folder, EVERYTHING)) != {}

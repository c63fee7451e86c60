"""What `explain` says of one application, and how it is found."""

import json
from http import HTTPStatus

import pytest

from tokenguard.cli.explanations import _verdict
from tokenguard.entra.explaining import explain
from tokenguard.entra.facts import DirectoryObject, EntraFacts, Kind
from tokenguard.entra.subjects import app_id_in, find_subjects
from tokenguard.explanation import Search, Subject
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import Precedence

TENANT = "0000dddd-0000-4000-8000-000000000001"
APP = "0000aaaa-0000-4000-8000-000000000001"
OTHER_APP = "0000aaaa-0000-4000-8000-000000000002"
SP_ID = "0000bbbb-0000-4000-8000-000000000001"
APP_ID = "0000cccc-0000-4000-8000-000000000001"
DATAVERSE = "00000007-0000-0000-c000-000000000000"

PRINCIPAL = {
    "id": SP_ID,
    "appId": APP,
    "displayName": "Ledger API",
    "servicePrincipalType": "Application",
    "signInAudience": "AzureADMyOrg",
    "appOwnerOrganizationId": TENANT,
    "accountEnabled": True,
}
REGISTRATION = {"id": APP_ID, "appId": APP, "displayName": "Ledger API", "signInAudience": "AzureADMyOrg"}
BOTH = {"servicePrincipal": PRINCIPAL, "application": REGISTRATION}


def policy(id_, lifetime, *, default=False):
    settings = {"Version": 1} if lifetime is None else {"Version": 1, "AccessTokenLifetime": lifetime}
    return {
        "id": id_,
        "displayName": id_,
        "isOrganizationDefault": default,
        "definition": [json.dumps({"TokenLifetimePolicy": settings})],
    }


def explained(sp=None, app=None, org=None, precedence=Precedence.ALL, objects=BOTH, **failing):
    """The explanation where these lifetimes are set at the three levels; ``""`` is a policy that sets none."""
    given = {"sp": (sp, False), "app": (app, False), "org": (org, True)}
    policies = {
        name: policy(name, text or None, default=default) for name, (text, default) in given.items() if text is not None
    }
    facts = EntraFacts(
        tenant=TENANT,
        policies=policies,
        policies_failure=None,
        holders={name: {"sp": (SP_ID,), "app": (APP_ID,), "org": ()}[name] for name in policies} | failing,
        objects={
            SP_ID: DirectoryObject(Kind.SERVICE_PRINCIPAL, PRINCIPAL),
            APP_ID: DirectoryObject(Kind.APPLICATION, REGISTRATION),
        },
    )
    return explain(facts, Subject("Ledger API", next(iter(objects.values()))["appId"], objects), precedence)


def decided(found, order):
    return [each.level for each in found.orders[order] if each.decides]


def reasons(found, order):
    return {each.level: each.reason for each in found.orders[order]}


HOUR = 3600


@pytest.mark.parametrize(
    ("levels", "possible", "classic", "today"),
    [
        ({}, [(HOUR, 5400)], ["default"], ["default"]),
        ({"sp": "05:00:00"}, [(5 * HOUR, 5 * HOUR)], ["servicePrincipal"], ["servicePrincipal"]),
        ({"app": "05:00:00"}, [(5 * HOUR, 5 * HOUR)], ["application"], ["application"]),
        (
            {"sp": "05:00:00", "org": "02:00:00"},
            [(2 * HOUR, 2 * HOUR), (5 * HOUR, 5 * HOUR)],
            ["servicePrincipal"],
            ["organization"],
        ),
        ({"app": "05:00:00", "org": "02:00:00"}, [(2 * HOUR, 2 * HOUR)], ["organization"], ["organization"]),
        (
            {"sp": "05:00:00", "app": "02:00:00"},
            [(2 * HOUR, 2 * HOUR), (5 * HOUR, 5 * HOUR)],
            ["servicePrincipal"],
            ["servicePrincipal", "application"],
        ),
        ({"sp": ""}, [(HOUR, 5400)], ["default"], ["default"]),
    ],
)
def test_every_order_says_what_decides(levels, possible, classic, today):
    found = explained(**levels)
    assert sorted((each.shortest, each.longest) for each in found.in_force) == possible
    assert found.ambiguous is (len(possible) > 1)
    assert (decided(found, "classic"), decided(found, "documented-2026")) == (classic, today)
    assert found.unknown == ""


def test_a_candidate_that_lost_says_to_whom():
    found = explained(sp="05:00:00", org="02:00:00")
    assert reasons(found, "documented-2026")["servicePrincipal"] == "outranked by policy “org” on the organization"
    assert reasons(found, "classic")["organization"] == "outranked by policy “sp” on the service principal"
    assert reasons(found, "classic")["application"] == "there is no policy"
    assert reasons(found, "classic")["default"] == "outranked by policy “sp” on the service principal"


def test_what_microsoft_leaves_open_in_one_order_is_said():
    found = explained(sp="05:00:00", app="02:00:00")
    assert "does not say which" in reasons(found, "documented-2026")["application"]
    assert "sets no access token lifetime" in reasons(explained(sp=""), "classic")["servicePrincipal"]


@pytest.mark.parametrize(
    ("levels", "precedence"),
    [
        ({"sp": "05:00:00", "app": "02:00:00"}, Precedence.DOCUMENTED_2026),
        ({"sp": "", "org": "02:00:00"}, Precedence.CLASSIC),
        ({"sp": "05:00:00", "org": "02:00:00"}, Precedence.ALL),
    ],
)
def test_an_ambiguity_is_not_put_down_to_orders_that_disagree_where_one_leaves_it_open(levels, precedence):
    found = explained(**levels, precedence=precedence)
    assert found.ambiguous
    said = [*found.notes, *_verdict(found)]
    assert not any("order" in line for line in said)
    assert sum("leaves open which" in line for line in said) == 2


def test_each_kind_of_token_has_its_lifetime():
    by_policy, by_default = explained(sp="05:00:00").in_force[0], explained().in_force[0]
    assert (by_policy.id_token, by_policy.saml, by_policy.saml_not_on_or_after) == (18000, 18000, 18300)
    assert (by_default.id_token, by_default.saml, by_default.saml_not_on_or_after) == (3600, 3600, 3900)
    brief, default = explained(sp="00:05:00").in_force  # which Entra does not accept
    assert (brief.shortest, brief.longest, brief.id_token) == (300, 300, 300)
    assert (default.basis, default.id_token) == ("default", 3600)


@pytest.mark.parametrize("precedence", [Precedence.CLASSIC, Precedence.DOCUMENTED_2026])
def test_one_order_alone_can_be_asked_for(precedence):
    assert list(explained(precedence=precedence).orders) == [precedence.value]


@pytest.mark.parametrize("name", ["servicePrincipalType", "signInAudience"])
def test_a_property_that_was_not_saved_and_decides_is_named(name):
    fact = {key: value for key, value in PRINCIPAL.items() if key != name}
    found = explained(sp="05:00:00", objects={"servicePrincipal": fact})
    assert found.unknown == f"the answer that was read does not hold {name}"


def test_where_a_policy_may_be_on_the_application_unread_the_lifetime_is_unknown():
    facts = EntraFacts(
        policies={"p": policy("p", "05:00:00")},
        policies_failure=None,
        holders={"p": ReadFailure("", "GET appliesTo: 403", permission="Application.Read.All")},
    )
    found = explain(facts, Subject("Ledger API", APP, BOTH), Precedence.ALL)
    assert "403" in found.unknown
    assert "Application.Read.All" in found.unknown
    assert found.in_force == ()
    assert not any(each.decides for considered in found.orders.values() for each in considered)


@pytest.mark.parametrize(
    ("type_", "audience", "words"),
    [("ManagedIdentity", None, "managed identity"), ("Application", "PersonalMicrosoftAccount", "personal Microsoft")],
)
def test_what_no_policy_governs_has_no_lifetime_and_nothing_would_change_it(type_, audience, words):
    fact = {**PRINCIPAL, "servicePrincipalType": type_, "signInAudience": audience}
    found = explained(sp="05:00:00", objects={"servicePrincipal": fact})
    assert (found.in_force, found.unknown) == ((), "")
    assert any(words in note for note in found.notes)
    assert reasons(found, "classic")["servicePrincipal"] == "policies do not apply"
    assert reasons(found, "classic")["default"] == "no policy changes it"
    assert not any("governs tokens" in note for note in found.notes)
    assert found.changes == ("Nothing that a token lifetime policy could say.",)


def test_a_policy_that_is_outranked_under_every_order_would_change_nothing():
    said = explained(app="05:00:00", org="02:00:00").changes
    assert said[0].startswith("Changing policy “org” as organization default")
    assert said[1] == "Changing policy “app” on the application changes nothing as long as it is outranked."


def test_without_a_policy_of_its_own_one_could_be_assigned():
    assert explained().changes == ("Assigning a policy to Ledger API.",)
    assert explained(org="02:00:00").changes[-1].endswith("the organization default would outrank it.")


@pytest.mark.parametrize(
    ("fact", "levels", "words"),
    [
        (PRINCIPAL, {}, "It does not change the access tokens that Ledger API gets, as a client"),
        ({**PRINCIPAL, "appId": DATAVERSE}, {}, "every Dataverse environment"),
        ({**PRINCIPAL, "appOwnerOrganizationId": "f8cdef31-a31e-4b4a-93e4-5f571e91255a"}, {}, "24 to 28 hours"),
        ({**PRINCIPAL, "appOwnerOrganizationId": "f8cdef31-a31e-4b4a-93e4-5f571e91255a"}, {}, "two hours"),
        (PRINCIPAL, {"sp": "05:00:00", "org": "02:00:00"}, f"tokenguard probe --resource {APP}"),
        (PRINCIPAL, {"sp": "1.00:00:00"}, "Entra may ignore policy “sp”: it sets 1 d, and Entra accepts 10 min"),
        (PRINCIPAL, {"sp": "1.00:00:00"}, "whether it or what comes after it holds is not documented"),
    ],
)
def test_what_the_numbers_do_not_say_stands_beside_them(fact, levels, words):
    notes = explained(**levels, objects={"servicePrincipal": fact}).notes
    assert any(words in note for note in notes), notes


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        (TENANT, False),
        (TENANT.upper(), False),
        ("f8cdef31-a31e-4b4a-93e4-5f571e91255a", False),
        ("0000eeee-0000-4000-8000-000000000001", True),
    ],
)
def test_what_a_publisher_may_have_set_in_a_tenant_of_its_own_is_said_to_be_out_of_sight(owner, said):
    notes = explained(objects={"servicePrincipal": {**PRINCIPAL, "appOwnerOrganizationId": owner}}).notes
    assert any("registered in another tenant" in note for note in notes) is said


def test_an_own_api_that_knows_no_cae_is_not_told_of_it():
    assert not any("continuous access" in note or "two hours" in note for note in explained().notes)


def test_findings_about_the_objects_their_assignments_policies_and_the_default_concern_it():
    found = explained(sp="05:00:00", org="02:00:00")
    assert found.concerned == {SP_ID, APP_ID, f"sp/{SP_ID}", "sp", "org", TENANT}


def test_what_is_said_of_the_organization_concerns_it_only_where_that_may_have_a_default():
    assert TENANT not in explained(sp="05:00:00").concerned


@pytest.mark.parametrize("tenant", ["", TENANT])
def test_of_a_tenant_whose_organization_is_none_or_another_no_lifetime_is_said_to_be_in_force(tenant):
    unread = ReadFailure("/organization", "GET /organization: no answer of this tenant", HTTPStatus.OK)
    facts = EntraFacts(tenant=tenant, organization=unread, policies_failure=None)
    found = explain(facts, Subject("Ledger API", APP, BOTH), Precedence.ALL)
    assert found.unknown == f"which tenant was read is not known: {unread.reason}"
    assert found.in_force == ()


# --- finding --------------------------------------------------------------------------------------------------------


class Directory:
    """A source of these objects, some paths refused; it does not filter."""

    def __init__(self, principals=(), applications=(), refused=()):
        self.objects = {"/servicePrincipals": principals, "/applications": applications}
        self.refused = refused

    def rows(self, call):
        path = call.partition("?")[0]
        if path in self.refused:
            yield ReadFailure(call, f"GET {path}: 403", status=403, permission="Application.Read.All")
            return
        yield from self.objects[path]

    def answers(self, calls):
        for call in calls:
            path = call.partition("?")[0]
            collection = next(name for name in self.objects if path.startswith(name))
            key = path.removeprefix(collection)
            found = [row for row in self.objects[collection] if key in (f"/{row['id']}", f"(appId='{row['appId']}')")]
            if collection in self.refused:
                yield call, ReadFailure(call, f"GET {path}: 403", status=403, permission="Application.Read.All")
            else:
                yield call, found[0] if found else ReadFailure(call, f"GET {path}: 404", status=404)


NAMESAKE = {**PRINCIPAL, "id": "0000bbbb-0000-4000-8000-000000000002", "appId": OTHER_APP}


@pytest.mark.parametrize("text", ["Ledger API", "ledger api", SP_ID, SP_ID.upper(), APP_ID, APP, f"api://{APP}"])
def test_name_id_and_app_id_find_the_principal_with_its_registration(text):
    search = find_subjects(Directory([PRINCIPAL], [REGISTRATION]), text)
    assert [set(subject.objects) for subject in search.subjects] == [{"servicePrincipal", "application"}]
    assert search.doubts == ()


@pytest.mark.parametrize("text", ["Ledger API", SP_ID, APP, f"api://{APP}"])
def test_nothing_is_asked_for_twice_to_find_that_there_is_no_registration(text):
    asked = []

    class Counting(Directory):
        def answers(self, calls):
            asked.extend(calls)
            return super().answers(calls)

    (subject,) = find_subjects(Counting([PRINCIPAL]), text).subjects
    assert set(subject.objects) == {"servicePrincipal"}
    assert len(asked) == len(set(asked))


def test_two_applications_of_one_name_are_two():
    search = find_subjects(Directory([PRINCIPAL, NAMESAKE], [REGISTRATION]), "Ledger API")
    assert {subject.app_id for subject in search.subjects} == {APP, OTHER_APP}


def test_what_could_not_be_looked_through_is_said():
    search = find_subjects(Directory([PRINCIPAL], refused=["/applications"]), "Ledger API")
    assert len(search.subjects) == 1
    assert all("403; it takes Application.Read.All" in said for said in (*search.doubts, *search.unread))
    assert search.doubts
    assert search.unread
    assert find_subjects(Directory(refused=["/servicePrincipals"]), "Ledger API").doubts


@pytest.mark.parametrize("text", ["Ledger", "0000bbbb-0000-4000-8000-00000000dead", "https://ledger.example", "O'Hara"])
def test_what_there_is_not_is_not_found(text):
    fact = {**PRINCIPAL, "servicePrincipalNames": [APP]}
    search = find_subjects(Directory([fact], [REGISTRATION]), text)
    assert (search.subjects, search.doubts) == ((), ())


@pytest.mark.parametrize("text", [SP_ID, APP, f"api://{APP}"])
def test_what_only_one_can_bear_leaves_no_doubt_that_it_is_meant(text):
    search = find_subjects(Directory([PRINCIPAL], refused=["/applications"]), text)
    assert (len(search.subjects), search.doubts) == (1, ())
    assert search.unread == (f"GET /applications(appId='{APP}'): 403; it takes Application.Read.All",)


@pytest.mark.parametrize("address", ["https://ledger.example", "HTTPS://Ledger.example"])
def test_an_address_is_looked_up_among_the_names_of_the_principals(address):
    addressed = {**PRINCIPAL, "servicePrincipalNames": [APP, "https://ledger.example"]}
    other = {**NAMESAKE, "servicePrincipalNames": [OTHER_APP]}
    search = find_subjects(Directory([addressed, other]), address)
    assert [subject.app_id for subject in search.subjects] == [APP]


def test_an_address_that_begins_with_another_id_than_the_appid_is_found():
    """Entra lets an application call itself ``api://`` and the id of its tenant, and a path."""
    address = f"api://{TENANT}/ledger"
    search = find_subjects(Directory([{**PRINCIPAL, "servicePrincipalNames": [APP, address]}]), address)
    assert [subject.app_id for subject in search.subjects] == [APP]
    assert search.doubts == ()


@pytest.mark.parametrize(
    ("property_", "text"), [("displayName", "Ledger API"), ("servicePrincipalNames", "https://ledger.example")]
)
def test_an_object_read_without_what_it_is_looked_for_by_is_a_doubt(property_, text):
    fact = {key: value for key, value in PRINCIPAL.items() if key != property_}
    search = find_subjects(Directory([fact]), text)
    assert search.subjects == ()
    assert search.doubts == (f"not every servicePrincipal that was read holds its {property_}",)


def test_an_object_without_a_name_is_not_called_none():
    assert find_subjects(Directory([{**PRINCIPAL, "displayName": None}]), "None") == Search(())


@pytest.mark.parametrize(
    ("address", "app_id"),
    [
        ("https://contoso.crm4.dynamics.com", DATAVERSE),
        ("https://contoso.api.crm.dynamics.com/", DATAVERSE),
        ("https://contoso.crm.microsoftdynamics.us", DATAVERSE),
        ("https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000"),
        ("https://management.azure.com/", "797f4846-ba00-4fd7-ba43-dac1f8f63013"),
        (f"api://{APP}", APP),
        (f"api://{APP}/read", APP),
        ("api://ledger", None),
        ("http://graph.microsoft.com", None),
        ("https://graph.microsoft.com.example", None),
        ("https://dynamics.com", None),
        ("Ledger API", None),
    ],
)
def test_the_addresses_of_microsoft_s_resources_are_known(address, app_id):
    assert app_id_in(address) == app_id

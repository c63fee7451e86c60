"""The sandbox's Graph, asked over its socket with plain HTTP: shapes, constraints, permissions, and time."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from email.utils import parsedate_to_datetime

import pytest
from tokenguard_sandbox import generated

from sandbox import SMALL, RunningSandbox

POLICIES = "/policies/tokenLifetimePolicies"
DATAVERSE = "/servicePrincipals(appId='00000007-0000-0000-c000-000000000000')"
NOBODY = "11111111-1111-4111-8111-111111111111"
EVENTUAL = {"ConsistencyLevel": "eventual"}


def policy(lifetime: str = "02:00:00", **changed: object) -> dict[str, object]:
    """The body of a policy, with some properties `changed`."""
    definition = json.dumps({"TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": lifetime}})
    return {"definition": [definition], "displayName": "Two hours", "isOrganizationDefault": False, **changed}


def create(sandbox: RunningSandbox, **changed: object) -> str:
    return sandbox.call("POST", POLICIES, json=policy(**changed)).raise_for_status().json()["id"]


def reference(policy_id: str) -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/v1.0{POLICIES}/{policy_id}"}


@pytest.fixture(scope="module")
def writable(new_sandbox) -> RunningSandbox:
    return new_sandbox(*SMALL, "--permissions", "write")


@pytest.fixture
def tenant(writable: RunningSandbox) -> RunningSandbox:
    """A tenant that may be written to, with its first settings."""
    writable.set(**writable.first_settings)
    return writable


# --- reading ----------------------------------------------------------------------------------------------------


def test_a_collection_comes_in_pages_whose_links_lead_to_its_end(sandbox):
    link, rows, pages = "/servicePrincipals?$top=99&$select=id,appId", [], 0
    while link:
        assert link.startswith(("/", sandbox.graph))
        body = sandbox.call("GET", link).raise_for_status().json()
        rows += body["value"]
        link = body.get("@odata.nextLink")
        pages += 1
    assert pages == 3
    assert len({row["id"] for row in rows}) == 250
    assert all(set(row) == {"id", "appId"} for row in rows)


@pytest.mark.parametrize("collection", ["/servicePrincipals", "/applications"])
def test_an_object_is_found_by_id_by_app_id_and_by_filter(sandbox, collection):
    for row in sandbox.call("GET", f"{collection}?$top=999").json()["value"][::20]:
        for path in (f"/{row['id']}", f"(appId='{row['appId']}')"):
            found = sandbox.call("GET", collection + path).json()
            assert found.pop("@odata.context").endswith(f"{collection[1:]}/$entity")
            assert found == row
        filtered = sandbox.call("GET", collection, params={"$filter": f"appId eq '{row['appId']}'"}).json()
        assert filtered["value"] == [row]
        capitals = {"$filter": f"id in ('{row['id'].upper()}', '{NOBODY}')"}
        assert sandbox.call("GET", collection, params=capitals).json()["value"] == [row]
        assert sandbox.call("GET", f"{collection}/$count", params=capitals, headers=EVENTUAL).text == "1"


def test_names_are_filtered_exactly_with_quotes_doubled(tenant):
    id_ = create(tenant, displayName="Finance's own")
    found = tenant.call("GET", POLICIES, params={"$filter": "displayName eq 'Finance''s own'"}).json()["value"]
    assert [each["id"] for each in found] == [id_]


def test_names_are_filtered_letter_case_aside(sandbox):
    row = sandbox.call("GET", "/servicePrincipals?$top=1").json()["value"][0]
    for name in (row["displayName"].upper(), row["displayName"].lower()):
        found = sandbox.call("GET", "/servicePrincipals", params={"$filter": f"displayName eq '{name}'"}).json()
        assert [each["id"] for each in found["value"]] == [row["id"]]


@pytest.mark.parametrize("tenant", ["demo", "generated"])
@pytest.mark.parametrize(
    ("collection", "names"), [("/servicePrincipals", "servicePrincipalNames"), ("/applications", "identifierUris")]
)
def test_an_object_is_found_by_any_of_its_names(new_sandbox, sandbox, tenant, collection, names):
    asked = new_sandbox("--tenant", "demo") if tenant == "demo" else sandbox
    rows = asked.call("GET", f"{collection}?$top=999").json()["value"]
    own = [row for row in rows if any("://" in name for name in row[names])]
    assert own
    for row in own[:5]:
        for name in row[names]:
            params = {"$filter": f"{names}/any(n:n eq '{name.upper()}')", "$select": "id"}
            assert asked.call("GET", collection, params=params).json()["value"] == [{"id": row["id"]}]


@pytest.mark.parametrize("tenant", ["demo", "generated"])
def test_a_principal_goes_by_its_app_id_and_the_names_of_its_application(new_sandbox, sandbox, tenant):
    asked = new_sandbox("--tenant", "demo") if tenant == "demo" else sandbox
    rows = asked.call("GET", "/applications?$top=999").json()["value"]
    uris = {row["appId"]: row["identifierUris"] for row in rows}
    for row in asked.call("GET", "/servicePrincipals?$top=999").json()["value"]:
        assert row["servicePrincipalNames"] == [row["appId"], *uris.get(row["appId"], ())]


def test_counting_needs_the_consistency_header_and_counts_once(sandbox):
    assert sandbox.call("GET", "/servicePrincipals/$count", headers=EVENTUAL).text == "250"
    assert sandbox.call("GET", "/servicePrincipals/$count").status_code == 400
    first = sandbox.call("GET", "/servicePrincipals?$count=true&$top=200", headers=EVENTUAL).json()
    assert first["@odata.count"] == 250
    assert "@odata.count" not in sandbox.call("GET", first["@odata.nextLink"], headers=EVENTUAL).json()
    assert "@odata.count" not in sandbox.call("GET", "/servicePrincipals?$count=true").json()


def test_both_sides_of_an_assignment_agree(tenant):
    policies = tenant.call("GET", POLICIES).json()["value"]
    held = {each["id"]: tenant.call("GET", f"{POLICIES}/{each['id']}/appliesTo").json()["value"] for each in policies}
    assert sum(map(len, held.values())) >= 30
    for policy_id, rows in held.items():
        for row in rows:
            assert row["@odata.type"] == "#microsoft.graph.servicePrincipal"
            assigned = tenant.call("GET", f"/servicePrincipals/{row['id']}/tokenLifetimePolicies").json()["value"]
            assert [each["id"] for each in assigned] == [policy_id]


def test_rows_of_applies_to_come_in_pages_with_what_was_selected(tenant):
    tenant.set(policy_page_size=4, applies_to_type="never")
    for each in tenant.call("GET", POLICIES).json()["value"]:
        link, rows = f"{POLICIES}/{each['id']}/appliesTo?$select=id,appId", []
        while link:
            body = tenant.call("GET", link).json()
            assert len(body["value"]) <= 4
            rows += body["value"]
            link = body.get("@odata.nextLink")
        assert all(set(row) == {"id", "appId"} for row in rows)
        counted = tenant.call("GET", f"{POLICIES}/{each['id']}/appliesTo/$count", headers=EVENTUAL).text
        assert counted == str(len({row["id"] for row in rows}))


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, {"@odata.type", "id", "appId", "displayName"}),
        ({"applies_to_type": "never"}, {"id", "appId", "displayName"}),
        ({"applies_to_rows": "bare"}, {"@odata.type", "id"}),
        ({"applies_to_rows": "bare", "applies_to_type": "never"}, {"id"}),
    ],
)
def test_what_a_row_of_applies_to_tells_is_a_setting(sandbox, settings, names):
    sandbox.set(**settings)
    first = sandbox.call("GET", POLICIES).json()["value"][0]["id"]
    rows = sandbox.call("GET", f"{POLICIES}/{first}/appliesTo?$select=id,appId,displayName").json()["value"]
    assert {frozenset(row) for row in rows} == {frozenset(names)}


def test_expanding_stops_at_twenty_without_a_word(new_sandbox):
    sandbox = new_sandbox("--tenant", "generated", "--principals", "50", "--policies", "1", "--assignments", "21")
    (row,) = sandbox.call("GET", f"{POLICIES}?$expand=appliesTo").json()["value"]
    assert len(row["appliesTo"]) == 20
    (row,) = sandbox.call("GET", f"{POLICIES}?$expand=appliesTo&$select=id").json()["value"]
    assert (set(row), len(row["appliesTo"])) == ({"id", "appliesTo"}, 20)
    assert len(sandbox.call("GET", f"{POLICIES}/{row['id']}/appliesTo").json()["value"]) == 21


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/servicePrincipals/{NOBODY}", 404, "Request_ResourceNotFound"),
        (f"/servicePrincipals(appId='{NOBODY}')", 404, "Request_ResourceNotFound"),
        (f"{POLICIES}/{NOBODY}/appliesTo", 404, "Request_ResourceNotFound"),
        ("/servicePrincipals/no-guid", 400, "Request_BadRequest"),
        ("/users", 400, "BadRequest"),
        ("/servicePrincipals?$top=0", 400, "Request_UnsupportedQuery"),
        ("/servicePrincipals?$top=1000", 400, "Request_UnsupportedQuery"),
        ("/servicePrincipals?$filter=tags/any(t:t eq 'x')", 400, "Request_UnsupportedQuery"),
        ("/servicePrincipals?$filter=servicePrincipalNames/any(n:m eq 'x')", 400, "Request_UnsupportedQuery"),
        ("/servicePrincipals?$filter=servicePrincipalNames eq 'x'", 400, "Request_UnsupportedQuery"),
        ("/servicePrincipals?$filter=displayName/any(n:n eq 'x')", 400, "Request_UnsupportedQuery"),
        ("/servicePrincipals?$filter=identifierUris/any(n:n eq 'x')", 400, "Request_UnsupportedQuery"),
        (f"/servicePrincipals?$top={'9' * 5000}", 400, "Request_UnsupportedQuery"),
        ("/servicePrincipals?$skiptoken=x", 400, "Directory_ExpiredPageToken"),
        *(
            (
                f"{path}?$skiptoken={urlsafe_b64encode(f'sandbox:{start}'.encode()).decode()}",
                400,
                "Directory_ExpiredPageToken",
            )
            for path in ("/servicePrincipals", POLICIES)
            for start in ("-5", "9" * 30)
        ),
        ("/servicePrincipals?$filter=id in ('x') or appId in ('y')", 400, "Request_UnsupportedQuery"),
        ("/servicePrincipals?$filter=displayName in (x, 'y')", 400, "Request_UnsupportedQuery"),
        ("/servicePrincipals?$filter=displayName in ()", 400, "Request_UnsupportedQuery"),
        ("/servicePrincipals?$orderby=displayName", 400, "BadRequest"),
        ("/servicePrincipals?$top=1&$top=2", 400, "BadRequest"),
        ("/servicePrincipals?$count=yes", 400, "BadRequest"),
        ("/servicePrincipals/$count?$search=x", 400, "BadRequest"),
        (f"{POLICIES}/$count?$filter=isOrganizationDefault eq true", 400, "BadRequest"),
        (f"{POLICIES}/{NOBODY}/appliesTo/$count?$filter=id eq 'x'", 400, "BadRequest"),
        ("/organization/$count?$filter=id eq 'x'", 400, "BadRequest"),
        (f"{POLICIES}?$expand=owners", 400, "BadRequest"),
        ("/servicePrincipals?$select=id,createdDateTime", 400, "BadRequest"),  # declared for applications alone
        ("/applications?$select=displayname", 400, "BadRequest"),
        (f"{POLICIES}?$select=AccessTokenLifetime", 400, "BadRequest"),
        ("/organization?$select=nothing", 400, "BadRequest"),
        ("/$batch", 405, "Request_BadRequest"),
    ],
)
@pytest.mark.off_the_slice(
    "GET /v1.0/users",
    "GET /v1.0/servicePrincipals?$orderby=displayName",
    "GET /v1.0/servicePrincipals/$count?$search=x",
    "GET /v1.0/servicePrincipals?$filter=identifierUris/any*",
    f"GET /v1.0{POLICIES}?$expand=owners",
    f"GET /v1.0{POLICIES}/$count?$filter=*",
    f"GET /v1.0{POLICIES}/{NOBODY}/appliesTo/$count?$filter=*",
    "GET /v1.0/organization/$count?$filter=*",
    "GET /v1.0/servicePrincipals?$select=id,createdDateTime",
    "GET /v1.0/applications?$select=displayname",
    f"GET /v1.0{POLICIES}?$select=AccessTokenLifetime",
    "GET /v1.0/organization?$select=nothing",
    "GET /v1.0/$batch",
)
def test_what_cannot_be_answered_is_refused_in_graphs_words(sandbox, path, status, code):
    answer = sandbox.call("GET", path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["innerError"]["request-id"]


@pytest.mark.parametrize(
    ("path", "status"), [("/organization", 200), ("/users", 400), (f"/servicePrincipals/{NOBODY}", 404)]
)
@pytest.mark.parametrize("own", ["", "abc-1"])
@pytest.mark.off_the_slice("GET /v1.0/users")
def test_an_answer_carries_the_ids_of_its_request_and_the_date(sandbox, path, status, own):
    answers = [sandbox.call("GET", path, headers={"client-request-id": own} if own else {}) for _ in range(2)]
    assert len({answer.headers["request-id"] for answer in answers}) == 2
    for answer in answers:
        assert answer.status_code == status
        assert abs(parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()) < 60
        assert answer.headers["client-request-id"] == (own or answer.headers["request-id"])
        if status != 200:
            inner = answer.json()["error"]["innerError"]
            for name in ("request-id", "client-request-id"):
                assert inner[name] == answer.headers[name]


@pytest.mark.parametrize(
    ("path", "segment"),
    [
        ("/users", "users"),
        (f"/users/{NOBODY}/owners", "users"),
        (f"/applications/{NOBODY}/owners", "owners"),
        (f"/organization/{NOBODY}", NOBODY),
    ],
)
@pytest.mark.off_the_slice(
    "GET /v1.0/users*",
    "GET /v1.0/applications/*/owners",
    f"GET /v1.0/organization/{NOBODY}",
)
def test_what_the_sandbox_has_not_is_named(sandbox, path, segment):
    message = sandbox.call("GET", path).json()["error"]["message"]
    assert message == f"Resource not found for the segment '{segment}'."


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/beta/organization", 404),
        ("GET", "/v1.0", 404),
        ("OPTIONS", "/v1.0/organization", 405),
        ("GET", "/tenant/oauth2/v2.0/token", 405),
    ],
)
@pytest.mark.off_the_slice(
    "GET /beta/organization",
    "GET /v1.0",
    "OPTIONS /v1.0/organization",
    "GET /tenant/oauth2/v2.0/token",
)
def test_what_is_no_call_at_all_is_refused_in_json_and_logged(sandbox, method, path, status):
    answer = sandbox.control.request(method, path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
    assert answer.json()["error"]["code"].startswith("Request_")
    assert sandbox.requests() == [{"method": method, "path": path, "status": status}]


CONDITIONAL_ACCESS = "/identity/conditionalAccess/policies"


def test_conditional_access_answers_once_a_second_and_throttles_without_saying_how_long(new_sandbox):
    sandbox = new_sandbox("--tenant", "demo", "--setting", "conditional-access-interval=600")
    assert len(sandbox.call("GET", CONDITIONAL_ACCESS).raise_for_status().json()["value"]) == 5
    refused = sandbox.call("GET", CONDITIONAL_ACCESS)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "TooManyRequests")
    assert "Retry-After" not in refused.headers
    assert sandbox.call("GET", POLICIES).status_code == 200
    sandbox.set(conditional_access_interval=0)
    assert [sandbox.call("GET", CONDITIONAL_ACCESS).status_code for _ in range(3)] == [200] * 3


def test_conditional_access_is_answered_again_after_its_interval(sandbox):
    assert sandbox.first_settings["conditional_access_interval"] == 1
    sandbox.set(conditional_access_interval=2)  # two calls fit in, however busy the machine
    time.sleep(2.1)
    assert [sandbox.call("GET", CONDITIONAL_ACCESS).status_code for _ in range(2)] == [200, 429]
    time.sleep(2.1)
    assert sandbox.call("GET", CONDITIONAL_ACCESS).json()["value"] == []  # a generated tenant has none


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
@pytest.mark.off_the_slice(f"* /v1.0{CONDITIONAL_ACCESS}")
def test_conditional_access_cannot_be_written(tenant, method):
    tenant.set(permissions=["Policy.Read.All", "Application.Read.All", "Policy.ReadWrite.ConditionalAccess"])
    assert tenant.call(method, CONDITIONAL_ACCESS, json={"displayName": "Mine"}).status_code == 405


# --- permissions and tokens -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permissions", "method", "path", "status"),
    [
        ([], "GET", "/organization", 403),
        (["Policy.Read.All", "Application.Read.All"], "GET", "/organization", 403),
        (["Organization.Read.All"], "GET", "/organization", 200),
        (["Application.Read.All"], "GET", POLICIES, 403),
        (["Policy.Read.All"], "GET", POLICIES, 200),
        (["Policy.Read.All"], "GET", "/applications", 403),
        (["Application.ReadWrite.All", "Directory.Read.All"], "GET", "/identity/conditionalAccess/policies", 403),
        (["Policy.Read.All"], "GET", "/identity/conditionalAccess/policies", 200),
        (["Application.Read.All"], "GET", "/applications", 200),
        (["Policy.Read.All", "Application.Read.All"], "GET", f"{DATAVERSE}/tokenLifetimePolicies", 403),
        (["Policy.Read.All", "Application.ReadWrite.All"], "GET", f"{DATAVERSE}/tokenLifetimePolicies", 200),
        (["Policy.Read.All"], "POST", POLICIES, 403),
        (["Policy.ReadWrite.ApplicationConfiguration"], "POST", POLICIES, 201),
    ],
)
def test_a_call_takes_the_permissions_that_microsoft_lists(tenant, permissions, method, path, status):
    tenant.set(permissions=permissions, conditional_access_interval=0)
    assert tenant.call(method, path, json=policy() if method == "POST" else None).status_code == status


@pytest.mark.parametrize(("choice", "status"), [("data", 200), ("page", 403)])
def test_which_permissions_applies_to_takes_is_a_setting_where_microsoft_disagrees_with_itself(sandbox, choice, status):
    path = f"{POLICIES}/{sandbox.call('GET', POLICIES).json()['value'][0]['id']}/appliesTo"
    sandbox.set(permissions=["Policy.Read.All"], applies_to_permissions=choice)
    assert sandbox.call("GET", path).status_code == status


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer abc", "Basic abc"])
def test_no_token_no_answer(sandbox, header):
    answer = sandbox.control.get(f"{sandbox.graph}/organization", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")


def test_a_token_for_another_resource_is_refused(sandbox):
    token = sandbox.sign_in("https://management.azure.com/.default").json()["access_token"]
    answer = sandbox.control.get(f"{sandbox.graph}/organization", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert "Invalid audience" in answer.json()["error"]["message"]


def test_a_token_that_was_tampered_with_is_refused(sandbox):
    head, claims, signature = sandbox.sign_in().json()["access_token"].split(".")
    forged = f"{head}.{claims[:-2]}{'AA' if claims[-2:] != 'AA' else 'BB'}.{signature}"
    answer = sandbox.control.get(f"{sandbox.graph}/organization", headers={"Authorization": f"Bearer {forged}"})
    assert answer.status_code == 401


# --- writing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lifetime", "status"),
    [("00:09:59", 400), ("00:10:00", 201), ("23:59:59", 201), ("24:00:00", 400), ("1.00:00:00", 400), ("soon", 400)],
)
def test_a_lifetime_is_ten_minutes_to_a_day_less_a_second(tenant, lifetime, status):
    answer = tenant.call("POST", POLICIES, json=policy(lifetime))
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"]["message"] == "Property definition has an invalid value."


@pytest.mark.parametrize(
    "changed",
    [
        {"definition": []},
        {"definition": ["{'TokenLifetimePolicy':{'Version':1}}"]},
        {"definition": ['{"TokenLifetimePolicy":{}}']},
        {"definition": ["[" * 100_000]},
        {"definition": "no list"},
        {"displayName": None},
        {"isOrganizationDefault": "yes"},
        {"id": NOBODY},
    ],
)
@pytest.mark.off_the_slice(f"POST /v1.0{POLICIES}")
def test_a_policy_that_makes_no_sense_is_refused(tenant, changed):
    assert tenant.call("POST", POLICIES, json=policy(**changed)).status_code == 400


@pytest.mark.parametrize("type_", [None, "application/x-www-form-urlencoded", "application/json; charset=utf-8"])
def test_a_body_is_taken_as_json_where_it_says_so(tenant, type_):
    """curl -d says that it sends a form, unless it is told otherwise."""
    headers = {"Content-Type": type_} if type_ else {}
    answer = tenant.call("POST", POLICIES, content=json.dumps(policy()), headers=headers)
    assert answer.status_code == (201 if type_ and "json" in type_ else 400)


def test_an_update_keeps_what_it_leaves_out(tenant):
    id_ = create(tenant)
    before = tenant.call("GET", f"{POLICIES}/{id_}").json()
    answer = tenant.call("PATCH", f"{POLICIES}/{id_}", json={"displayName": "Renamed"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert tenant.call("GET", f"{POLICIES}/{id_}").json() == {**before, "displayName": "Renamed"}


@pytest.mark.parametrize("collection", ["servicePrincipals", "applications"])
@pytest.mark.parametrize("form", ["/{id}", "(appId='{appId}')"])
def test_an_object_holds_one_policy_at_most(tenant, collection, form):
    one = next(
        each
        for each in tenant.call("GET", f"/{collection}").json()["value"]
        if not tenant.call("GET", f"/{collection}/{each['id']}/tokenLifetimePolicies").json()["value"]
    )
    held = f"/{collection}{form.format(**one)}/tokenLifetimePolicies"
    first, second = create(tenant), create(tenant)
    assert tenant.call("POST", f"{held}/$ref", json=reference(first)).status_code == 204
    assert tenant.call("POST", f"{held}/$ref", json=reference(first)).status_code == 400
    refused = tenant.call("POST", f"{held}/$ref", json=reference(second))
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "Request_MultipleObjectsWithSameKeyValue")
    tenant.set(second_assignment=400)
    assert tenant.call("POST", f"{held}/$ref", json=reference(second)).status_code == 400
    assert tenant.call("DELETE", f"{held}/{second}/$ref").status_code == 404
    assert tenant.call("DELETE", f"{held}/{first}/$ref").status_code == 204
    assert tenant.call("GET", held).json()["value"] == []


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"@odata.id": f"https://x.example/users/{NOBODY}"},
        {"@odata.id": 7},
        {"@odata.id": f"https://[{POLICIES}/{NOBODY}"},
    ],
)
@pytest.mark.off_the_slice(f"POST /v1.0{DATAVERSE}/tokenLifetimePolicies/$ref")
def test_a_reference_must_name_a_policy(tenant, body):
    assert tenant.call("POST", f"{DATAVERSE}/tokenLifetimePolicies/$ref", json=body).status_code == 400


def test_a_reference_to_no_policy_is_not_found(tenant):
    answer = tenant.call("POST", f"{DATAVERSE}/tokenLifetimePolicies/$ref", json=reference(NOBODY))
    assert answer.status_code == 404


@pytest.mark.parametrize(("choice", "status", "defaults"), [("refuse", 409, 1), ("replace", 201, 1), ("allow", 201, 2)])
def test_a_second_organization_default_is_a_setting(new_sandbox, choice, status, defaults):
    sandbox = new_sandbox(*SMALL, "--permissions", "write", "--setting", f"second-default={choice}")
    create(sandbox, isOrganizationDefault=True)
    assert sandbox.call("POST", POLICIES, json=policy(isOrganizationDefault=True)).status_code == status
    listed = sandbox.call("GET", POLICIES, params={"$filter": "isOrganizationDefault eq true"}).json()["value"]
    assert len(listed) == defaults


@pytest.mark.parametrize(("choice", "status"), [("refuse", 400), ("unassign", 204)])
def test_deleting_an_assigned_policy_is_a_setting(tenant, choice, status):
    tenant.set(delete_assigned=choice)
    assigned = next(
        each["id"]
        for each in tenant.call("GET", POLICIES).json()["value"]
        if tenant.call("GET", f"{POLICIES}/{each['id']}/appliesTo").json()["value"]
    )
    assert tenant.call("DELETE", f"{POLICIES}/{assigned}").status_code == status
    assert tenant.call("GET", f"{POLICIES}/{assigned}").status_code == (200 if status == 400 else 404)


@pytest.mark.parametrize(
    ("setting", "value", "body", "status"),
    [
        ("duplicate_names", "allow", policy(), 201),
        ("duplicate_names", "refuse", policy(), 400),
        ("several_definitions", "refuse", policy(definition=policy()["definition"] * 2), 400),
        ("several_definitions", "accept", policy(definition=policy()["definition"] * 2), 201),
    ],
)
def test_what_microsoft_leaves_open_is_a_setting(tenant, setting, value, body, status):
    create(tenant)
    tenant.set(**{setting: value})
    assert tenant.call("POST", POLICIES, json=body).status_code == status


# --- time -------------------------------------------------------------------------------------------------------


def test_reads_lag_behind_writes_by_the_delay_that_is_set(tenant):
    tenant.set(read_delay=1)
    id_ = create(tenant)
    assert tenant.call("GET", f"{POLICIES}/{id_}").status_code == 404
    time.sleep(1.1)
    assert tenant.call("GET", f"{POLICIES}/{id_}").status_code == 200


# --- batches ----------------------------------------------------------------------------------------------------


def ask(sandbox: RunningSandbox, *requests: dict[str, object]) -> dict[str, dict[str, object]]:
    answer = sandbox.call("POST", "/$batch", json={"requests": requests}).raise_for_status()
    return {each["id"]: each for each in answer.json()["responses"]}


def test_each_part_of_a_batch_has_its_own_fate(sandbox):
    parts = ask(
        sandbox,
        {"id": "a", "method": "GET", "url": "/organization?$select=id"},
        {"id": "b", "method": "GET", "url": f"servicePrincipals/{NOBODY}"},
        {"id": "c", "method": "GET", "url": "/servicePrincipals/$count", "headers": EVENTUAL},
        {"id": "d", "method": "POST", "url": POLICIES, "headers": {"Content-Type": "application/json"}, "body": {}},
        {"id": "e", "method": "POST", "url": POLICIES, "body": {}},
        {"id": "f", "method": "GET", "url": "/organization", "dependsOn": ["b"]},
    )
    assert {id_: part["status"] for id_, part in parts.items()} == {
        "a": 200, "b": 404, "c": 200, "d": 403, "e": 400, "f": 424,
    }  # fmt: skip
    assert parts["a"]["body"]["value"] == [{"id": sandbox.variables["AZURE_TENANT_ID"]}]
    assert parts["c"]["body"] == 250


def test_a_dependent_part_runs_after_the_one_it_depends_on(tenant):
    named = {"headers": {"Content-Type": "application/json"}, "method": "POST", "url": POLICIES}
    parts = ask(
        tenant,
        {"id": "1", **named, "body": policy(displayName="only in a batch")},
        {"id": "2", "method": "GET", "url": f"{POLICIES}?$filter=displayName eq 'only in a batch'", "dependsOn": ["1"]},
    )
    assert [each["id"] for each in parts["2"]["body"]["value"]] == [parts["1"]["body"]["id"]]


@pytest.mark.parametrize(("parts", "status"), [(20, 200), (21, 400)])
def test_a_batch_holds_twenty(sandbox, parts, status):
    requests = [{"id": str(number), "method": "GET", "url": "/organization"} for number in range(parts)]
    answer = sandbox.call("POST", "/$batch", json={"requests": requests})
    assert answer.status_code == status


def test_the_answers_of_a_batch_come_in_another_order(sandbox):
    requests = [{"id": str(number), "method": "GET", "url": "/organization"} for number in range(20)]
    answer = sandbox.call("POST", "/$batch", json={"requests": requests}).json()
    ids = [each["id"] for each in answer["responses"]]
    assert ids != [each["id"] for each in requests]
    assert set(ids) == {each["id"] for each in requests}


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"requests": ["x"]},
        {"requests": [{"id": "1", "method": "GET"}]},
        {"requests": [{"id": "1", "method": "GET", "url": "/organization"}] * 2},
        {"requests": [{"id": "1", "method": "GET", "url": "/organization", "dependsOn": ["2"]}]},
        {"requests": [{"id": "1", "method": "GET", "url": "/organization", "dependsOn": "1"}]},
        {"requests": [{"id": "1", "method": "GET", "url": "/organization", "dependsOn": 5}]},
        {"requests": [{"id": "1", "method": "GET", "url": "/organization", "dependsOn": [{}]}]},
        {"requests": [{"id": "1", "method": "GET", "url": "/organization", "headers": ["Accept"]}]},
    ],
)
@pytest.mark.off_the_slice("POST /v1.0/$batch")
def test_a_malformed_batch_is_refused_whole(sandbox, body):
    assert sandbox.call("POST", "/$batch", json=body).status_code == 400


def test_null_in_a_batch_is_as_good_as_nothing(sandbox):
    """Clients that write out every property of an object write these so."""
    blank = {"dependsOn": None, "headers": None, "body": None}
    assert ask(sandbox, {"id": "1", "method": "GET", "url": "/organization", **blank})["1"]["status"] == 200


# --- tenants ----------------------------------------------------------------------------------------------------


def test_the_demo_tenant_is_the_one_that_travels_with_tokenguard(new_sandbox):
    sandbox = new_sandbox("--tenant", "demo")
    assert sandbox.call("GET", "/organization").json()["value"][0]["displayName"] == "Brackwater Ferries"
    principals = {row["id"]: row for row in sandbox.call("GET", "/servicePrincipals?$top=999").json()["value"]}
    applications = {row["id"]: row for row in sandbox.call("GET", "/applications?$top=999").json()["value"]}
    assert sandbox.call("GET", "/servicePrincipals/$count", headers=EVENTUAL).text == str(len(principals))
    holders = [
        row
        for each in sandbox.call("GET", POLICIES).json()["value"]
        for row in sandbox.call("GET", f"{POLICIES}/{each['id']}/appliesTo").json()["value"]
    ]
    assert holders
    assert {row["id"] for row in holders} <= {*principals, *applications}
    own = {row["appId"] for row in principals.values() if row["signInAudience"] == "AzureADMyOrg"}
    assert own <= {row["appId"] for row in applications.values()}


def test_the_same_seed_makes_the_same_tenant_and_another_one_another(new_sandbox):
    def rows(seed: str) -> list[dict[str, object]]:
        size = ("--tenant", "generated", "--principals", "40", "--assignments", "5")
        return new_sandbox(*size, "--seed", seed).call("GET", "/servicePrincipals").json()["value"]

    seven = rows("7")
    assert seven == rows("7")
    assert not {row["id"] for row in seven} & {row["id"] for row in rows("8")}


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_a_generated_tenant_hangs_together(seed):
    tenant = generated.directory(time.time, principals=500, policies=5, assignments=50, seed=seed)
    principals, applications = list(tenant.principals.rows()), list(tenant.applications.rows())
    behind = {row["appId"]: row for row in principals}
    assert len(behind) == 500
    assert len({row["id"] for row in (*principals, *applications)} - set(behind)) == 550
    assert {behind[row["appId"]]["servicePrincipalType"] for row in applications} == {"Application"}
    assert "ManagedIdentity" in {row["servicePrincipalType"] for row in principals}
    assert all(tenant.holder(holder) for holder in tenant.history.latest().assignments)

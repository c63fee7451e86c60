"""What can be made to go wrong in the sandbox, as a client meets it."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import httpx
import pytest

POLICIES = "/policies/tokenLifetimePolicies"


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503, 504])
def test_a_status_is_answered_so_often_and_then_no_more(sandbox, status):
    sandbox.fail(f"GET /policies/*={status},times=2,after=1")
    statuses = [sandbox.call("GET", POLICIES).status_code for _ in range(5)]
    assert statuses == [200, status, status, 200, 200]
    assert sandbox.call("GET", "/organization").status_code == 200


def test_a_star_alone_stands_for_other_characters(sandbox):
    sandbox.fail("GET /servicePrincipals(appId='[0-9]*')=503", "GET /servicePrincipals(*=404")
    assert sandbox.call("GET", "/servicePrincipals(appId='00000007-0000-0000-c000-000000000000')").status_code == 404


def test_a_fault_without_a_number_lasts_until_it_is_mended(sandbox):
    sandbox.fail("* /organization=503")
    assert {sandbox.call("GET", "/organization").status_code for _ in range(5)} == {503}
    sandbox.mend()
    assert sandbox.call("GET", "/organization").status_code == 200


def test_retry_after_in_seconds_as_a_date_and_not_at_all(sandbox):
    sandbox.fail("GET /organization=429,retry-after=600,times=1", "GET /organization=429,retry-after=date:90,times=2")
    assert sandbox.call("GET", "/organization").headers["Retry-After"] == "600"
    moment = parsedate_to_datetime(sandbox.call("GET", "/organization").headers["Retry-After"])
    assert 80 < moment.timestamp() - time.time() < 91
    sandbox.mend()
    sandbox.fail("GET /organization=429")
    assert "Retry-After" not in sandbox.call("GET", "/organization").headers


@pytest.mark.parametrize("action", ["reset", "cut", "lost", "hang,seconds=0"])
def test_a_broken_connection_is_a_transport_error(sandbox, action):
    sandbox.fail(f"GET {POLICIES}={action},times=1")
    with pytest.raises(httpx.TransportError):
        sandbox.call("GET", POLICIES)
    assert sandbox.call("GET", POLICIES).status_code == 200


@pytest.mark.off_the_slice(f"PATCH /v1.0{POLICIES}/*")
def test_a_write_that_hangs_is_reset_too(sandbox):
    sandbox.fail("PATCH /policies/tokenLifetimePolicies/*=hang,seconds=0.2")
    with pytest.raises(httpx.RemoteProtocolError):
        sandbox.call("PATCH", f"/policies/tokenLifetimePolicies/{'0' * 8}-0000-4000-8000-{'0' * 12}", json={"a": 1})
    assert sandbox.requests()[-1]["status"] == 0


def test_a_call_that_hangs_runs_into_the_clients_timeout(sandbox):
    sandbox.fail("GET /organization=hang")
    with pytest.raises(httpx.ReadTimeout):
        sandbox.call("GET", "/organization", timeout=0.3)


def test_a_slow_answer_is_right(sandbox):
    sandbox.fail("GET /organization=slow,seconds=0.3")
    before = time.monotonic()
    assert sandbox.call("GET", "/organization").json()["value"]
    assert time.monotonic() - before >= 0.3


@pytest.mark.parametrize("action", ["half", "html"])
def test_a_body_that_is_no_json(sandbox, action):
    sandbox.fail(f"GET {POLICIES}={action}")
    answer = sandbox.call("GET", POLICIES)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()


def test_links_that_lead_round_in_a_circle_or_to_a_stranger(sandbox):
    sandbox.fail("GET /servicePrincipals=loop")
    body = sandbox.call("GET", "/servicePrincipals?$top=5").json()
    assert sandbox.call("GET", body["@odata.nextLink"]).json() == body
    filtered = sandbox.call(
        "GET", "/servicePrincipals", params={"$filter": "displayName eq 'Bed & breakfast #1'"}
    ).json()
    assert sandbox.call("GET", filtered["@odata.nextLink"]).json() == filtered
    sandbox.mend()
    sandbox.fail("GET /servicePrincipals=foreign")
    link = sandbox.call("GET", "/servicePrincipals?$top=5").json()["@odata.nextLink"]
    assert not link.startswith(sandbox.url)


def test_an_empty_page_has_a_link_to_the_rows(sandbox):
    first = sandbox.call("GET", "/servicePrincipals?$top=5&$select=id").json()["@odata.nextLink"]
    sandbox.fail("GET /servicePrincipals=empty,times=2")
    body = sandbox.call("GET", first).json()
    assert body["value"] == []
    again = sandbox.call("GET", body["@odata.nextLink"]).json()
    assert again["value"] == []
    links = {first, body["@odata.nextLink"], again["@odata.nextLink"]}
    assert len(links) == 3  # no circle
    body = again
    assert len(sandbox.call("GET", body["@odata.nextLink"]).json()["value"]) == 5


@pytest.mark.parametrize(
    ("action", "kept", "linked"),
    [
        ("last", [0, 1, 2, 3, 4], False),
        ("none", [], False),
        ("gap", [0, 1, 3, 4], True),
        ("twice", [0, 1, 2, 3, 0], True),
    ],
)
def test_pages_that_look_sound_and_lack_rows(sandbox, action, kept, linked):
    whole = sandbox.call("GET", "/servicePrincipals?$top=5").json()
    sandbox.fail(f"GET /servicePrincipals={action},times=1")
    cut = sandbox.call("GET", "/servicePrincipals?$top=5").json()
    assert cut["value"] == [whole["value"][place] for place in kept]
    assert ("@odata.nextLink" in cut) is linked
    assert sandbox.call("GET", "/servicePrincipals?$top=5").json() == whole


@pytest.mark.parametrize("value", ["7", "-3", "many"])
def test_a_count_that_is_another_number_or_none(sandbox, value):
    sandbox.fail(f"GET /servicePrincipals/$count=number,value={value}")
    headers = {"ConsistencyLevel": "eventual"}
    assert sandbox.call("GET", "/servicePrincipals/$count", headers=headers).text == value
    part = {"id": "1", "method": "GET", "url": "/servicePrincipals/$count", "headers": headers}
    (response,) = sandbox.call("POST", "/$batch", json={"requests": [part]}).json()["responses"]
    assert str(response["body"]) == value


def test_the_count_of_policies_may_be_refused(sandbox):
    assert sandbox.call("GET", f"{POLICIES}/$count").text == "3"
    sandbox.set(policy_count="refuse")
    assert sandbox.call("GET", f"{POLICIES}/$count").status_code == 400


def test_parts_of_a_batch_are_throttled_or_withheld_one_by_one(sandbox):
    sandbox.fail("GET /organization=429,retry-after=1,only=batch,times=1", "GET /servicePrincipals=missing")
    requests = [
        {"id": str(number), "method": "GET", "url": url}
        for number, url in enumerate(["/organization", "/organization", "/servicePrincipals", POLICIES])
    ]
    responses = sandbox.call("POST", "/$batch", json={"requests": requests}).json()["responses"]
    parts = {each["id"]: each for each in responses}
    assert {id_: part["status"] for id_, part in parts.items()} == {"0": 429, "1": 200, "3": 200}
    assert parts["0"]["headers"]["Retry-After"] == "1"
    (batch,) = [each for each in sandbox.requests() if each["path"] == "/$batch"]
    assert [part["status"] for part in batch["parts"]] == [429, 200, 200, 200]


@pytest.mark.parametrize(("action", "challenged"), [("expired", False), ("challenge", True)])
def test_a_token_is_refused_from_then_on_and_a_new_one_taken(sandbox, action, challenged):
    token = sandbox.sign_in().json()["access_token"]

    def ask(token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return sandbox.control.get(f"{sandbox.graph}/organization", headers=headers)

    assert ask(token).status_code == 200
    sandbox.fail(f"GET /organization={action},times=1")
    refused = ask(token)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    assert ('error="insufficient_claims"' in refused.headers.get("WWW-Authenticate", "")) == challenged
    assert ask(token).status_code == 401
    assert ask(sandbox.sign_in().json()["access_token"]).status_code == 200


def test_the_token_service_fails_like_any_other_path(sandbox):
    sandbox.fail("POST /*/oauth2/v2.0/token=503,times=1")
    assert sandbox.sign_in().status_code == 503
    assert sandbox.sign_in().status_code == 200


def write(sandbox, name: str) -> httpx.Response:
    definition = '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"02:00:00"}}'
    return sandbox.call("POST", POLICIES, json={"definition": [definition], "displayName": name})


def names(sandbox) -> set[str]:
    return {each["displayName"] for each in sandbox.call("GET", POLICIES).json()["value"]}


def test_a_write_whose_answer_is_lost_was_carried_out(sandbox):
    sandbox.set(permissions="write")
    sandbox.fail("POST /policies/*=lost,times=1")
    with pytest.raises(httpx.TransportError):
        write(sandbox, "lost")
    assert "lost" in names(sandbox)


def test_a_late_write_is_answered_at_once_and_seen_later(sandbox):
    sandbox.set(permissions="write")
    sandbox.fail("POST /policies/*=late,seconds=2,times=1")
    assert write(sandbox, "late").status_code == 201
    assert write(sandbox, "after it").status_code == 201
    assert not {"late", "after it"} & names(sandbox)
    time.sleep(2.1)
    assert {"late", "after it"} <= names(sandbox)


def test_the_log_names_every_request_with_its_query(sandbox):
    sandbox.call("GET", "/servicePrincipals?$top=3")
    token, listed = sandbox.requests()
    assert token["path"].endswith("/oauth2/v2.0/token")
    assert token["at"] < listed.pop("at")
    assert listed == {"method": "GET", "path": "/servicePrincipals?$top=3", "status": 200}
    assert sandbox.variables["AZURE_CLIENT_SECRET"] not in str(sandbox.requests())


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_the_control_paths_take_the_control_token_alone(sandbox, method):
    for path in ("requests", "faults", "settings"):
        answer = sandbox.control.request(method, f"/sandbox/{path}", headers={"Authorization": "Bearer guess"})
        assert answer.status_code in (401, 405)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"faults": ["GET policies=403"]}),
        ("faults", {"faults": ["GET /policies=418"]}),
        ("faults", {"faults": ["GET /policies=403,often=2"]}),
        ("faults", {"faults": ["GET /v1.0/policies/*=403"]}),
        ("faults", {"faults": ["GET /policies?$top=1=403"]}),
        ("faults", {"faults": ["GET /policies=403,times=two"]}),
        ("faults", {"faults": ["GET /policies=403,times=-1"]}),
        ("faults", {"faults": ["GET /policies=403,after=-1"]}),
        ("faults", {"faults": ["GET /policies=slow,seconds=nan"]}),
        ("faults", {"faults": ["GET /policies=slow,seconds=-1"]}),
        ("faults", {"faults": ["GET /policies=429,retry-after=date:99999999999"]}),
        ("faults", {"faults": ["GET /policies=403,only=sometimes"]}),
        ("faults", {"faults": ["GET /policies=403,retry-after=soon"]}),
        ("faults", {"faults": ["GET /policies=403,seconds=2"]}),
        ("faults", {"faults": ["GET /policies=slow,retry-after=2"]}),
        ("faults", {"faults": ["GET /policies=slow,value=2"]}),
        ("faults", {"faults": ["GET /policies=number,value=2 3"]}),
        ("faults", {"faults": ["GET /policies=403,times=1,times=2"]}),
        ("faults", {"faults": ["GET /policies=reset,only=batch"]}),
        ("faults", {"faults": ["GET /policies=missing,only=alone"]}),
        ("faults", {"fault": "GET /policies=403"}),
        ("faults", []),
        ("settings", {"colour": "blue"}),
        ("settings", {"precedence": "newest"}),
        ("settings", {"propagation": -1}),
        ("settings", {"propagation": "nan"}),
        ("settings", {"policy-page-size": 10**20}),
        ("settings", {"default-lifetime": 10**20}),
        ("settings", {"permissions": 5}),
        ("settings", {"permissions": None}),
        ("settings", {"permissions": [1]}),
        ("settings", {"permissions": {"Policy.Read.All": True}}),
        ("settings", ["cae"]),
    ],
)
def test_a_fault_or_setting_that_does_not_exist_is_refused_with_a_reason(sandbox, path, body):
    answer = sandbox.control.request("POST" if path == "faults" else "PATCH", f"/sandbox/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]

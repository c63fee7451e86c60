"""Reading a live tenant with the unmodified SDK, over sockets: pages, batches, and what they cost."""

import pytest

from live import NAMES, POLICIES, PRINCIPALS, failures, graph_requests, live, quiet_sdk
from tokenguard.entra.asking import ask_holders, ask_objects, ask_organization, ask_policies

pytestmark = quiet_sdk


def test_a_collection_is_read_page_by_page(sandbox):
    with live(sandbox) as source:
        rows = list(source.rows(PRINCIPALS))
    assert len({row["id"] for row in rows}) == len(rows) == 250
    assert graph_requests(sandbox) == ["GET /servicePrincipals 200"] * 3


def test_an_empty_page_is_not_the_end(sandbox):
    sandbox.fail("GET /servicePrincipals=empty,after=1,times=1")
    with live(sandbox) as source:
        assert len(list(source.rows(PRINCIPALS))) == 250


def test_reading_stops_where_the_reader_stops(sandbox):
    with live(sandbox) as source:
        next(source.rows(PRINCIPALS))
        rows = source.rows(PRINCIPALS)
        next(rows)
        rows.close()
        assert len(list(source.rows(POLICIES))) == 3
    assert len(graph_requests(sandbox)) == 3


@pytest.mark.parametrize("batch_count", ["number", "base64"])
def test_independent_calls_are_answered_each_in_its_own_way(sandbox, batch_count):
    sandbox.set(batch_count=batch_count)
    with live(sandbox) as source:
        known = next(source.rows(PRINCIPALS))
        calls = {
            "count": "/servicePrincipals/$count",
            "organization": "/organization",
            "by id": f"/servicePrincipals/{known['id']}?{NAMES}",
            "by appId": f"/servicePrincipals(appId='{known['appId']}')?{NAMES}",
            "unknown": f"/applications/00000000-0000-4000-8000-000000000000?{NAMES}",
        }
        answers = dict(source.answers(list(calls.values())))
    assert answers[calls["count"]] == 250
    assert [row["displayName"] for row in answers[calls["organization"]]["value"]] == ["Sandbox 1"]
    assert answers[calls["by id"]]["appId"] == answers[calls["by appId"]]["appId"] == known["appId"]
    assert answers[calls["unknown"]].status == 404
    assert graph_requests(sandbox)[1:] == ["POST /$batch 200"]


def test_a_part_with_further_pages_is_followed_to_its_end(sandbox):
    with live(sandbox) as source:
        whole = dict(source.answers([f"{POLICIES}/{row['id']}/appliesTo" for row in source.rows(POLICIES)]))
        sandbox.set(policy_page_size=4)
        paged = dict(source.answers(list(whole)))
    assert sum(len(answer["value"]) for answer in whole.values()) == 30
    assert paged == whole


def test_a_count_needs_eventual_consistency_alone_and_on_every_page(sandbox):
    with live(sandbox) as source:
        assert len(list(source.rows(f"/servicePrincipals?{NAMES}&$count=true&$top=100"))) == 250


@pytest.mark.off_the_slice("GET /v1.0/policiesOfAPlugin", "GET /v1.0/policiesOfAPlugin?$top=1")
def test_a_path_that_the_sdk_has_no_builder_for_is_asked_all_the_same(sandbox):
    with live(sandbox) as source:
        ((_, answer),) = source.answers(["/policiesOfAPlugin"])
        (row,) = source.rows("/policiesOfAPlugin?$top=1")
    assert "Resource not found for the segment" in answer.reason
    assert "Resource not found for the segment" in row.reason
    assert graph_requests(sandbox) == ["POST /$batch 200", "GET /policiesOfAPlugin 400"]


@pytest.mark.off_the_slice("GET /v1.0/identity/conditionalAccess/policies/*")
def test_conditional_access_is_kept_out_of_batches_and_to_its_pace(sandbox):
    calls = [f"/identity/conditionalAccess/policies/{number}" for number in range(3)]
    with live(sandbox) as source:
        assert len(list(source.answers(calls))) == 3
    assert [request.rpartition(" ")[0] for request in graph_requests(sandbox)] == [f"GET {call}" for call in calls]


def test_every_request_is_told_of_without_what_it_carries(sandbox):
    said = []
    with live(sandbox, said) as source:
        list(source.rows(POLICIES))
        list(source.answers(["/organization", "/servicePrincipals/$count"]))
    assert said == ["GET /policies/tokenLifetimePolicies: 200", "POST /$batch of 2: 200"]


def test_the_cost_follows_what_is_configured(new_sandbox):
    tenant = ("--tenant", "generated", "--principals", "2000", "--policies", "20", "--assignments", "200")
    sandbox = new_sandbox(*tenant)
    sandbox.forget()
    with live(sandbox) as source:
        policies, failure = ask_policies(source)
        holders, said = ask_holders(source, policies)
        bare = {id_: {"id": id_, "@odata.type": row["@odata.type"]} for id_, row in said.items()}
        objects, gone = ask_objects(source, bare)
        organization, counts = ask_organization(source, ["servicePrincipal", "tokenLifetimePolicy"])
    assert (len(policies), failure, len(objects), len(gone)) == (20, None, 200, 0)
    assert counts == {"servicePrincipal": 2000, "tokenLifetimePolicy": 20}
    assert organization["displayName"]
    assert not failures(holders.values())
    requests = graph_requests(sandbox)
    assert requests.count("POST /$batch 200") == len(requests) - 1
    assert len(requests) == 1 + 20 / 20 + 200 / 20 + 1

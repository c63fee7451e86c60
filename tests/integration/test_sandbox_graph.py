"""The sandbox's Graph, asked over its socket with plain HTTP."""

from __future__ import annotations

POLICIES = "/policies/tokenLifetimePolicies"


def test_a_collection_comes_in_pages_whose_links_lead_to_its_end(sandbox):
    link, rows, pages = "/servicePrincipals?$top=99&$select=id,appId", [], 0
    while link:
        body = sandbox.call("GET", link).raise_for_status().json()
        rows += body["value"]
        link = body.get("@odata.nextLink")
        pages += 1
    assert pages == 3
    assert len({row["id"] for row in rows}) == 250
    assert all(set(row) == {"id", "appId"} for row in rows)

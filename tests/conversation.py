"""A conversation with the sandbox's Graph that has every operation at least once, without sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tokenguard_sandbox import demo, generated
from tokenguard_sandbox.answers import Answer, Call
from tokenguard_sandbox.batch import query_of
from tokenguard_sandbox.directory import Directory
from tokenguard_sandbox.graph import Graph
from tokenguard_sandbox.permissions import PERMISSIONS

NOW = 1_770_000_000.0
NOBODY = "11111111-1111-4111-8111-111111111111"
GRANTED = frozenset({permission for each in PERMISSIONS.values() for pair in each for permission in pair})
POLICY = {
    "definition": ['{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"05:00:00"}}'],
    "displayName": "Five hours",
}


def tenant(name: str) -> Directory:
    if name == "demo":
        return demo.directory(lambda: NOW)
    return generated.directory(lambda: NOW, principals=250, policies=5, assignments=40, seed=7)


def conversation(graph: Graph) -> Iterator[tuple[str, str, Answer]]:
    """Every operation at least once, with its answer: method, path as in the description, answer."""

    def ask(method: str, template: str, *, query: str = "", body: Any = None, **values: str) -> Answer:
        path = template
        for name, value in values.items():
            path = path.replace(f"{{{name.replace('_', '-')}}}", value)
        root = "https://localhost:1/v1.0"
        return graph.answer(Call(method, path, query_of(query), {"consistencylevel": "eventual"}, body, root, GRANTED))

    def told(method: str, template: str, **asked: Any) -> Iterator[tuple[str, str, Answer]]:
        yield method, template, ask(method, template, **asked)

    policies, one = "/policies/tokenLifetimePolicies", "/policies/tokenLifetimePolicies/{tokenLifetimePolicy-id}"
    yield from told("GET", "/organization", query="$select=id,displayName")
    yield from told("GET", "/organization")
    yield from told("GET", "/organization/$count")
    yield from told("GET", policies)
    yield from told("GET", policies, query="$top=2&$expand=appliesTo&$count=true")
    yield from told("GET", f"{policies}/$count")
    for _ in range(2):  # the second comes too soon
        yield from told("GET", "/identity/conditionalAccess/policies", query="$count=true")
    yield from told("POST", policies, body={"displayName": "no definition"})
    created = ask("POST", policies, body=POLICY)
    yield "POST", policies, created
    new = created.body["id"]
    for known in (*graph.directory.history.latest().policies, NOBODY, "no-guid"):
        yield from told("GET", one, tokenLifetimePolicy_id=known)
        yield from told("GET", f"{one}/appliesTo", tokenLifetimePolicy_id=known)
        yield from told("GET", f"{one}/appliesTo/$count", tokenLifetimePolicy_id=known)
    for collection, singular in (("/servicePrincipals", "servicePrincipal"), ("/applications", "application")):
        yield from told("GET", f"{collection}/$count")
        yield from told("GET", collection, query="$top=999&$count=true")
        yield from told("GET", collection, query="$orderby=displayName")
        names = "servicePrincipalNames" if singular == "servicePrincipal" else "identifierUris"
        yield from told("GET", collection, query=f"$filter={names}/any(n:n eq '{NOBODY}')&$select={names}")
        row = next(
            each
            for each in ask("GET", collection, query="$top=999").body["value"]
            if each["id"] not in graph.directory.history.latest().assignments
        )
        for form in (f"{collection}/{{{singular}-id}}", f"{collection}(appId='{{appId}}')"):
            value = {f"{singular}_id": row["id"], "appId": row["appId"], "tokenLifetimePolicy_id": new}
            held = f"{form}/tokenLifetimePolicies"
            link = {"@odata.id": f"https://graph.microsoft.com/v1.0{policies}/{new}"}
            yield from told("GET", form, **value)
            yield from told("GET", held, **value)
            yield from told("POST", f"{held}/$ref", body=link, **value)
            yield from told("POST", f"{held}/$ref", body=link, **value)
            yield from told("GET", held, **value)
            yield from told("DELETE", one, tokenLifetimePolicy_id=new)
            yield from told("DELETE", f"{held}/{{tokenLifetimePolicy-id}}/$ref", **value)
            yield from told("DELETE", f"{held}/{{tokenLifetimePolicy-id}}/$ref", **value)
    yield from told("PATCH", one, body={"displayName": "Renamed"}, tokenLifetimePolicy_id=new)
    yield from told("DELETE", one, tokenLifetimePolicy_id=new)

"""The tenant that travels with tokenguard, from the Graph answers that are saved there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid5

import orjson

from tokenguard_sandbox.conditional_access import demo_policies
from tokenguard_sandbox.directory import Clock, Directory, History, Objects, Row, State

_APPLIES_TO = "/appliesTo"
_ADDRESSES = {
    "84a67245-a398-4022-9435-1df483229050": ("https://payments.brackwater.example",),
    "3ceb0831-8744-4e92-ad93-36c0f9c4b930": ("https://customers.brackwater.example/api",),
    "f0d379d7-2f8c-4eb2-a70c-1cd355555e31": ("https://brackwater.example/Warehouse",),
}
"""Identifier URIs beside the usual one, by appId, on a domain of the tenant; made up, as none was saved."""
_POLICY_ROW: Row = {"deletedDateTime": None, "description": None, "isOrganizationDefault": False}


def directory(clock: Clock) -> Directory:
    """The demo tenant. It refuses to list its applications to `tokenguard scan --demo`; here they are made up."""
    answers = list(_answers())
    (organization,) = _rows(answers, "/organization")
    principals = list(_rows(answers, "/servicePrincipals"))
    policies = {row["id"]: {**_POLICY_ROW, **row} for row in _rows(answers, "/policies/tokenLifetimePolicies")}
    held = [
        (path.removesuffix(_APPLIES_TO).rpartition("/")[2], row)
        for path, body in answers
        if path.endswith(_APPLIES_TO)
        for row in body["value"]
    ]
    assignments = {row["id"]: policy for policy, row in held}
    applications = _applications(answers, [row for _, row in held], principals, organization["id"])
    return Directory(
        organization,
        Objects("servicePrincipal", [_principal(row, applications) for row in principals]),
        Objects("application", applications),
        History(State(policies, assignments), clock),
        demo_policies(),
    )


def _answers() -> Iterator[tuple[str, Any]]:
    """Every saved answer in JSON, with the path below the version root that it answers."""
    folder = files("tokenguard.entra") / "demo"
    calls: Mapping[str, str] = orjson.loads((folder / "calls.json").read_bytes())
    for name, url in sorted(calls.items()):
        yield urlsplit(url).path.removeprefix("/v1.0"), orjson.loads((folder / name).read_bytes())


def _rows(answers: Iterable[tuple[str, Any]], wanted: str) -> Iterator[Row]:
    """The rows of a collection, over all its pages; none where it was refused."""
    for path, body in answers:
        if path == wanted:
            yield from body.get("value", ())


def _applications(
    answers: Iterable[tuple[str, Any]], holders: Iterable[Row], principals: Sequence[Row], tenant_id: str
) -> list[Row]:
    """What is known of the tenant's applications, and a blank one for each of its own principals without."""
    ids = {principal["id"] for principal in principals}
    bodies = [body for path, body in answers if path.startswith("/applications/")]
    # A row of appliesTo may hold no more than an id: then the application itself was saved.
    seen = [row for row in (*holders, *bodies) if row["id"] not in ids and "appId" in row]
    known = {row["appId"]: row for row in seen}
    for principal in principals:
        if principal["appOwnerOrganizationId"] == tenant_id and principal["servicePrincipalType"] == "Application":
            known.setdefault(
                principal["appId"],
                {
                    "id": str(uuid5(UUID(tenant_id), principal["appId"])),
                    **{name: principal[name] for name in ("appId", "createdDateTime", "displayName", "signInAudience")},
                },
            )
    return [_application(row) for row in known.values()]


def _principal(row: Row, applications: Iterable[Row]) -> Row:
    """Graph v1.0 declares no createdDateTime for a service principal. It goes by the names of its application."""
    uris = [uri for each in applications if each["appId"] == row["appId"] for uri in each["identifierUris"]]
    names = {"servicePrincipalNames": [row["appId"], *uris]}
    return {name: value for name, value in (row | names).items() if name != "createdDateTime"}


def _application(row: Row) -> Row:
    blank = {
        "deletedDateTime": None,
        "createdDateTime": None,
        "identifierUris": [f"api://{row['appId']}", *_ADDRESSES.get(row["appId"], ())],
        "keyCredentials": [],
        "passwordCredentials": [],
    }
    return {**blank, **{name: value for name, value in row.items() if not name.startswith("@")}}

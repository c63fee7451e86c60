"""Microsoft Graph v1.0 as far as the sandbox speaks it: calls in, answers out, over a directory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tokenguard_sandbox import odata, writes
from tokenguard_sandbox.answers import Answer, Call, RefusedError, missing
from tokenguard_sandbox.directory import Directory, Objects, Row, State
from tokenguard_sandbox.permissions import BOTH_FOR_APPLIES_TO, CONDITIONAL_ACCESS, PERMISSIONS, allowed
from tokenguard_sandbox.routing import Handler, Routes
from tokenguard_sandbox.settings import Settings

_USUAL_PAGE = 100
_EXPANDED = 20
"""``$expand`` of a navigation property gives at most 20 rows, and no link to the rest."""
_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_LIST = ("$select", "$top", "$skiptoken", "$count", "$filter")


class Graph:
    """Answers calls for one tenant. `settings` may be replaced between calls."""

    def __init__(self, directory: Directory, settings: Settings) -> None:
        self.directory = directory
        self.settings = settings
        self._conditional_access_answered = float("-inf")
        """When Conditional Access last answered: it has a limit of its own."""

    def answer(self, call: Call, *, late: float = 0) -> Answer:
        """What Graph says; a write shows `late` seconds from now."""
        try:
            return self._answer(call, late)
        except RefusedError as error:
            return error.answer

    def _answer(self, call: Call, late: float) -> Answer:
        template, handler, values = _ROUTES.find(call.method, call.path)
        if not allowed(call.roles, self._needed(call.method, template)):
            raise RefusedError(403)
        if template == CONDITIONAL_ACCESS:
            self._take_turn()
        return handler(Asked(call, self, template, late), *values)

    def _take_turn(self) -> None:
        """Throttle a call that comes too soon; Conditional Access does so without a Retry-After.

        Source: Microsoft Graph, "service-specific throttling limits": one request a second for all apps of a tenant.
        """
        now = self.directory.history.clock()
        if now < self._conditional_access_answered + self.settings.conditional_access_interval:
            raise RefusedError(429)
        self._conditional_access_answered = now

    def _needed(self, method: str, template: str) -> Any:
        if "/appliesTo" in template and self.settings.applies_to_permissions == "page":
            return BOTH_FOR_APPLIES_TO
        return PERMISSIONS[method, template]


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that may be made, with the tenant it is made to."""

    call: Call
    graph: Graph
    template: str
    late: float

    @property
    def directory(self) -> Directory:
        return self.graph.directory

    @property
    def settings(self) -> Settings:
        return self.graph.settings

    def state(self) -> State:
        """What a read sees: the directory as it was a moment ago."""
        return self.directory.history.seen(self.settings.read_delay)

    def write(self, change: Callable[..., writes.Written], *arguments: Any) -> Answer:
        """Carry out one of `writes`, on what is true now rather than on what reads still see."""
        odata.check_options(self.call)
        written = change(self.directory.history.latest(), self.settings, *arguments)
        self.directory.history.add(written.state, self.late)
        if written.created is None:
            return Answer(204)
        context = f"{self.call.root}/$metadata#policies/tokenLifetimePolicies/$entity"
        return Answer(201, {"@odata.context": context, **written.created})


# --- the tenant -------------------------------------------------------------------------------------------------


def _organizations(asked: Asked) -> Answer:
    odata.check_options(asked.call, "$select", "$count")
    return odata.page_of(asked.call, "organization", [asked.directory.organization], _USUAL_PAGE)


def _count_organizations(asked: Asked) -> Answer:
    odata.check_options(asked.call)
    return odata.count(asked.call, 1, advanced=True)


# --- policies ---------------------------------------------------------------------------------------------------


def _list_policies(asked: Asked) -> Answer:
    odata.check_options(asked.call, *_LIST, "$expand")
    rows: Iterable[Row] = asked.state().policies.values()
    if "$filter" in asked.call.query:
        rows = odata.matching(asked.call, rows, ("id", "displayName", "isOrganizationDefault"))
    context = "policies/tokenLifetimePolicies"
    return odata.page_of(asked.call, context, _expanded(asked, rows), asked.settings.policy_page_size)


def _count_policies(asked: Asked) -> Answer:
    odata.check_options(asked.call)
    if asked.settings.policy_count == "refuse":
        raise RefusedError(400, "$count is not supported for this resource.", code="Request_UnsupportedQuery")
    return odata.count(asked.call, len(asked.state().policies), advanced=False)


def _create_policy(asked: Asked) -> Answer:
    return asked.write(writes.create, asked.call.body)


def _get_policy(asked: Asked, id_: str) -> Answer:
    odata.check_options(asked.call, "$select", "$expand")
    (row,) = _expanded(asked, [_policy(asked.state(), id_)])
    return _entity(asked, "policies/tokenLifetimePolicies", row)


def _update_policy(asked: Asked, id_: str) -> Answer:
    return asked.write(writes.update, _guid(id_), asked.call.body)


def _delete_policy(asked: Asked, id_: str) -> Answer:
    return asked.write(writes.delete, _guid(id_))


def _applies_to(asked: Asked, id_: str) -> Answer:
    odata.check_options(asked.call, "$select", "$top", "$skiptoken", "$count")
    rows = _holders(asked, _policy(asked.state(), id_)["id"])
    return odata.page_of(asked.call, "directoryObjects", rows, asked.settings.policy_page_size)


def _count_applies_to(asked: Asked, id_: str) -> Answer:
    odata.check_options(asked.call)
    state = asked.state()
    return odata.count(asked.call, len(state.holders(_policy(state, id_)["id"])), advanced=True)


def _holders(asked: Asked, policy_id: str) -> Iterator[Row]:
    for holder in asked.state().holders(policy_id):
        if found := asked.directory.holder(holder):
            kind, row = found
            told = row if asked.settings.applies_to_rows == "full" else {"id": row["id"], "deletedDateTime": None}
            typed = asked.settings.applies_to_type == "always"
            yield {"@odata.type": f"#microsoft.graph.{kind}", **told} if typed else told


def _expanded(asked: Asked, rows: Iterable[Row]) -> Iterator[Row]:
    expand = asked.call.query.get("$expand")
    if expand not in (None, "appliesTo"):
        raise RefusedError(400, f"Could not find a property named '{expand}'.", code="BadRequest")
    for row in rows:
        yield row if expand is None else {**row, "appliesTo": list(_holders(asked, row["id"]))[:_EXPANDED]}


def _policy(state: State, id_: str) -> Row:
    return state.policies.get(_guid(id_)) or missing(id_)


# --- Conditional Access -----------------------------------------------------------------------------------------


def _list_conditional_access(asked: Asked) -> Answer:
    odata.check_options(asked.call, "$select", "$top", "$skiptoken", "$count")
    rows = asked.directory.conditional_access
    return odata.page_of(asked.call, CONDITIONAL_ACCESS.strip("/"), rows, asked.settings.policy_page_size)


# --- service principals and applications ------------------------------------------------------------------------


def _list_objects(asked: Asked) -> Answer:
    odata.check_options(asked.call, *_LIST)
    objects, collection = _objects(asked)
    if "$filter" in asked.call.query:
        return odata.page_of(asked.call, collection, _matching(asked, objects), _USUAL_PAGE)
    return odata.page(asked.call, collection, objects.rows, len(objects), _USUAL_PAGE)


def _count_objects(asked: Asked) -> Answer:
    odata.check_options(asked.call, "$filter")
    objects, _ = _objects(asked)
    total = sum(1 for _ in _matching(asked, objects)) if "$filter" in asked.call.query else len(objects)
    return odata.count(asked.call, total, advanced=True)


def _matching(asked: Asked, objects: Objects) -> Iterator[Row]:
    names = "servicePrincipalNames" if objects.kind == "servicePrincipal" else "identifierUris"
    return odata.matching(asked.call, objects.rows(), ("id", "appId", "displayName", names))


def _get_object(asked: Asked, key: str) -> Answer:
    odata.check_options(asked.call, "$select")
    return _entity(asked, _objects(asked)[1], _object(asked, key))


def _list_assigned(asked: Asked, key: str) -> Answer:
    odata.check_options(asked.call, "$select")
    policy = asked.state().policy_of(_object(asked, key)["id"])
    context = "Collection(microsoft.graph.tokenLifetimePolicy)"
    return odata.page_of(asked.call, context, [policy] if policy else [], _USUAL_PAGE)


def _assign(asked: Asked, key: str) -> Answer:
    return asked.write(writes.assign, _object(asked, key)["id"], asked.call.body)


def _unassign(asked: Asked, key: str, policy_id: str) -> Answer:
    return asked.write(writes.unassign, _object(asked, key)["id"], _guid(policy_id))


def _objects(asked: Asked) -> tuple[Objects, str]:
    if asked.template.startswith("/servicePrincipals"):
        return asked.directory.principals, "servicePrincipals"
    return asked.directory.applications, "applications"


def _object(asked: Asked, key: str) -> Row:
    objects, _ = _objects(asked)
    find = objects.with_app_id if "(appId=" in asked.template else objects.with_id
    return find(_guid(key)) or missing(key)


def _entity(asked: Asked, context: str, row: Row) -> Answer:
    body = odata.selected(asked.call, context)(row)
    return Answer(200, {"@odata.context": f"{asked.call.root}/$metadata#{context}/$entity", **body})


def _guid(text: str) -> str:
    if not _GUID.fullmatch(text):
        raise RefusedError(400, f"Invalid object identifier '{text}'.")
    return text.lower()


# --- which path is which ----------------------------------------------------------------------------------------

_OF_TENANT: Mapping[tuple[str, str], Handler] = {
    ("GET", "/organization"): _organizations,
    ("GET", "/organization/$count"): _count_organizations,
    ("GET", "/policies/tokenLifetimePolicies"): _list_policies,
    ("POST", "/policies/tokenLifetimePolicies"): _create_policy,
    ("GET", "/policies/tokenLifetimePolicies/$count"): _count_policies,
    ("GET", "/policies/tokenLifetimePolicies/{tokenLifetimePolicy-id}"): _get_policy,
    ("PATCH", "/policies/tokenLifetimePolicies/{tokenLifetimePolicy-id}"): _update_policy,
    ("DELETE", "/policies/tokenLifetimePolicies/{tokenLifetimePolicy-id}"): _delete_policy,
    ("GET", "/policies/tokenLifetimePolicies/{tokenLifetimePolicy-id}/appliesTo"): _applies_to,
    ("GET", "/policies/tokenLifetimePolicies/{tokenLifetimePolicy-id}/appliesTo/$count"): _count_applies_to,
    ("GET", CONDITIONAL_ACCESS): _list_conditional_access,
}
_OF_OBJECTS: Mapping[tuple[str, str], Handler] = {
    ("GET", ""): _get_object,
    ("GET", "/tokenLifetimePolicies"): _list_assigned,
    ("POST", "/tokenLifetimePolicies/$ref"): _assign,
    ("DELETE", "/tokenLifetimePolicies/{tokenLifetimePolicy-id}/$ref"): _unassign,
}


def _operations() -> Iterator[tuple[tuple[str, str], Handler]]:
    yield from _OF_TENANT.items()
    for collection, singular in (("/servicePrincipals", "servicePrincipal"), ("/applications", "application")):
        yield ("GET", collection), _list_objects
        yield ("GET", f"{collection}/$count"), _count_objects
        for one in (f"{collection}/{{{singular}-id}}", f"{collection}(appId='{{appId}}')"):
            for (method, ending), handler in _OF_OBJECTS.items():
                yield (method, one + ending), handler


_ROUTES = Routes(_operations())

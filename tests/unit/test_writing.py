"""What a writer may send, how it is sent, what takes it back, and what an answer says of it."""

import asyncio
import json
from dataclasses import replace

import httpx
import pytest

from memory_tenant import A, B, assign, content, create, delete, unassign, update
from tokenguard.changes import Operation, Written
from tokenguard.entra.answer import Answer, Broken
from tokenguard.entra.transport import WriteRefusedError
from tokenguard.entra.writing.judging import judge
from tokenguard.entra.writing.requests import Request, request_of
from tokenguard.entra.writing.reversal import Consent, check, reverse
from tokenguard.entra.writing.transport import Permit, WriteTransport
from tokenguard.errors import UsageError

ROOT = "https://graph.example/v1.0"
POLICIES = "/policies/tokenLifetimePolicies"
HOLDER = "cccccccc-0000-4000-8000-000000000003"
HELD = f"/servicePrincipals/{HOLDER}/tokenLifetimePolicies"
EVERY = [create("five"), update(A, content("a"), content("b")), delete(A, content("a")), assign(A), unassign(A)]
CREATED = replace(create("five"), target={"policy": A})


def on_application(operation):
    return replace(operation, target={"application": operation.target["servicePrincipal"]})


# --- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "method", "path", "body"),
    [
        (create("five"), "POST", POLICIES, content("five")),
        (
            update(A, content("a"), content("b")),
            "PATCH",
            f"{POLICIES}/{A}",
            {"displayName": "b", "definition": ["b"]},
        ),
        (delete(A, content("a")), "DELETE", f"{POLICIES}/{A}", None),
        (assign(A), "POST", f"{HELD}/$ref", {"@odata.id": f"{ROOT}{POLICIES}/{A}"}),
        (unassign(A), "DELETE", f"{HELD}/{A}/$ref", None),
        (on_application(unassign(A)), "DELETE", f"/applications/{HOLDER}/tokenLifetimePolicies/{A}/$ref", None),
    ],
)
def test_each_operation_is_one_request_of_the_table(operation, method, path, body):
    request = request_of(operation, ROOT)
    assert (request.method, request.path) == (method, path)
    assert (json.loads(request.body) if request.body else None) == body
    assert request.known


def test_a_new_policy_is_sent_whole():
    assert json.loads(request_of(create("five"), ROOT).body)["isOrganizationDefault"] is False


@pytest.mark.parametrize("changed", [{"isOrganizationDefault": True}, {"displayName": "b"}, {"definition": ["c"]}])
def test_of_a_policy_only_what_changes_is_sent(changed):
    sent = request_of(update(A, content("a"), content("a", **changed)), ROOT)
    assert json.loads(sent.body) == changed


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", f"{POLICIES}/{A}"),
        ("DELETE", POLICIES),
        ("DELETE", f"{POLICIES}/new:five"),
        ("DELETE", f"{POLICIES}/{A}/../{B}"),
        ("DELETE", f"/servicePrincipals/{HOLDER}"),
        ("POST", "/applications"),
        ("PATCH", "/policies/authorizationPolicy"),
        ("POST", f"/groups/{HOLDER}/tokenLifetimePolicies/$ref"),
        ("POST", f"{HELD}/$ref?x=1"),
    ],
)
def test_nothing_else_is_in_the_table(method, path):
    assert not Request(method, path).known
    with pytest.raises(WriteRefusedError, match="no fix does that"):
        Permit().grant(Request(method, path))


def test_leave_is_for_one_request_once():
    permit, request = Permit(), Request("DELETE", f"{POLICIES}/{A}")
    with pytest.raises(WriteRefusedError, match="not planned"):
        permit.take(request)
    permit.grant(request)
    with pytest.raises(WriteRefusedError, match="not planned"):
        permit.take(Request("DELETE", f"{POLICIES}/{B}"))
    permit.grant(request)
    permit.take(request)
    with pytest.raises(WriteRefusedError, match="not planned"):
        permit.take(request)


DELETE = Request("DELETE", f"{POLICIES}/{A}")
UPDATE = Request("PATCH", f"{POLICIES}/{A}", b'{"displayName": "a"}')


def sent(permit, request, *answers, url=None):
    """What comes of sending `request`, or what is like it but goes to `url`, through the transport: one status."""
    told = []

    def answer(_request):
        status, _, challenge = answers[len(told)].partition(" ")
        told.append(status)
        return httpx.Response(int(status), headers={"WWW-Authenticate": f'Bearer claims="{challenge}"'})

    transport = WriteTransport(permit, ROOT, httpx.MockTransport(answer), None)
    made = httpx.Request(request.method, url or f"{ROOT}{request.path}", content=request.body)
    return asyncio.run(transport.handle_async_request(made))


@pytest.mark.parametrize("status", ["200", "204", "400", "403", "404", "409", "429", "500", "503"])
def test_a_write_passes_once_whatever_is_answered(status):
    permit = Permit()
    permit.grant(UPDATE)
    assert sent(permit, UPDATE, status).status_code == int(status)
    with pytest.raises(WriteRefusedError, match="not planned"):
        sent(permit, UPDATE, "204")


@pytest.mark.parametrize("then", ["204", "401", "403"])
def test_after_a_401_a_write_passes_once_more_and_no_more(then):
    permit = Permit()
    permit.grant(UPDATE)
    assert sent(permit, UPDATE, "401 challenge").headers["WWW-Authenticate"]
    assert sent(permit, UPDATE, then).status_code == int(then)
    with pytest.raises(WriteRefusedError, match="not planned"):
        sent(permit, UPDATE, "204")


def test_a_challenge_that_may_not_be_answered_is_kept_from_the_sdk():
    """It would answer, be refused here, and the run would end with a fault of ours in place of the 401."""
    permit = Permit()
    permit.grant(UPDATE, once_more=False)
    assert "WWW-Authenticate" not in sent(permit, UPDATE, "401 challenge").headers
    with pytest.raises(WriteRefusedError, match="not planned"):
        sent(permit, UPDATE, "204")


def test_a_leave_that_was_withdrawn_lets_nothing_pass():
    permit = Permit()
    permit.grant(UPDATE)
    sent(permit, UPDATE, "401 challenge")
    assert permit.withdraw()
    assert not permit.withdraw()
    with pytest.raises(WriteRefusedError, match="not planned"):
        sent(permit, UPDATE, "204")


@pytest.mark.parametrize(
    ("other", "url"),
    [
        (DELETE, None),
        (replace(UPDATE, path=f"{POLICIES}/{B}"), None),
        (replace(UPDATE, body=b'{"displayName": "b"}'), None),
        (replace(UPDATE, body=b""), None),
        (UPDATE, f"{ROOT}{UPDATE.path}?x=1"),
        (UPDATE, f"{ROOT}{POLICIES}/%61{A[1:]}"),
        (UPDATE, f"https://elsewhere.example/v1.0{UPDATE.path}"),
        (UPDATE, f"{ROOT.replace('https', 'http')}{UPDATE.path}"),
        (Request("POST", "/$batch", b'{"requests": [{"method": "PATCH", "url": "/policies"}]}'), None),
        (Request("PUT", UPDATE.path, UPDATE.body), None),
    ],
)
def test_a_leave_is_for_one_method_address_and_body(other, url):
    permit = Permit()
    permit.grant(UPDATE)
    with pytest.raises(WriteRefusedError):
        sent(permit, other, "204", url=url)


# --- consent --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", EVERY, ids=lambda each: each.kind)
def test_the_reverse_swaps_the_states_and_reversed_again_is_the_operation(operation):
    back = reverse(operation)
    assert (back.before, back.after) == (operation.after, operation.before)
    assert back.words == f"take back: {operation.words}"
    again = reverse(back)
    assert (again.kind, again.before, again.after, again.words) == (
        operation.kind, operation.before, operation.after, operation.words,
    )  # fmt: skip


def test_what_was_deleted_comes_back_under_a_name():
    assert reverse(delete(A, content("a"))).target == {"policy": f"new:{A}"}


@pytest.mark.parametrize(
    ("planned", "operation", "covered"),
    [
        (assign(A), assign(A), True),
        (assign(A), unassign(A), True),
        (assign(A), assign(B), False),
        (assign(A), on_application(assign(A)), False),
        (assign(A), delete(A, content("a")), False),
        (create("five"), create("five"), True),
        (create("five"), create("six"), False),
        (create("five"), CREATED, True),
        (create("five"), reverse(CREATED), True),
        (create("five"), replace(CREATED, target={"policy": "new:other"}), False),
        (update(A, content("a"), content("b")), update(A, content("b"), content("a")), True),
        (update(A, content("a"), content("b")), update(A, content("a"), content("c")), False),
        (update(A, content("a"), content("b")), update(B, content("a"), content("b")), False),
        (delete(A, content("a")), replace(create("a"), target={"policy": f"new:{A}"}), True),
    ],
)
def test_only_what_was_planned_is_covered_and_what_takes_it_back(planned, operation, covered):
    assert Consent([planned]).covers(operation) is covered


def test_names_may_have_become_ids_where_the_plan_has_names():
    consent = Consent([create("five"), assign("new:five"), unassign(A)])
    assert consent.covers(assign(B))
    assert not consent.covers(assign("nonsense"))
    assert consent.covers(unassign(B))
    assert not Consent([unassign(A)]).covers(unassign(B))


@pytest.mark.parametrize(
    "operation",
    [
        Operation("dropTenant", {"policy": A}, None, None, "drop it"),
        delete("../../organization", content("a")),
        assign("x/../y"),
        replace(assign(A), target={"group": HOLDER}),
    ],
)
def test_what_is_no_operation_of_entra_is_refused(operation):
    with pytest.raises(UsageError, match="nothing that a fix does"):
        check(operation)
    with pytest.raises(UsageError):
        Consent([operation])


# --- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "accepted", "again"),
    [
        (Answer(204), True, None),
        (Answer(400), False, None),
        (Answer(403), False, None),
        (Answer(409), False, None),
        (Answer(429), False, 10.0),
        (Answer(429, {"retry-after": "7"}), False, 7.0),
        (Answer(408), None, None),
        (Answer(302), None, None),
        (Answer(500), None, None),
        (Answer(503, {"retry-after": "7"}), None, 7.0),
        (Answer(503, {"retry-after": "0"}), None, None),
        (Broken("no answer"), None, None),
    ],
)
def test_only_a_refusal_says_that_nothing_was_carried_out(outcome, accepted, again):
    written = judge(assign(A), outcome)
    assert written.forbidden is (isinstance(outcome, Answer) and outcome.status == 403)
    assert (written.accepted, written.again_after) == (accepted, again)


@pytest.mark.parametrize(
    ("answer", "written"),
    [
        (Answer(201, body={"id": A.upper()}), Written(True, new_id=A)),
        (Answer(201, body={"id": "../x"}), Written(None, "201 without the id of what was created")),
        (Answer(201, body={}), Written(None, "201 without the id of what was created")),
        (Answer(201), Written(None, "201 without the id of what was created")),
    ],
)
def test_what_was_created_has_an_id_or_has_to_be_found(answer, written):
    assert judge(create("five"), answer) == written

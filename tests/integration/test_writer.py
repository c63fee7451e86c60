"""The writer of a live tenant, over sockets: reads anything, and sends what the plan holds, once, and nothing else."""

from dataclasses import replace

import orjson
import pytest
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from fixing import POLICIES
from live import quiet_sdk
from memory_tenant import content
from tokenguard.changes import Observed, Operation
from tokenguard.entra.live import LiveSource
from tokenguard.entra.transport import WriteRefusedError
from tokenguard.entra.writer import open_writer
from tokenguard.hookspecs import LiveTarget, ReadFailure

pytestmark = quiet_sdk

DEFINITION = ['{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"05:00:00"}}']
STATE = content("made by a test", definition=DEFINITION)
CREATE = Operation("createPolicy", {"policy": "new:made"}, None, STATE, "make it")


def opened(bench, *operations):
    return open_writer(LiveTarget(bench.sandbox.environment), operations)


def resolved(operation, id_):
    """`operation` on the policy that was made."""
    after = {"policy": id_} if operation.after == {"policy": "new:made"} else operation.after
    target = {kind: id_ if value == "new:made" else value for kind, value in operation.target.items()}
    return replace(operation, target=target, after=after)


def test_none_is_made_the_organization_default_beside_one_that_may_be_it(bench, monkeypatch):
    """What the sandbox takes for false, Graph may answer as null: read so just before the write."""
    made = bench.create("ours", "05:00:00")
    theirs = bench.create("theirs", "01:00:00")
    whole = LiveSource.rows

    def rows(source, call):
        return ({**row, "isOrganizationDefault": None} if row["id"] == theirs else row for row in whole(source, call))

    monkeypatch.setattr(LiveSource, "rows", rows)
    before = content("ours", definition=DEFINITION)
    update = Operation(
        "updatePolicy", {"policy": made}, before, {**before, "isOrganizationDefault": True}, "make it so"
    )
    bench.sandbox.forget()
    with opened(bench, update) as writer:
        refused = writer.write(update)
    assert (refused.accepted, bench.writes()) == (False, [])
    assert refused.reason == "policy “theirs” may be the organization default by now"
    for each in (made, theirs):
        bench.delete(each)


def test_every_operation_on_an_application_and_back(bench):
    [application, *_] = bench.sandbox.call("GET", "/applications?$top=1").json()["value"]
    assign = Operation("assign", {"application": application["id"]}, None, {"policy": "new:made"}, "assign it")
    edited = {**STATE, "description": "edited"}
    before = bench.tenant()
    with opened(
        bench, CREATE, assign, Operation("updatePolicy", {"policy": "new:made"}, STATE, edited, "edit")
    ) as writer:
        assert writer.state(CREATE) == Observed(None)
        made = writer.write(CREATE)
        assert made.accepted
        assert writer.state(CREATE) == Observed(STATE, made.new_id)
        given = resolved(assign, made.new_id)
        assert writer.state(given) == Observed(None)
        assert writer.write(given).accepted
        assert writer.state(given) == Observed({"policy": made.new_id})
        delete = resolved(writer.reverse(CREATE), made.new_id)
        held = writer.write(delete)
        assert (held.accepted, held.again_after) == (False, 2.0)
        assert application["displayName"] in held.reason or application["id"] in held.reason
        assert writer.write(writer.reverse(given)).accepted
        assert writer.write(delete).accepted
        assert writer.state(delete) == Observed(None)
    assert bench.tenant() == before


def test_a_policy_that_a_part_of_graph_does_not_know_yet_is_tried_again(bench):
    assign = Operation("assign", {"servicePrincipal": bench.principal["id"]}, None, {"policy": "new:made"}, "assign it")
    with opened(bench, CREATE, assign) as writer:
        made = writer.write(CREATE)
        bench.sandbox.fail("POST /servicePrincipals/*=404")
        assert writer.write(resolved(assign, made.new_id)).again_after == 2.0
        bench.sandbox.mend()
        assert writer.write(resolved(writer.reverse(CREATE), made.new_id)).accepted


@pytest.mark.parametrize(
    ("faults", "attempts", "writes"),
    [
        (["401"], [0.0, None], [401, 401]),
        (["401,times=1"], [0.0, "made"], [401, 201]),
        (["challenge,times=1"], ["made"], [401, 201]),
        (["challenge"], [None], [401, 401]),
        (["401,times=1", "challenge,after=1"], [0.0, None], [401, 401]),
        (["challenge,times=1", "401,after=1"], [None], [401, 401]),
    ],
)
def test_a_write_is_sent_once_more_after_a_401_and_no_more(bench, faults, attempts, writes):
    """By the SDK, which answers a challenge by itself, or by us with a new token; never by both."""
    with opened(bench, CREATE) as writer:
        bench.sandbox.fail(*(f"POST {POLICIES}={each}" for each in faults))
        for expected in attempts:
            written = writer.write(CREATE)
            assert written.accepted is (expected == "made"), written
            assert written.again_after == (None if expected == "made" else expected)
        bench.sandbox.mend()
        assert bench.writes() == [f"POST policies {status}" for status in writes]
        again = writer._client.sdk.request_adapter.send_primitive_async(info(Method.POST, POLICIES, STATE), "bytes", {})
        with pytest.raises(WriteRefusedError):
            writer._runner.run(again)
        if written.accepted:
            assert writer.write(resolved(writer.reverse(CREATE), written.new_id)).accepted


def test_a_token_that_is_refused_twice_is_not_renewed_for_ever(bench):
    with opened(bench, CREATE) as writer:
        bench.sandbox.fail(f"POST {POLICIES}=401")
        assert [writer.write(CREATE).again_after for _ in range(3)] == [0.0, None, None]
    assert bench.writes() == ["POST policies 401"] * 3


def test_two_policies_alike_are_not_taken_for_the_one_that_was_made(bench):
    made = [bench.create("made by a test", "05:00:00") for _ in range(2)]
    with opened(bench) as writer:
        seen = writer.state(CREATE)
    for id_ in made:
        bench.delete(id_)
    assert isinstance(seen, ReadFailure)
    assert "2 policies exactly like" in seen.reason


def info(method, path, body=None):
    made = RequestInformation(method, f"{{+baseurl}}{path}")
    if body is not None:
        made.set_stream_content(orjson.dumps(body), "application/json")
    return made


@pytest.mark.parametrize(
    "request_",
    [
        info(Method.POST, POLICIES, {"displayName": "new"}),
        info(Method.DELETE, f"{POLICIES}/aaaaaaaa-0000-4000-8000-000000000001"),
        info(Method.POST, "/$batch", {"requests": [{"id": "1", "method": "DELETE", "url": POLICIES}]}),
        info(Method.PATCH, "/organization/1", {}),
    ],
)
def test_whatever_goes_round_the_writer_does_not_leave(bench, request_):
    with opened(bench, CREATE) as writer:
        adapter = writer._client.sdk.request_adapter
        with pytest.raises(WriteRefusedError):
            writer._runner.run(adapter.send_primitive_async(request_, "bytes", {}))
    assert bench.writes() == []


def test_what_is_not_in_the_plan_is_not_written(bench):
    with opened(bench) as writer, pytest.raises(WriteRefusedError, match="not in the plan"):
        writer.write(CREATE)
    assert bench.writes() == []

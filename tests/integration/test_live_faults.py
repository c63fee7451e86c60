"""A live tenant that does not behave: what passes is waited out, what does not is said, nothing is lost."""

import re
import signal
import subprocess
import sys
import time

import pytest

from live import BRISK, HASTY, NAMES, POLICIES, PRINCIPALS, failures, graph_requests, live, quiet_sdk
from tokenguard.entra.asking import ask_holders, ask_objects, ask_organization, ask_policies
from tokenguard.entra.facts import NOT_HELD
from tokenguard.entra.live import open_live
from tokenguard.entra.retry import Patience
from tokenguard.hookspecs import LiveTarget, ReadFailure

pytestmark = quiet_sdk


@pytest.mark.parametrize(
    "fault",
    [
        "429,retry-after=1",
        "429,retry-after=date:1",
        "429,retry-after=0.05",
        "429",
        "500",
        "502",
        "503",
        "504",
        "reset",
        "cut",
        "half",
        "html",
        "expired",
        "challenge",
    ],
)
def test_what_passes_is_waited_out_in_the_middle_of_a_collection(sandbox, fault):
    sandbox.fail(f"GET /servicePrincipals={fault},after=1,times=1")
    with live(sandbox) as source:
        rows = list(source.rows(PRINCIPALS))
    assert not failures(rows)
    assert len({row["id"] for row in rows}) == 250
    assert len(graph_requests(sandbox)) == 4


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("401", "401"),
        ("403", "403 Authorization_RequestDenied"),
        ("404", "404"),
        ("429", "429"),
        ("500", "500"),
        ("503", "503"),
        ("reset", "no answer"),
        ("cut", "no answer"),
        ("half", "cut off"),
        ("html", "no JSON"),
        ("loop", "leads back"),
        ("foreign", "another place"),
    ],
)
def test_what_does_not_pass_ends_the_rows_with_a_failure(sandbox, fault, said):
    sandbox.fail(f"GET /servicePrincipals={fault},after=1")
    with live(sandbox, patience=HASTY) as source:
        *rows, last = source.rows(PRINCIPALS)
    assert isinstance(last, ReadFailure)
    assert said in last.reason
    assert "\n" not in last.reason
    assert not failures(rows)
    assert rows


def test_a_wait_is_announced_and_stops_every_request(sandbox):
    said = []
    sandbox.fail("POST /$batch=429,retry-after=1,times=1")
    with live(sandbox, said) as source:
        answers = dict(source.answers([f"/servicePrincipals/{n:08}-0000-4000-8000-000000000000" for n in range(100)]))
    assert len(answers) == 100
    assert any(re.match(r"waiting \d s: Graph answered 429", line) for line in said)
    assert len(graph_requests(sandbox)) == 6


@pytest.mark.parametrize("asked", ["180", "3600", "date:3600"])
def test_a_wait_beyond_the_budget_is_a_failure_at_once(sandbox, asked):
    sandbox.fail(f"GET {POLICIES}=503,retry-after={asked}")
    with live(sandbox) as source:
        (failure,) = source.rows(POLICIES)
    assert "503" in failure.reason
    assert "waits no more" in failure.reason
    assert len(graph_requests(sandbox)) == 1


@pytest.mark.parametrize("whole", [True, False])
def test_what_was_given_up_is_not_asked_again_before_its_time(sandbox, whole):
    """Alone or in a batch, whether that or its part was turned away, and on another connection of the same run too."""
    sandbox.fail(f"{'POST /$batch' if whole else 'GET /servicePrincipals/$count'}=429,retry-after=3600")
    target = LiveTarget(sandbox.environment)
    reasons = []
    for _ in range(2):
        with open_live(target, BRISK) as source:
            for _ in range(2):
                reasons.append(dict(source.answers(["/servicePrincipals/$count"]))["/servicePrincipals/$count"].reason)
                reasons += [row.reason for row in source.rows("/servicePrincipals/$count")]
    assert len(graph_requests(sandbox)) == 1
    assert all(reason.count("waits no more") == 1 for reason in reasons)
    assert len(reasons) == 8


def test_the_budget_is_one_for_the_whole_run(sandbox):
    sandbox.fail(*(f"GET {path}=429,retry-after=0.1" for path in (POLICIES, "/applications", "/servicePrincipals")))
    with live(sandbox, patience=Patience(attempts=3, asked_attempts=3, first_wait=0.01, budget=0.5)) as source:
        ends = [list(source.rows(path))[-1].reason for path in (POLICIES, "/applications", PRINCIPALS, POLICIES)]
    assert "waits no more" not in ends[0]
    assert "waits no more" in ends[-1]


def test_only_the_parts_that_were_throttled_are_asked_again(sandbox):
    with live(sandbox) as source:
        ids = [row["id"] for row in source.rows(PRINCIPALS)][:60]
        sandbox.forget()
        for id_ in ids[::20]:
            sandbox.fail(f"GET /servicePrincipals/{id_}=429,retry-after=1,times=1,only=batch")
        answers = dict(source.answers([f"/servicePrincipals/{id_}?{NAMES}" for id_ in ids]))
    assert {answer["id"] for answer in answers.values()} == set(ids)
    asked = [len(request["parts"]) for request in sandbox.requests()]
    assert asked == [20, 20, 20, 3]


@pytest.mark.parametrize("fault", ["missing", "429", "503", "504", "500"])
def test_a_part_that_got_no_answer_is_asked_again(sandbox, fault):
    sandbox.fail(f"GET /servicePrincipals/$count={fault},times=1")
    with live(sandbox) as source:
        answers = dict(source.answers(["/servicePrincipals/$count", "/organization"]))
    assert answers["/servicePrincipals/$count"] == 250
    assert not failures(answers.values())


@pytest.mark.parametrize("fault", ["missing", "429", "403", "404", "429,retry-after=3600", "loop", "foreign"])
def test_a_part_that_never_gets_an_answer_fails_alone(sandbox, fault):
    sandbox.fail(f"GET /organization={fault}")
    with live(sandbox, patience=HASTY) as source:
        answers = dict(source.answers(["/servicePrincipals/$count", "/organization"]))
    assert answers["/servicePrincipals/$count"] == 250
    assert isinstance(answers["/organization"], ReadFailure)


@pytest.mark.parametrize("fault", ["401", "403", "500", "429", "reset", "cut", "half", "html"])
def test_a_batch_that_comes_to_nothing_fails_every_part(sandbox, fault):
    sandbox.fail(f"POST /$batch={fault}")
    calls = ["/servicePrincipals/$count", "/organization"]
    with live(sandbox, patience=HASTY) as source:
        answers = dict(source.answers(calls))
    assert set(answers) == set(calls)
    assert len(failures(answers.values())) == 2


@pytest.mark.parametrize(
    ("held", "lacking"),
    [(["Policy.Read.All"], "Application.Read.All"), (["Application.Read.All"], "Policy.Read.All")],
)
def test_a_refusal_names_the_permission_that_is_missing(sandbox, held, lacking):
    sandbox.set(permissions=held)
    with live(sandbox) as source:
        assert source.permissions == tuple(held)
        alone = [row for call in (POLICIES, PRINCIPALS) for row in failures(source.rows(call))]
        parts = failures(answer for _, answer in source.answers([POLICIES, PRINCIPALS]))
    assert [(failure.status, failure.permission) for failure in alone + parts] == [(403, lacking)] * 2


def token_lifetimes(source):
    """Read what a token-lifetime scan reads; what of it could not be read."""
    policies, failure = ask_policies(source)
    holders, said = ask_holders(source, policies)
    bare = {id_: {"id": id_, "@odata.type": row["@odata.type"]} for id_, row in said.items()}
    objects, gone = ask_objects(source, bare)
    unread = [found.missing.reason for found in objects.values() if found.missing is not NOT_HELD]
    organization, counts = ask_organization(source, ["servicePrincipal"])
    return failures([failure, *holders.values(), organization, *counts.values()]) + unread + sorted(gone)


ANSWERS = ["401", "403", "404", "429", "500", "html"]
BREAKS = ["cut", "half", "reset"]
PAGES = ["loop", "foreign"]


@pytest.mark.parametrize(
    ("calls", "faults"),
    [
        (f"GET {POLICIES}", [*ANSWERS, *BREAKS, *PAGES]),
        (f"GET {POLICIES}/*/appliesTo", [*ANSWERS, *PAGES, "missing"]),
        ("GET /servicePrincipals/*-*", [*ANSWERS, "missing"]),
        ("GET /servicePrincipals/$count", [*ANSWERS, "missing"]),
        ("GET /organization", [*ANSWERS, *PAGES, "missing"]),
        ("POST /$batch", [*ANSWERS, *BREAKS]),
    ],
)
def test_whatever_breaks_in_a_collection_leaves_a_failure(sandbox, calls, faults):
    for fault in faults:
        sandbox.mend()
        sandbox.fail(f"{calls}={fault}")
        with live(sandbox, patience=HASTY) as source:
            assert token_lifetimes(source), fault


@pytest.mark.parametrize("fault", ["403", "html", "cut", "reset"])
def test_whichever_request_of_a_collection_breaks_leaves_a_failure(sandbox, fault):
    with live(sandbox, patience=HASTY) as source:
        assert not token_lifetimes(source)
        requests = len(graph_requests(sandbox))
        assert requests == 5
        for number in range(requests):
            sandbox.mend()
            sandbox.fail(f"* /*={fault},after={number},only=alone")
            assert token_lifetimes(source), number
        sandbox.mend()
        assert not token_lifetimes(source)


def test_nothing_secret_is_ever_said(sandbox, capfd):
    said = []
    sandbox.fail("GET /organization=403", "GET /applications=reset", "GET /servicePrincipals=expired,times=1")
    target = LiveTarget(sandbox.environment, progress=said.append, trace=said.append)
    with open_live(target, BRISK) as source:
        client = source._client
        token = client.signed_in.credential.get_token("https://localhost/.default", enable_cae=True).token
        for call in ("/organization", "/applications", PRINCIPALS):
            said += [row.reason for row in failures(source.rows(call))]
        said += [repr(source), repr(client), repr(client.signed_in), repr(target.auth), *capfd.readouterr()]
    everything = "\n".join(said)
    assert "403" in everything
    for secret in (sandbox.variables["AZURE_CLIENT_SECRET"], token, "eyJ", "Bearer", "uthorization:"):
        assert secret not in everything


@pytest.mark.parametrize("asked", ["rows('/applications')", "answers(['/organization'] * 50)"])
def test_ctrl_c_ends_a_read_that_hangs_at_once_and_quietly(sandbox, asked):
    sandbox.fail("GET /applications=hang", "POST /$batch=hang")
    program = f"""
import os
from tokenguard.entra.live import open_live
from tokenguard.hookspecs import LiveTarget
with open_live(LiveTarget(os.environ)) as source:
    list(source.{asked})
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, env=sandbox.environment, stderr=subprocess.PIPE, text=True) as child:
        while not any(fault["met"] for fault in sandbox._control("GET", "faults")):
            assert child.poll() is None
            time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=10)
    assert child.returncode == -signal.SIGINT
    assert said.rstrip().endswith("KeyboardInterrupt\nRead until then: nothing.")
    assert "never retrieved" not in said
    assert "destroyed" not in said

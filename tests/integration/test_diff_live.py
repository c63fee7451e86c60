"""A snapshot against the live tenant that it was taken of: what was changed since, and what can no longer be read."""

from __future__ import annotations

import json

import pytest

from command import run
from live import graph_requests

POLICIES = "/policies/tokenLifetimePolicies"
RULE = ("--select", "access-token-lifetime-too-long")


@pytest.fixture
def collected(sandbox, tmp_path):
    """The sandbox, and the folder with a snapshot of it, `old.jsonl`."""
    done = run(sandbox, "collect", "--output", "old.jsonl", "--quiet", *RULE, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    sandbox.forget()
    return tmp_path


def test_nothing_has_changed_and_nothing_more_is_read(sandbox, collected):
    done = run(sandbox, "diff", "old.jsonl", "--live", *RULE, folder=collected)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("UNCHANGED  ")
    asked = graph_requests(sandbox)
    assert len(asked) < 20
    assert not any("/applications" in each or each.startswith("GET /servicePrincipals ") for each in asked)


def test_what_was_changed_since_in_words(sandbox, collected):
    sandbox.set(permissions=["Policy.Read.All", "Application.Read.All", "Policy.ReadWrite.ApplicationConfiguration"])
    policy = sandbox.call("GET", POLICIES).json()["value"][0]
    definition = '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"23:00:00"}}'
    changed = {"displayName": "Longer than ever", "definition": [definition]}
    assert sandbox.call("PATCH", f"{POLICIES}/{policy['id']}", json=changed).status_code == 204
    try:
        done = run(sandbox, "diff", "old.jsonl", "--live", "--fail-on-new", *RULE, folder=collected)
    finally:
        back = {name: policy[name] for name in changed}
        assert sandbox.call("PATCH", f"{POLICIES}/{policy['id']}", json=back).status_code == 204

    assert done.returncode == 1
    assert "CHANGED  high access-token-lifetime-too-long" in done.stdout or "NEW  high access-token-" in done.stdout
    assert "CHANGED  policy “Longer than ever” on " in done.stdout
    assert "-> 23 h" in done.stdout


def test_what_may_no_longer_be_read_is_not_gone(sandbox, collected):
    sandbox.set(permissions=["User.Read"])

    done = run(sandbox, "diff", "old.jsonl", "--live", "--format", "json", *RULE, folder=collected)
    found = json.loads(done.stdout)

    assert done.returncode == 3
    assert (found["resources"], found["findings"]) == ([], [])
    assert (found["unchangedResources"], found["unchangedFindings"]) == (0, 0)
    assert any("not read to the end now, so nothing of it is gone" in each["reason"] for each in found["notCompared"])
    assert any("403" in each["reason"] for each in found["notCompared"])


def test_any_change_of_the_live_tenant_fails_where_that_was_asked_for(sandbox, collected):
    again = ("diff", "old.jsonl", "--live", "--fail-on-change", "--set", f"{RULE[1]}.maximum=P1D", *RULE)
    sandbox.set(permissions=["Policy.Read.All", "Application.Read.All", "Policy.ReadWrite.ApplicationConfiguration"])
    policy = sandbox.call("GET", POLICIES).json()["value"][0]
    [definition] = policy["definition"]
    spaced = json.dumps(json.loads(definition), indent=2)
    assert spaced != definition

    def after(**changed):
        assert sandbox.call("PATCH", f"{POLICIES}/{policy['id']}", json=changed).status_code == 204
        try:
            return run(sandbox, *again, folder=collected)
        finally:
            back = {name: policy[name] for name in changed}
            assert sandbox.call("PATCH", f"{POLICIES}/{policy['id']}", json=back).status_code == 204

    same, spelt, renamed = run(sandbox, *again, folder=collected), after(definition=[spaced]), after(displayName="New")
    assert (same.returncode, spelt.returncode, renamed.returncode) == (0, 0, 1), spelt.stdout
    assert spelt.stdout.startswith("UNCHANGED  ")
    assert "-> New" in renamed.stdout
    sandbox.set(permissions=["User.Read"])
    assert run(sandbox, *again, folder=collected).returncode == 3

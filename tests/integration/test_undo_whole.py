"""A plan that is safe in full can be undone in full, whatever definition there was, where Graph refuses odd ones."""

import pytest

from definitions import READABLE, UNREADABLE, lifetime, policy
from fixing import POLICIES
from live import quiet_sdk

pytestmark = quiet_sdk

MAX = {"MaxInactiveTime": "30.00:00:00"}
MORE = [
    [lifetime("08:00:00")],
    [lifetime("00:09:59")],
    [lifetime("24:00:00")],
    [policy()],
    [policy(**MAX)],
    [policy(**MAX, MaxAgeMultiFactor="until-revoked")],
    [policy(**MAX, AccessTokenLifetime="08:00:00")],
    [policy(**MAX, AccessTokenLifetime="01:00:00")],
    [policy(**MAX, AccessTokenLifetime="8:00:00")],
    [policy(MaxInactiveTime=5, AccessTokenLifetime="01:00:00")],
    [policy(MaxInactiveTime="30:00:00", AccessTokenLifetime="01:00:00")],
    [policy(MaxInactiveTime="1000.00:00:00", AccessTokenLifetime="01:00:00")],
    [policy(Novel=1, AccessTokenLifetime="08:00:00")],
    [policy(Novel=1, **MAX)],
]
DEFINITIONS = [
    strings
    for strings in (*MORE, *(strings for strings, *_ in READABLE), *(strings for strings, _ in UNREADABLE))
    if all(isinstance(string, str) and len(string) < 10_000 for string in strings)
]


@pytest.fixture
def odd(bench):
    """A policy of every definition, that others wrote when Graph took them; now it takes only documented ones."""
    bench.sandbox.set(definitions="any", several_definitions="accept")
    before = bench.tenant()
    made = []
    for number, strings in enumerate(DEFINITIONS):
        body = {"displayName": f"odd {number}", "definition": strings, "isOrganizationDefault": False}
        made.append(bench.sandbox.call("POST", POLICIES, json=body).raise_for_status().json()["id"])
    bench.sandbox.set(**bench.sandbox.first_settings)
    yield bench.tenant()
    for id_ in made:
        bench.delete(id_)
    assert bench.tenant() == before


def test_a_plan_that_is_safe_in_full_is_undone_in_full(bench, odd):
    written = ("--yes", "--wait", "0", "--max-changes", "100")
    done = bench.run("fix", "--rules", "token-lifetime", *written, "--journal", "journal.jsonl")
    assert done.status in (1, 3), done
    assert done.stdout.count("\napplied ") == 3
    assert "(unsafe)" not in done.stdout
    assert bench.tenant() != odd
    undone = bench.run("undo", "journal.jsonl", *written)
    assert undone.status == 0, undone
    assert bench.tenant() == odd


def test_what_could_not_be_undone_is_said_to_be_so_before(bench, odd):
    """With `--unsafe`: whatever undoing leaves as it is was said not to be taken back."""
    written = ("--yes", "--unsafe", "--wait", "0", "--max-changes", "100")
    done = bench.run("fix", "--rules", "token-lifetime", *written, "--journal", "journal.jsonl")
    assert done.status in (1, 3), done
    said = {
        change.splitlines()[0].split("  (")[0]
        for change in done.stdout.split("\n\n")
        if "   cannot be taken back: " in change
        for change in [change.partition(". ")[2]]
    }
    undone = bench.run("undo", "journal.jsonl", *written)
    left = {name for name, *_ in set(map(tuple, bench.tenant()[0])) ^ set(map(tuple, odd[0]))}
    assert left
    assert left <= said
    assert undone.status == 4, undone

"""`tokenguard fix` against the sandbox, over sockets: what it writes, what it refuses to, and what it says of both.

In every case: the exit status, the requests that wrote, the journal, and the whole tenant before and after.
"""

import hashlib
import json
import os
import re
import shlex
import signal
import time
from datetime import UTC, datetime, timedelta

import pytest

from fixing import APPLIED, CREATED, FIVE_HOURS, POLICIES, Bench, ordinary
from forked import killed_at
from live import quiet_sdk

pytestmark = quiet_sdk

ASSIGN = "POST /servicePrincipals/*/tokenLifetimePolicies/$ref"
UNASSIGN = "DELETE /servicePrincipals/*"
CREATE = f"POST {POLICIES}"


@pytest.fixture
def before(bench):
    """The tenant before anything is done, and an empty log."""
    tenant = bench.tenant()
    bench.sandbox.forget()
    return tenant


@pytest.fixture
def replacing(bench):
    """The application holds a policy of eight hours, so that the fix has to replace it."""
    policy = bench.create(f"eight hours {bench.principal['id']}", "08:00:00")
    bench.assign(policy)
    return policy


def unchanged(bench, before, ended, status, said):
    """Nothing was written, and it was said why."""
    assert ended.status == status, ended.stderr
    assert said in ended.stderr
    assert bench.writes() == []
    assert bench.tenant() == before
    assert not (bench.folder / "journal.jsonl").exists()


def restored(bench, before, journal="journal.jsonl"):
    """Undoing `journal` brings back the state before."""
    undone = bench.run("undo", journal, "--unsafe", "--yes", "--wait", "0")
    assert undone.status == 0, undone.stderr
    assert bench.tenant() == before


# --- as it should go ------------------------------------------------------------------------------------------------


def test_it_creates_and_assigns_and_a_second_run_changes_nothing(bench, before):
    done = bench.fix("--yes")
    assert done.status == 0, done
    assert bench.held() == FIVE_HOURS
    assert bench.lifetime() == 17999
    assert bench.writes() == CREATED
    assert bench.journal() == APPLIED
    assert "no findings left, nothing not evaluated" in done.stderr
    assert "tokenguard undo journal.jsonl" in done.stderr
    after = bench.tenant()
    assert len(after[0]) == len(before[0]) + 1

    bench.sandbox.forget()
    again = bench.fix("--yes", "--journal", "second.jsonl")
    assert again.status == 0
    assert "no changes planned" in again.stdout
    assert bench.writes() == []
    assert not (bench.folder / "second.jsonl").exists()
    assert bench.tenant() == after
    restored(bench, before)


def test_a_policy_of_the_name_is_edited_and_no_second_one_made(bench):
    bench.create(FIVE_HOURS, "08:00:00")
    before = bench.tenant()
    bench.sandbox.forget()
    done = bench.fix("--yes")
    assert done.status == 0, done
    assert bench.writes() == ["PATCH policies 204", "POST servicePrincipals 204"]
    assert bench.lifetime() == 17999
    assert [name for name, *_ in bench.tenant()[0]].count(FIVE_HOURS) == 1
    restored(bench, before)
    bench.delete(policy_of(bench, FIVE_HOURS))


def test_several_that_ask_for_one_policy_get_one_that_is_edited_once(bench, principals):
    bench.assign(bench.create(FIVE_HOURS, "08:00:00"))
    other = principals.pop()
    before = bench.tenant()
    bench.sandbox.forget()
    both = {"appId": {"enum": [bench.principal["appId"], other["appId"]]}}
    rule = bench.rule(select={"required": ["appId"], "properties": both})
    done = bench.run("fix", "--rules", str(rule), "--unsafe", "--yes", "--wait", "0", "--journal", "journal.jsonl")
    assert done.status == 0, done
    assert bench.writes() == ["PATCH policies 204", "POST servicePrincipals 204"]
    assert [holder for holder, name, _ in bench.tenant()[1] if name == FIVE_HOURS] == sorted(
        [bench.principal["id"], other["id"]]
    )
    restored(bench, before)
    policy = policy_of(bench, FIVE_HOURS)
    bench.unassign(policy)
    bench.delete(policy)


@pytest.mark.parametrize(
    ("faults", "others", "said"),
    [
        ([], 1, "of all that hold it but"),
        ([f"GET {POLICIES}/*/appliesTo=403"], 0, "403"),
        ([], 0, "2 policies are called"),
    ],
)
def test_a_policy_of_the_name_that_may_not_be_edited_is_said_and_no_second_one_made(
    bench, principals, faults, others, said
):
    made = [bench.create(FIVE_HOURS, "08:00:00") for _ in range(1 if others or faults else 2)]
    held = [principals.pop() for _ in range(others)]
    link = {"@odata.id": f"{bench.sandbox.graph}{POLICIES}/{made[0]}"}
    for each in held:
        path = f"/servicePrincipals/{each['id']}/tokenLifetimePolicies/$ref"
        bench.sandbox.call("POST", path, json=link).raise_for_status()
    before = bench.tenant()
    bench.sandbox.forget()
    bench.sandbox.fail(*faults)
    done = bench.fix("--yes", "--patience", "0")
    bench.sandbox.mend()
    assert done.status == (3 if faults else 1), done
    assert said in done.stdout
    assert bench.writes() == []
    assert bench.tenant() == before
    for each in held:
        path = f"/servicePrincipals/{each['id']}/tokenLifetimePolicies/{made[0]}/$ref"
        bench.sandbox.call("DELETE", path).raise_for_status()
    for policy in made:
        bench.delete(policy)


def policy_of(bench, name):
    rows = bench.sandbox.call("GET", f"{POLICIES}?$top=999").json()["value"]
    return next(row["id"] for row in rows if row["displayName"] == name)


def test_it_says_explicitly_that_a_policy_is_no_organization_default(bench, before):
    assert bench.fix("--yes").status == 0
    [policy] = bench.sandbox.call("GET", bench.assigned).json()["value"]
    assert policy["isOrganizationDefault"] is False
    assert policy["definition"] == ['{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"05:00:00"}}']
    restored(bench, before)


def test_it_replaces_what_is_held_and_keeps_the_replaced_policy(bench, replacing, before):
    done = bench.fix("--yes")
    assert done.status == 0, done
    assert bench.held() == FIVE_HOURS
    assert bench.writes() == ["POST policies 201", "DELETE servicePrincipals 204", "POST servicePrincipals 204"]
    restored(bench, before)
    assert bench.held().startswith("eight hours")


def test_a_journal_has_a_place_of_its_own_where_none_is_named(bench, before):
    done = bench.run("fix", "--rules", str(bench.rule()), "--unsafe", "--yes", "--wait", "0")
    assert done.status == 0, done
    [journal] = (bench.folder / "tokenguard" / "journals").iterdir()
    assert journal.stat().st_mode & 0o777 == 0o600
    assert journal.parent.stat().st_mode & 0o777 == 0o700
    restored(bench, before, str(journal))


@pytest.mark.parametrize(
    ("typed", "times"), [("n\n", 1), ("\x04", 1), ("perhaps\n\n\xff\nNO\n", 4), ("yes please\n\x04", 2)]
)
def test_a_no_leaves_the_exit_status_of_a_dry_run(bench, before, typed, times):
    dry = bench.fix("--dry-run")
    asked = bench.fix(typed=typed)
    unchanged(bench, before, asked, dry.status, "Nothing was written.")
    assert dry.status == 1
    assert asked.stderr.count("1 change planned. Write it to") == times


def test_a_no_to_a_plan_that_was_agreed_to_leaves_the_exit_status_of_a_dry_run(bench, before, planned):
    assert bench.fix("--plan", "plan.json", "--dry-run").status == 1
    unchanged(bench, before, bench.fix("--plan", "plan.json", typed="n\n"), 1, "Nothing was written.")


def test_a_no_to_going_on_leaves_the_exit_status_of_a_dry_run(bench, before):
    assert bench.fix("--yes", before=killed_at(1)).status < 0
    assert bench.fix("--resume", "journal.jsonl", "--dry-run").status == 1
    for typed in ("n\n", "\x04"):
        asked = bench.fix("--resume", "journal.jsonl", typed=typed)
        assert (asked.status, bench.writes()) == (1, [])
        assert "Nothing was written." in asked.stderr
    assert bench.tenant() == before


def test_going_on_says_by_what_it_judges(bench, before):
    assert bench.fix("--yes", before=killed_at(1)).status < 0
    (bench.folder / "tokenguard.toml").write_text('[scan]\nfail-on = "critical"\n')
    for words in ("--dry-run", "--yes"):
        resumed = bench.fix("--resume", "journal.jsonl", words)
        assert resumed.status == 0
        assert resumed.stderr.count("Judged by the configuration: fail-on critical\n") == 1
    restored(bench, before)


def test_ctrl_c_is_no_answer(bench, before):
    running = bench.begin_fix(typed="")
    running.answer("[y/n]", "", then=lambda: running.kill(signal.SIGINT))
    unchanged(bench, before, running.wait(), 130, "Nothing was written.")


def test_on_a_terminal_it_asks_and_takes_yes_for_an_answer(bench, before):
    assert bench.fix(typed="y\n").status == 0
    assert bench.held() == FIVE_HOURS
    restored(bench, before)


def test_a_terminal_shows_what_is_waited_for_and_for_how_long_and_a_pipe_does_not(bench, before):
    late = f"{CREATE}=late,seconds=0.5,times=1"
    bench.sandbox.fail(late)
    shown = bench.fix("--wait", "5", typed="y\n").stderr
    assert "change 1 of 1: reading back, for up to 5 s: " in shown
    assert re.search(r"read [\d,]+ of /policies/tokenLifetimePolicies \(\d+ requests\)", shown)
    restored(bench, before)
    bench.sandbox.fail(late)
    said = bench.fix("--yes", "--wait", "5", "--journal", "second.jsonl").stderr
    assert "reading back" not in said
    assert "requests)" not in said
    restored(bench, before, "second.jsonl")


def test_what_shows_late_is_waited_for(bench, before):
    bench.sandbox.fail(f"{CREATE}=late,seconds=0.5,times=1")
    done = bench.fix("--yes", "--wait", "5")
    assert done.status == 0, done
    assert bench.writes() == CREATED
    assert bench.journal() == APPLIED
    restored(bench, before)


def test_reads_that_lag_behind_are_waited_for(bench, before):
    time.sleep(0.5)  # what earlier tests did is to be seen
    bench.sandbox.set(read_delay=0.4)
    done = bench.fix("--yes", "--wait", "5")
    assert done.status == 0, done
    assert bench.writes() == CREATED
    bench.sandbox.set(read_delay=0)
    restored(bench, before)


def test_what_never_shows_is_unconfirmed_and_can_be_resumed(bench, before):
    bench.sandbox.fail(f"{ASSIGN}=late,seconds=2,times=1")
    done = bench.fix("--yes", "--wait", "0.3")
    assert done.status == 4
    assert "reading does not show it" in done.stdout
    assert "--resume journal.jsonl" in done.stderr
    assert bench.journal()[-2:] == ["outcome unconfirmed", "end unconfirmed"]
    time.sleep(2)
    bench.sandbox.forget()
    resumed = bench.run(*_named(done.stderr), "--yes", "--wait", "0")
    assert resumed.status == 0, resumed.stderr
    assert bench.writes() == []
    assert bench.journal()[-2:] == ["outcome applied", "end applied"]
    restored(bench, before)


def _named(text):
    """The arguments of the command to go on with, as it stands in `text`."""
    return shlex.split(re.search(r"tokenguard (fix --(?:resume|plan) .*?)(?: to write \w+\.)?$", text, re.MULTILINE)[1])


def test_what_was_applied_before_and_undone_since_is_not_said_to_be_applied_again(bench, before):
    assert bench.fix("--yes").status == 0
    restored(bench, before)
    bench.sandbox.forget()
    resumed = bench.fix("--resume", "journal.jsonl", "--yes")
    assert resumed.status == 1
    assert "(before this run)" in resumed.stdout
    assert "1 finding left" in resumed.stderr
    assert bench.writes() == []
    assert bench.tenant() == before


def test_an_undo_does_not_take_what_does_not_show_yet_for_never_done(bench):
    policy = bench.create(FIVE_HOURS, "05:00:00")
    before = bench.tenant()
    bench.sandbox.fail(f"{ASSIGN}=late,seconds=2,times=1")
    assert bench.fix("--yes", "--wait", "0.3").status == 4
    bench.sandbox.forget()
    early = bench.undo("--yes")
    assert early.status == 4, early
    assert "does not show yet" in early.stdout
    assert bench.writes() == []
    time.sleep(2)
    restored(bench, before)
    bench.delete(policy)


def test_a_default_stays_while_what_it_outranks_could_not_be_shortened(new_sandbox, tmp_path):
    """Without the default, by one of the documented orders, the eight hours would come into force."""
    tenant = ("--tenant", "generated", "--principals", "20", "--policies", "0", "--assignments", "0")
    sandbox = new_sandbox(*tenant, "--propagation", "0", "--permissions", "read,write")
    bench = Bench(sandbox, tmp_path, ordinary(sandbox)[0])
    bench.assign(bench.create("eight hours", "08:00:00"))
    bench.create("everyone", "01:00:00", default=True)
    before = bench.tenant()
    bench.sandbox.forget()
    bench.sandbox.fail(f"PATCH {POLICIES}/*=403,times=1")
    selected = ("--select", "organization-default-policy", "--select", "access-token-lifetime-too-long")
    done = bench.run("fix", *selected, "--unsafe", "--yes", "--wait", "0", "--journal", "journal.jsonl")
    assert done.status == 4, done
    assert "postponed" in done.stdout
    assert "mend what failed before it, and fix again" in done.stderr
    assert bench.writes() == ["PATCH policies 403"]
    assert bench.tenant() == before

    assert bench.run("fix", *selected, "--unsafe", "--yes", "--wait", "0", "--journal", "second.jsonl").status == 0
    assert bench.writes() == ["PATCH policies 403", "PATCH policies 204", "PATCH policies 204"]
    restored(bench, before, "second.jsonl")


def test_after_a_403_on_a_write_the_rest_of_the_plan_is_not_tried(new_sandbox, tmp_path):
    tenant = ("--tenant", "generated", "--principals", "20", "--policies", "0", "--assignments", "0")
    sandbox = new_sandbox(*tenant, "--propagation", "0", "--permissions", "read,write")
    bench = Bench(sandbox, tmp_path, ordinary(sandbox)[0])
    for name in ("a", "b", "c"):
        bench.create(name, "08:00:00")
    before = bench.tenant()
    bench.sandbox.forget()
    bench.sandbox.fail(f"PATCH {POLICIES}/*=403,times=1")
    how = ("--rules", "token-lifetime", "--select", "unassigned-policy-lifetime-too-long", "--yes", "--wait", "0")
    done = bench.run("fix", *how, "--journal", "journal.jsonl")
    assert done.status == 4, done
    assert bench.writes() == ["PATCH policies 403"]
    assert bench.tenant() == before
    assert len(re.findall(r"^failed  ", done.stdout, re.MULTILINE)) == 1
    assert (
        len(re.findall(r"^postponed  .*: not tried, as an earlier write was refused: 403", done.stdout, re.MULTILINE))
        == 2
    )
    assert "There is nothing to take back." in done.stderr

    gone_on = bench.run("fix", "--resume", "journal.jsonl", "--rules", "token-lifetime", "--yes", "--wait", "0")
    assert gone_on.status == 4, "what failed stays so in this journal"
    assert bench.writes() == ["PATCH policies 403", "PATCH policies 204", "PATCH policies 204"]
    restored(bench, before)


def test_two_organization_defaults_both_cease_to_be_it_and_both_come_back(bench):
    bench.sandbox.set(second_default="allow")
    made = [bench.create(name, "02:00:00", default=True) for name in ("first default", "second default")]
    before = bench.tenant()
    bench.sandbox.forget()
    rules = ("--select", "organization-default-policy", "--unsafe", "--yes", "--wait", "0")
    done = bench.run("fix", *rules, "--journal", "journal.jsonl")
    assert done.status == 0, done
    assert bench.writes() == ["PATCH policies 204"] * 2
    assert not any(default for *_, default in bench.tenant()[0])
    restored(bench, before)
    for id_ in made:
        bench.delete(id_)


# --- somebody else --------------------------------------------------------------------------------------------------


def wait_for_fault(bench, times=1):
    """Return once the fault that was set has been met so many times."""
    until = time.monotonic() + 20
    while not any(fault["met"] >= times for fault in bench.sandbox.control.get("/sandbox/faults").json()):
        assert time.monotonic() < until, "it never came there"
        time.sleep(0.02)


def meanwhile(bench, path, edit, *arguments):
    """Fix, and `edit` between its plan and its first write: while its first look at `path` is held up."""
    bench.sandbox.fail(f"GET {path}=slow,seconds=1.5,times=1")
    running = bench.begin_fix("--yes", *arguments)
    wait_for_fault(bench)
    edit()
    bench.sandbox.forget()
    return running.wait()


def test_an_assignment_that_somebody_makes_after_the_plan_is_kept(bench):
    policy = bench.create(f"theirs {bench.principal['id']}", "08:00:00")
    done = meanwhile(bench, bench.assigned, lambda: bench.assign(policy))
    assert done.status == 1
    assert "stale" in done.stdout
    assert bench.writes() == []
    assert bench.held().startswith("theirs")
    assert bench.journal() == ["end stale"]


def test_a_policy_that_somebody_deletes_after_the_plan_stays_deleted(bench, before):
    policy = bench.create("a day", "23:00:00")
    rules = ("--rules", "token-lifetime", "--select", "unassigned-policy-lifetime-too-long", "--only", policy)
    done = meanwhile(bench, f"{POLICIES}/{policy}", lambda: bench.delete(policy), *rules)
    assert "it is gone" in done.stdout
    assert bench.writes() == []
    assert bench.tenant() == before
    assert bench.journal() == ["end stale"]
    assert done.status == 0, done


@pytest.fixture
def eight_hours(bench):
    """A policy that nothing holds, and the arguments that shorten it; deleted afterwards."""
    policy = bench.create("eight hours of nobody", "08:00:00")
    bench.sandbox.forget()
    yield policy, ("--select", "unassigned-policy-lifetime-too-long", "--only", policy, "--yes", "--wait", "0")
    bench.delete(policy)


def patch(bench, policy, **body):
    """Another administrator's change of a policy."""
    bench.sandbox.call("PATCH", f"{POLICIES}/{policy}", json=body).raise_for_status()


def test_what_is_changed_between_the_read_and_the_write_is_not_reverted_but_named(bench, eight_hours):
    policy, arguments = eight_hours
    bench.sandbox.fail(f"PATCH {POLICIES}/{policy}=slow,seconds=1.5,times=1")
    running = bench.begin("fix", *arguments, "--journal", "journal.jsonl")
    wait_for_fault(bench)
    patch(bench, policy, isOrganizationDefault=True)
    done = running.wait()
    assert "somebody else changed isOrganizationDefault in the meantime" in done.stdout
    row = bench.sandbox.call("GET", f"{POLICIES}/{policy}").json()
    assert row["isOrganizationDefault"] is True
    assert "01:30:00" in row["definition"][0]
    assert done.status == 0, done


def test_a_patch_names_only_what_the_plan_changes_and_an_undo_leaves_a_rename(bench, eight_hours):
    policy, arguments = eight_hours
    assert bench.run("fix", *arguments, "--journal", "journal.jsonl").status == 0
    patch(bench, policy, displayName="renamed by hand", description="and described")
    assert bench.undo("--yes").status == 0
    sent = [each["properties"] for each in bench.sandbox.requests() if each["method"] == "PATCH"]
    assert sent == [["definition"], ["description", "displayName"], ["definition"]]
    row = bench.sandbox.call("GET", f"{POLICIES}/{policy}").json()
    assert (row["displayName"], row["description"]) == ("renamed by hand", "and described")
    assert "08:00:00" in row["definition"][0]


def test_whom_a_change_reaches_is_looked_at_again_once_somebody_has_thought_about_it(bench, principals):
    policy = bench.create(f"long {bench.principal['id']}", "08:00:00")
    bench.assign(policy)
    other = f"/servicePrincipals/{principals.pop()['id']}/tokenLifetimePolicies"
    rules = ("--select", "access-token-lifetime-too-long", "--only", policy, "--unsafe", "--journal", "journal.jsonl")
    running = bench.begin("fix", *rules, typed="")
    link = {"@odata.id": f"{bench.sandbox.graph}{POLICIES}/{policy}"}
    running.answer(
        "[y/n]", "y\n", then=lambda: bench.sandbox.call("POST", f"{other}/$ref", json=link).raise_for_status()
    )
    done = running.wait()
    assert done.status == 2, done
    assert "would mend or reach other things now" in done.stderr
    assert not (bench.folder / "journal.jsonl").exists()
    bench.sandbox.call("DELETE", f"{other}/{policy}/$ref").raise_for_status()
    bench.unassign(policy)
    bench.delete(policy)


# --- refusals and broken connections --------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [CREATE, ASSIGN])
def test_an_answer_that_is_lost_is_not_asked_for_again(bench, before, call):
    bench.sandbox.fail(f"{call}=lost,times=1")
    done = bench.fix("--yes")
    assert done.status == 0, done
    assert len(bench.writes()) == 2
    assert "outcome unconfirmed" in bench.journal()
    assert bench.journal()[-1] == "end applied"
    restored(bench, before)


@pytest.mark.parametrize(
    ("call", "fault"), [(CREATE, "reset"), (CREATE, "half"), (CREATE, "503"), (ASSIGN, "500"), (ASSIGN, "html")]
)
def test_whatever_an_answer_is_reading_decides_whether_to_write_again(bench, before, call, fault):
    bench.sandbox.fail(f"{call}={fault},times=1")
    done = bench.fix("--yes")
    assert done.status == 0, done
    assert bench.held() == FIVE_HOURS
    assert len(bench.tenant()[0]) == len(before[0]) + 1
    assert "outcome unconfirmed" in bench.journal()
    restored(bench, before)


@pytest.mark.parametrize("fault", ["429,retry-after=1", "429,retry-after=date:1", "expired", "challenge"])
def test_what_passes_is_waited_out_on_writes(bench, before, fault):
    bench.sandbox.fail(f"{ASSIGN}={fault},times=1")
    done = bench.fix("--yes", "--wait", "3")
    assert done.status == 0, done
    assert [each for each in bench.writes() if "policies" in each] == ["POST policies 201"]
    assert bench.held() == FIVE_HOURS
    restored(bench, before)


@pytest.mark.parametrize("asked", [("retry-after=2", 2.0), ("retry-after=date:2", 1.0)])
@pytest.mark.parametrize(
    ("call", "options"),
    [
        (f"{ASSIGN}=429", ["--patience", "60"]),
        (f"{ASSIGN}=503", ["--patience", "60"]),
        (f"{ASSIGN}=503", ["--patience", "0", "--wait", "0.5"]),
        (f"{CREATE}=504", ["--patience", "0"]),
        ("GET /servicePrincipals/*/tokenLifetimePolicies=429,after=1", ["--patience", "0"]),
        ("GET /servicePrincipals/*/tokenLifetimePolicies=503,after=1", ["--patience", "60"]),
        (f"GET {POLICIES}=429,after=2", ["--patience", "0"]),
        (f"GET {POLICIES}/*/appliesTo=429,after=3", ["--patience", "0"]),
        (f"GET {POLICIES}/*/appliesTo=503", ["--patience", "60"]),
    ],
)
def test_no_request_is_repeated_before_its_retry_after_has_passed(bench, before, call, options, asked):
    """By the clock of the server, and without any tolerance; a date in whole seconds may be a second sooner."""
    header, seconds = asked
    bench.sandbox.fail(f"{call},{header},times=1")
    done = bench.fix("--yes", "--wait", "6", *options)
    asked_for: dict[tuple[str, str], float] = {}
    struck = repeated = 0
    for at, method, path, status in exchanges(bench):
        if (method, path) in asked_for:
            repeated += 1
            assert at - asked_for[method, path] >= seconds, (method, path)
            del asked_for[method, path]
        if status in (429, 503, 504):
            struck += 1
            asked_for[method, path] = at
    assert struck == 1
    if options == ["--patience", "60"]:
        assert repeated == 1
    if done.status == 0:
        restored(bench, before)
    assert bench.tenant() == before


def exchanges(bench):
    """Each call, alone or in a batch: when it arrived, method, path, status."""
    for each in bench.sandbox.requests():
        for part in each.get("parts", [each]):
            if "at" in each:
                yield each["at"], part["method"], part["path"], part["status"]


def test_throttling_beyond_our_patience_takes_back_what_was_done(bench, before):
    bench.sandbox.fail(f"{ASSIGN}=429,retry-after=100")
    done = bench.fix("--yes")
    assert done.status == 4
    assert "429" in done.stdout
    assert bench.tenant() == before
    assert bench.journal()[-3:] == ["intent deletePolicy back", "outcome applied back", "end failed"]


def test_a_refusal_of_the_second_write_of_a_replacement_puts_the_first_back(bench, replacing, before):
    bench.sandbox.fail(f"{ASSIGN}=403,times=1")
    done = bench.fix("--yes")
    assert done.status == 4
    assert "403" in done.stdout
    assert "what had been done was taken back" in done.stdout
    assert "There is nothing to take back" in done.stderr
    assert "new id" not in done.stdout, "it was deleted again"
    assert bench.held().startswith("eight hours")
    assert bench.tenant() == before
    assert bench.journal() == [
        "intent createPolicy", "outcome applied", "intent unassign", "outcome applied", "intent assign",
        "outcome failed", "intent assign back", "outcome applied back", "intent deletePolicy back",
        "outcome applied back", "end failed",
    ]  # fmt: skip


def test_a_change_that_failed_goes_before_a_tenant_that_cannot_be_judged_again(bench, before):
    # The third sign-in is refused: after those to plan and to write, it is the one to judge again.
    bench.sandbox.fail(f"{ASSIGN}=403", "POST /*/oauth2/v2.0/token=500,after=2")
    done = bench.fix("--yes")
    assert "signing in" in done.stderr
    assert done.status == 4, done
    assert bench.journal()[-1] == "end failed"
    bench.sandbox.mend()
    assert bench.tenant() == before


def test_what_cannot_be_put_back_is_said_and_can_be_undone_later(bench, replacing, before):
    bench.sandbox.fail(f"{ASSIGN}=403")
    done = bench.fix("--yes")
    assert done.status == 4
    assert "could not be taken back" in done.stdout
    assert bench.held() == ""
    bench.sandbox.mend()
    restored(bench, before)


# --- what is refused before the first write -------------------------------------------------------------------------


def test_without_a_terminal_it_takes_yes(bench, before):
    unchanged(bench, before, bench.fix(), 2, "--yes")


def test_a_dry_run_writes_nothing(bench, before):
    unchanged(bench, before, bench.fix("--dry-run", "--yes"), 1, "Nothing was written")


def test_more_changes_than_are_allowed_are_refused(bench, before):
    unchanged(bench, before, bench.fix("--yes", "--max-changes", "0"), 2, "more than --max-changes 0")


def test_one_change_of_many_objects_is_as_many(bench, principals):
    policy = bench.create(f"shared {bench.principal['id']}", "08:00:00")
    three = [bench.principal, principals.pop(), principals.pop()]
    link = {"@odata.id": f"{bench.sandbox.graph}{POLICIES}/{policy}"}
    for each in three:
        path = f"/servicePrincipals/{each['id']}/tokenLifetimePolicies/$ref"
        bench.sandbox.call("POST", path, json=link).raise_for_status()
    before = bench.tenant()
    bench.sandbox.forget()
    two = ("--only", three[0]["id"], "--only", three[1]["id"])
    rules = ("--select", "access-token-lifetime-too-long", "--unsafe", "--yes", "--wait", "0", *two)
    refused = bench.run("fix", *rules, "--max-changes", "1")
    unchanged(bench, before, refused, 2, "1 change planned of 2 objects, which is more than --max-changes 1")
    done = bench.run("fix", *rules, "--max-changes", "2", "--journal", "journal.jsonl")
    assert done.status == 1, "the third is left as it was"
    assert bench.run("undo", "journal.jsonl", "--unsafe", "--yes", "--max-changes", "2", "--wait", "0").status == 0
    assert bench.tenant() == before
    for each in three:
        path = f"/servicePrincipals/{each['id']}/tokenLifetimePolicies/{policy}/$ref"
        bench.sandbox.call("DELETE", path).raise_for_status()
    bench.delete(policy)


@pytest.mark.parametrize(
    ("held", "named"),
    [
        (["read"], "Application.ReadWrite.All and Policy.ReadWrite.ApplicationConfiguration"),
        (["read", "Policy.ReadWrite.ApplicationConfiguration"], "Application.ReadWrite.All"),
        (["read", "Application.ReadWrite.OwnedBy"], "Policy.ReadWrite.ApplicationConfiguration"),
    ],
)
def test_a_permission_that_is_missing_is_named_before_the_first_write(bench, before, held, named):
    bench.sandbox.set(permissions=held)
    unchanged(bench, before, bench.fix("--yes"), 2, f"takes {named}, which the sign-in does not have")


def test_two_runs_do_not_write_to_one_tenant_at_once(bench, before):
    bench.sandbox.fail(f"GET {bench.assigned}=slow,seconds=2,times=1")
    first = bench.begin_fix("--yes")
    wait_for_fault(bench)
    second = bench.fix("--yes", "--journal", "second.jsonl")
    assert second.status == 2
    assert "another run is writing to tenant" in second.stderr
    assert not (bench.folder / "second.jsonl").exists()
    assert first.wait().status == 0
    assert bench.writes() == CREATED
    restored(bench, before)


def test_a_journal_is_never_written_over(bench, before):
    (bench.folder / "journal.jsonl").write_text("mine")
    done = bench.fix("--yes")
    assert done.status == 2
    assert "journal.jsonl" in done.stderr
    assert bench.writes() == []
    assert bench.tenant() == before
    assert (bench.folder / "journal.jsonl").read_text() == "mine"


def test_where_no_journal_can_be_kept_nothing_is_written(bench, before):
    (bench.folder / "tokenguard" / "journals").write_text("a file where the folder of journals belongs")
    done = bench.run("fix", "--rules", str(bench.rule()), "--unsafe", "--yes")
    unchanged(bench, before, done, 2, "the folder for journals cannot be used (File exists)")


@pytest.mark.parametrize("mode", [0o777, 0o770])
@pytest.mark.parametrize("folder", ["", "tokenguard", "tokenguard/journals"])
def test_where_others_could_write_to_the_journals_nothing_is_written(bench, before, folder, mode):
    (bench.folder / "tokenguard" / "journals").mkdir(mode=0o700)
    (bench.folder / folder).chmod(mode)
    done = bench.run("fix", "--rules", str(bench.rule()), "--unsafe", "--yes")
    (bench.folder / folder).chmod(0o700)
    if folder or mode & 0o007:
        unchanged(bench, before, done, 2, f"others may write to {bench.folder / folder} (mode 0{mode:o})")
    else:
        assert done.status == 0, "the folder around it may be open to a group: Debian's umask is 002"
        [journal] = (bench.folder / "tokenguard" / "journals").iterdir()
        restored(bench, before, str(journal))


def test_a_journal_that_is_called_as_an_option_is_named_so_that_it_can_be_undone(bench, before):
    done = bench.run("fix", "--rules", str(bench.rule()), "--unsafe", "--yes", "--wait", "0", "--journal=-x.jsonl")
    assert done.status == 0, done
    assert "To take it back: tokenguard undo ./-x.jsonl --unsafe" in done.stderr
    restored(bench, before, "./-x.jsonl")


def test_a_link_in_place_of_the_lock_is_not_followed(bench, before):
    tenant = bench.sandbox.variables["AZURE_TENANT_ID"]
    (bench.folder / "tokenguard" / f"{tenant}.lock").symlink_to(bench.folder / "elsewhere")
    unchanged(bench, before, bench.fix("--yes"), 2, "cannot be locked")
    assert not (bench.folder / "elsewhere").exists()


# --- plans ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def planned(bench, before):
    """A plan in ``plan.json``; nothing written yet."""
    shown = bench.fix("--dry-run", "--out", "plan.json")
    assert shown.status == 1
    assert _named(shown.stderr) == ["fix", "--plan", "plan.json", "--rules", str(bench.rule())]
    bench.sandbox.forget()
    return bench.folder / "plan.json"


def edit(path, change):
    """Change a plan by hand, as somebody does who knows how to make its digest fit."""
    document = json.loads(path.read_text())
    change(document)
    del document["digest"]
    digest = hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    path.write_text(json.dumps({**document, "digest": digest}))


def test_a_plan_that_was_agreed_to_is_carried_out(bench, before, planned):
    done = bench.fix("--plan", "plan.json", "--yes")
    assert done.status == 0, done
    assert bench.writes() == CREATED
    assert bench.journal() == APPLIED
    restored(bench, before)


def test_a_plan_goes_before_what_the_configuration_says_is_usual(bench, before, planned):
    (bench.folder / "tokenguard.toml").write_text('[scan]\nselect = ["retired-*"]\nignore = ["dataverse-*"]\n')
    done = bench.fix("--plan", "plan.json", "--yes")
    assert done.status == 0, done
    assert "by the configuration: " not in done.stderr, "it has given way, and changed nothing"
    assert bench.journal() == APPLIED
    resumed = bench.fix("--resume", "journal.jsonl", "--yes")
    assert "no findings left" in resumed.stderr
    restored(bench, before)
    resumed = bench.fix("--resume", "journal.jsonl", "--yes")
    assert resumed.status == 1, "judged by the rules that the journal serves"


def test_what_was_said_to_plan_by_is_said_again_in_the_next_command(bench, before):
    given = ("--set", "dataverse-lifetime-not-five-hours.lifetime=PT6H", "--precedence", "classic", "--auth", "secret")
    shown = bench.fix("--dry-run", "--out", "plan.json", *given)
    done = bench.run(*_named(shown.stderr), "--yes", "--wait", "0", "--journal", "journal.jsonl")
    assert done.status == 0, done
    assert "undo journal.jsonl --unsafe --auth secret" in done.stderr
    restored(bench, before)


def _tenant(plan):
    plan["tenant"]["id"] = "99999999-0000-4000-8000-000000000000"


def _longer(plan):
    for operation in plan["changes"][0]["operations"]:
        if operation["kind"] == "createPolicy":
            operation["after"]["definition"] = [
                '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"23:00:00"}}'
            ]


def _expired(plan):
    moment = datetime.now(UTC) - timedelta(days=2)
    plan["madeAt"], plan["expiresAt"] = moment.isoformat(), (moment + timedelta(days=1)).isoformat()


def _fewer(plan):
    plan["changes"].clear()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_tenant, "the tenant was 99999999-0000-4000-8000-000000000000, and is"),
        (_longer, "would mend or reach other things now"),
        (_expired, "this plan expired at"),
        (_fewer, "not planned, and would be done now"),
    ],
)
def test_a_plan_that_is_not_what_would_be_done_now_is_refused(bench, before, planned, change, said):
    edit(planned, change)
    unchanged(bench, before, bench.fix("--plan", "plan.json", "--yes"), 2, said)


def test_a_plan_whose_digest_does_not_fit_is_refused(bench, before, planned):
    planned.write_text(planned.read_text().replace("05:00:00", "23:00:00"))
    unchanged(bench, before, bench.fix("--plan", "plan.json", "--yes"), 2, "its digest does not fit")


def test_a_plan_made_under_another_value_of_a_rule_is_refused(bench, before, planned):
    setting = "dataverse-lifetime-not-five-hours.lifetime=PT6H"
    unchanged(bench, before, bench.fix("--plan", "plan.json", "--yes", "--set", setting), 2, "nothing was written")


def test_a_plan_is_refused_when_the_tenant_has_changed_since(bench, planned):
    policy = bench.create(f"theirs {bench.principal['id']}", "08:00:00")
    bench.assign(policy)
    before = bench.tenant()
    bench.sandbox.forget()
    unchanged(bench, before, bench.fix("--plan", "plan.json", "--yes"), 2, "nothing was written")


# --- what was not read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (f"GET {POLICIES}=403", f"GET {POLICIES}: 403 Authorization_RequestDenied: Insufficient privileges"),
        (f"GET {POLICIES}=cut", f"GET {POLICIES}: no answer ("),
        (f"GET {POLICIES}=half", f"GET {POLICIES}: 200 with JSON that is cut off"),
        (f"GET {POLICIES}=html", f"GET {POLICIES}: 200 with text/html that is no JSON"),
        (f"GET {POLICIES}=503", f"GET {POLICIES}: "),
        (f"GET {POLICIES}=loop", f"GET {POLICIES}: "),
        ("GET /policies/*/appliesTo=403", "/appliesTo: 403 Authorization_RequestDenied: Insufficient privileges"),
        ("GET /servicePrincipals(appId=*=403", "403 Authorization_RequestDenied: Insufficient privileges"),
    ],
)
def test_what_was_not_read_is_said_beside_a_plan_and_in_it(bench, before, fault, said):
    bench.sandbox.fail(fault)
    select = ("--rules", str(bench.rule()), "--unsafe", "--dry-run", "--quiet")
    done = bench.run("fix", *select, "--patience", "0", "--out", "plan.json")
    assert done.status == 3, done
    assert "no changes planned" in done.stdout
    assert said in done.stdout
    assert said in done.stderr
    assert "Not evaluated, which is not compliance:" in done.stderr
    [gap] = json.loads((bench.folder / "plan.json").read_text())["notEvaluated"]
    assert said in gap["reason"]
    assert gap["rules"] == ["dataverse-lifetime-not-five-hours"]
    bench.sandbox.mend()
    assert bench.tenant() == before


def test_a_permission_that_is_missing_is_named_with_what_was_not_read(bench):
    bench.sandbox.set(permissions=["Application.Read.All", "Organization.Read.All"])
    done = bench.run("fix", "--select", "retired-token-lifetime-setting", "--dry-run", "--out", "plan.json")
    assert done.status == 3, done
    for text in (done.stdout, done.stderr):
        assert "(needs the permission Policy.Read.All)" in text
    [gap] = json.loads((bench.folder / "plan.json").read_text())["notEvaluated"]
    assert gap["permission"] == "Policy.Read.All"


def test_what_cannot_be_read_once_all_is_done_is_said_too(bench, before):
    bench.fix("--dry-run")
    asked = sum(str(each).count("/appliesTo") for each in bench.sandbox.requests())
    bench.sandbox.fail(f"GET {POLICIES}/*/appliesTo=403,after={asked}")
    done = bench.fix("--yes", "--patience", "0")
    assert "Not evaluated" not in done.stderr.partition("Journal: ")[0]
    assert "/appliesTo: 403 Authorization_RequestDenied" in done.stderr.partition("Evaluated again by ")[2]
    assert done.status == 3, done
    bench.sandbox.mend()
    restored(bench, before)


# --- interrupted ----------------------------------------------------------------------------------------------------


def test_ctrl_c_says_how_to_go_on(bench, before):
    bench.sandbox.fail(f"GET {bench.assigned}=slow,seconds=2,times=1,after=2")
    running = bench.begin_fix("--yes", "--wait", "5")
    wait_for_fault(bench, times=3)
    running.kill(signal.SIGINT)
    done = running.wait()
    assert done.status == 130
    assert "--resume journal.jsonl" in done.stderr
    bench.sandbox.mend()
    restored(bench, before)


def test_a_reader_that_goes_away_takes_the_way_back_not_with_it(bench, before):
    reader, writer = os.pipe()
    bench.sandbox.fail(f"{ASSIGN}=slow,seconds=1.5,times=1")
    running = bench.begin_fix("--yes", before=lambda: (os.close(reader), os.dup2(writer, 1)))
    os.close(writer)
    wait_for_fault(bench)
    os.close(reader)
    done = running.wait()
    assert done.status == 141, done
    assert "To take it back: tokenguard undo journal.jsonl" in done.stderr
    assert bench.journal() == APPLIED
    assert bench.held() == FIVE_HOURS
    restored(bench, before)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to another user")
def test_a_journal_of_another_user_is_not_resumed(bench):
    assert bench.fix("--yes").status == 0
    os.chown(bench.folder / "journal.jsonl", 12345, -1)
    bench.sandbox.forget()
    for command in (("fix", "--resume", "journal.jsonl"), ("undo", "journal.jsonl")):
        done = bench.run(*command, "--yes")
        assert done.status == 2
        assert "belongs to the user" in done.stderr
    assert bench.writes() == []
    assert bench.held() == FIVE_HOURS

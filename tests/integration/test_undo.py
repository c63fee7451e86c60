"""`tokenguard undo` against the sandbox, and the experiment of the article from end to end, with the built command."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from fixing import DATAVERSE, EXAMPLE, FIVE_HOURS, POLICIES
from forked import killed_at
from live import quiet_sdk
from tokenguard.changes import Change, Operation
from tokenguard.journal import Header, create_journal
from tokenguard.model import Precedence, ResourceRef, Safety, Tenant

pytestmark = quiet_sdk

NOW = datetime.now(UTC)


@pytest.fixture
def fixed(bench):
    """The tenant before a fix that replaced a policy of eight hours."""
    bench.assign(bench.create(f"eight hours {bench.principal['id']}", "08:00:00"))
    before = bench.tenant()
    done = bench.fix("--yes")
    assert done.status == 0, done
    bench.sandbox.forget()
    return before


# --- the article ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def article(new_sandbox):
    """The demo's tenant, whose Dataverse has no policy yet; what is changed shows in tokens half a second later.

    It has an organization default of one hour, which beats no policy of a service principal in the classic order.
    """
    sandbox = new_sandbox(
        "--tenant", "demo", "--propagation", "0.5", "--permissions", "read,write", "--setting", "precedence=classic"
    )
    [dataverse] = sandbox.call("GET", f"/servicePrincipals?$filter=appId eq '{DATAVERSE}'").json()["value"]
    assigned = f"/servicePrincipals/{dataverse['id']}/tokenLifetimePolicies"
    for policy in sandbox.call("GET", assigned).json()["value"]:
        sandbox.call("DELETE", f"{assigned}/{policy['id']}/$ref").raise_for_status()
    return sandbox


def command(sandbox, folder, *arguments):
    environment = {**sandbox.environment, "XDG_STATE_HOME": str(folder)}
    program = [sys.executable, "-c", "from tokenguard.cli import main; main()"]
    return subprocess.run(
        [*program, *arguments], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_experiment_of_the_article(article, tmp_path):
    def expires_in():
        time.sleep(0.6)
        return article.sign_in("https://contoso.crm.dynamics.com/.default").json()["expires_in"]

    assert expires_in() == 3599
    fix = ("fix", "--rules", str(EXAMPLE), "--unsafe", "--yes", "--journal", "journal.jsonl", "--wait", "5")
    done = command(article, tmp_path, *fix)
    assert done.returncode == 0, done.stderr
    assert "every client" in done.stdout
    assert expires_in() == 17999
    again = command(article, tmp_path, *fix)
    assert again.returncode == 0, again.stderr
    assert "no changes planned" in again.stdout
    undone = command(article, tmp_path, "undo", "journal.jsonl", "--unsafe", "--yes", "--wait", "5")
    assert undone.returncode == 0, undone.stderr
    assert expires_in() == 3599


# --- brakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--dry-run",), 0, "Nothing was written"),
        ((), 2, "--yes"),
        (("--yes", "--max-changes", "0"), 2, "more than --max-changes 0"),
    ],
)
def test_the_brakes_of_a_fix_are_those_of_an_undo(bench, fixed, arguments, status, said):
    held = bench.tenant()
    bench.sandbox.forget()
    done = bench.undo("--journal", "undo.jsonl", *arguments)
    assert done.status == status, done
    assert said in done.stderr
    assert f"take policy “{FIVE_HOURS}” from {bench.principal['displayName']}" in done.stdout
    assert bench.writes() == []
    assert bench.tenant() == held
    assert not (bench.folder / "undo.jsonl").exists()
    assert bench.undo("--yes").status == 0
    assert bench.tenant() == fixed


def test_what_would_change_a_token_takes_unsafe_again(bench, fixed):
    for command in (("undo", "journal.jsonl"), ("fix", "--resume", "undo.jsonl")):
        bench.sandbox.forget()
        refused = bench.run(*command, "--yes", "--wait", "0")
        assert refused.status == 2, refused
        assert "1 change of 1 not safe; nothing was written" in refused.stderr
        assert "--unsafe" in refused.stderr
        assert bench.writes() == []
        if command[0] == "undo":
            assert bench.undo("--yes", "--journal", "undo.jsonl", before=killed_at(1)).status < 0
    assert bench.undo("--yes").status == 0
    assert bench.tenant() == fixed


def test_whom_an_undo_reaches_is_looked_at_again_once_somebody_has_thought_about_it(bench, fixed, principals):
    """The policy that is to be assigned again gets another lifetime while the question stands."""
    [(_, name, _)] = [each for each in fixed[1] if each[0] == bench.principal["id"]]
    [row] = [
        row for row in bench.sandbox.call("GET", f"{POLICIES}?$top=999").json()["value"] if row["displayName"] == name
    ]
    running = bench.begin("undo", "journal.jsonl", "--unsafe", "--wait", "0", typed="")

    def edited(lifetime):
        definition = row["definition"][0].replace("08:00:00", lifetime)
        bench.sandbox.call("PATCH", f"{POLICIES}/{row['id']}", json={"definition": [definition]}).raise_for_status()
        bench.sandbox.forget()

    running.answer("[y/n]", "y\n", then=lambda: edited("23:00:00"))
    done = running.wait()
    assert done.status == 2, done
    assert "no longer what was shown; nothing was written" in done.stderr
    assert bench.writes() == []
    edited("08:00:00")
    assert bench.undo("--yes").status == 0
    assert bench.tenant() == fixed


def test_on_a_terminal_it_asks(bench, fixed):
    for no in ("n\n", "\x04", "perhaps\nno\n"):
        asked = bench.undo("--journal", "undo.jsonl", typed=no)
        assert (asked.status, bench.writes()) == (0, [])
        assert "Nothing was written." in asked.stderr
    assert bench.undo("--journal", "undo.jsonl", typed="y\n").status == 0
    assert bench.tenant() == fixed


@pytest.mark.parametrize(
    ("held", "status", "said"),
    [
        (["read"], 4, "403"),  # what an application holds takes more than read permissions even to read
        (["read", "Application.ReadWrite.All"], 2, "takes Policy.ReadWrite.ApplicationConfiguration, which"),
    ],
)
def test_permissions_are_looked_at_before_the_first_write(bench, fixed, held, status, said):
    bench.sandbox.set(permissions=held)
    done = bench.undo("--yes")
    assert done.status == status
    assert said in done.stdout + done.stderr
    assert bench.writes() == []
    bench.sandbox.set(permissions=["read", "write"])
    assert bench.undo("--yes").status == 0
    assert bench.tenant() == fixed


# --- what comes back ------------------------------------------------------------------------------------------------


def test_undoing_twice_writes_nothing_the_second_time(bench, fixed):
    assert bench.undo("--yes").status == 0
    assert bench.tenant() == fixed
    bench.sandbox.forget()
    again = bench.undo("--yes")
    assert again.status == 0
    assert "nothing to take back" in again.stderr
    assert bench.writes() == []


def test_an_undo_can_be_undone(bench, fixed):
    assert bench.undo("--yes", "--journal", "undo.jsonl").status == 0
    assert bench.run("undo", "undo.jsonl", "--unsafe", "--yes", "--wait", "0", "--journal", "redo.jsonl").status == 0
    assert bench.held() == FIVE_HOURS
    assert bench.run("undo", "redo.jsonl", "--unsafe", "--yes", "--wait", "0").status == 0
    assert bench.tenant() == fixed


def test_a_deleted_policy_comes_back_with_content_and_assignment_and_its_new_id_is_said(bench):
    policy = bench.create(f"eight hours {bench.principal['id']}", "08:00:00")
    bench.assign(policy)
    before = bench.tenant()
    journal_of_removal(bench, policy)
    assert bench.run("fix", "--resume", "journal.jsonl", "--unsafe", "--yes", "--wait", "0").status == 0
    assert bench.held() == ""
    assert bench.sandbox.call("GET", f"{POLICIES}/{policy}").status_code == 404
    undone = bench.undo("--yes")
    assert undone.status == 0, undone
    assert bench.tenant() == before
    [held] = bench.sandbox.call("GET", bench.assigned).json()["value"]
    assert held["id"] != policy
    assert f"new id       {policy}: {held['id']}" in undone.stdout


def test_a_policy_that_somebody_else_uses_by_now_is_not_deleted(bench, principals):
    before = bench.tenant()
    assert bench.fix("--yes").status == 0
    [created] = bench.sandbox.call("GET", bench.assigned).json()["value"]
    other = principals.pop()
    there = f"/servicePrincipals/{other['id']}/tokenLifetimePolicies"
    link = {"@odata.id": f"{bench.sandbox.graph}{POLICIES}/{created['id']}"}
    bench.sandbox.call("POST", f"{there}/$ref", json=link).raise_for_status()
    undone = bench.undo("--yes")
    assert undone.status == 4
    assert "still assigned to" in undone.stdout
    assert bench.held() == FIVE_HOURS, "what had been done of the undo was taken back"
    bench.sandbox.call("DELETE", f"{there}/{created['id']}/$ref").raise_for_status()
    assert bench.undo("--yes").status == 0
    assert bench.tenant() == before


def test_an_organization_default_that_somebody_made_since_is_not_replaced(bench):
    bench.sandbox.set(second_default="replace")
    ours = bench.create("our default", "02:00:00", default=True)
    rules = ("--select", "organization-default-policy", "--unsafe", "--yes", "--wait", "0")
    assert bench.run("fix", *rules, "--journal", "journal.jsonl").status == 0
    theirs = bench.create("their default", "03:00:00", default=True)
    held = bench.tenant()
    bench.sandbox.forget()
    undone = bench.undo("--yes")
    assert undone.status == 4, undone
    assert "policy “their default” is the organization default by now" in undone.stdout
    assert bench.writes() == []
    assert bench.tenant() == held
    bench.delete(theirs)
    assert bench.undo("--yes").status == 0
    assert bench.sandbox.call("GET", f"{POLICIES}/{ours}").json()["isOrganizationDefault"] is True
    bench.delete(ours)


# --- what is left alone ---------------------------------------------------------------------------------------------


def test_what_somebody_changed_since_is_left_alone(bench, fixed):
    [created] = bench.sandbox.call("GET", bench.assigned).json()["value"]
    theirs = bench.create(f"theirs {bench.principal['id']}", "02:00:00")
    bench.unassign(created["id"])
    bench.assign(theirs)
    held = bench.tenant()
    bench.sandbox.forget()
    undone = bench.undo("--yes")
    assert undone.status == 4
    assert "left alone" in undone.stdout
    assert bench.writes() == []
    assert bench.tenant() == held
    bench.unassign(theirs)
    bench.assign(created["id"])
    assert bench.undo("--yes").status == 0
    bench.delete(theirs)
    assert bench.tenant() == fixed


def test_a_journal_of_another_tenant_or_cloud_is_refused(bench, fixed):
    for edit, said in (
        (lambda header: header["tenant"].update(id="99999999-0000-4000-8000-000000000000"), "signed in to the tenant"),
        (lambda header: header.update(cloud="china"), "of the cloud 'china'"),
    ):
        bench.rewrite(edit, to="other.jsonl")
        done = bench.run("undo", "other.jsonl", "--unsafe", "--yes")
        assert done.status == 2
        assert said in done.stderr
    assert bench.writes() == []
    assert bench.undo("--yes").status == 0
    assert bench.tenant() == fixed


def test_a_file_that_is_no_journal_is_refused(bench):
    (bench.folder / "journal.jsonl").write_text("{}\n")
    (bench.folder / "journal.jsonl").chmod(0o600)
    done = bench.undo("--yes")
    assert done.status == 2
    assert "line 1: not a line of a journal" in done.stderr
    assert bench.writes() == []


# --- a journal whose changes no built-in rule asks for --------------------------------------------------------------


def journal_of_removal(bench, policy):
    """A journal that has just been begun: it takes the policy from the application, and deletes it."""
    [row] = bench.sandbox.call("GET", bench.assigned).json()["value"]
    state = {name: row[name] for name in ("displayName", "description", "definition", "isOrganizationDefault")}
    operations = (
        Operation("unassign", {"servicePrincipal": bench.principal["id"]}, {"policy": policy}, None, "take it away"),
        Operation("deletePolicy", {"policy": policy}, state, None, "delete the policy"),
    )
    ref = ResourceRef("tokenLifetimePolicy", policy, state["displayName"])
    header = Header(
        purpose="undo",
        tenant=Tenant(bench.sandbox.variables["AZURE_TENANT_ID"], "Sandbox"),
        cloud="global",
        precedence=Precedence.ALL,
        started_at=NOW.isoformat(),
        producer="tokenguard",
        uid=os.getuid(),
        changes=(Change("one", ref, operations, (), Safety.UNSAFE, {}, {}, "one application"),),
    )
    create_journal(bench.folder / "journal.jsonl", header, lambda: NOW, bench.key()).close()

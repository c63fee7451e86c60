"""The program killed, as by power failure, at every one of its moments: resumed it finishes, undone it leaves no trace.

It dies at its n-th fsync: a line of the journal is written, and what follows from it is not done. Between two such
moments lies one write with all the reading around it.
"""

import signal
import time

import pytest

from fixing import FIVE_HOURS
from forked import killed_at
from live import quiet_sdk

pytestmark = quiet_sdk

MOMENTS = 9
"""Header (file, then folder), three writes with a line before and one after each, the end."""
FINISHED = ["POST policies 201", "DELETE servicePrincipals 204", "POST servicePrincipals 204"]


@pytest.fixture
def replaced(bench):
    """The tenant before a fix that replaces what the application holds: three writes."""
    bench.assign(bench.create(f"eight hours {bench.principal['id']}", "08:00:00"))
    tenant = bench.tenant()
    bench.sandbox.forget()
    return tenant


def killed(bench, moment, torn):
    """Fix and be killed; whether the journal was begun."""
    done = bench.fix("--yes", before=killed_at(moment, torn=torn))
    assert done.status == -signal.SIGKILL, done
    return moment > 0 or not torn


def test_there_is_no_other_moment(bench, replaced):
    done = bench.fix("--yes", before=killed_at(MOMENTS))
    assert done.status == 0, done
    assert bench.writes() == FINISHED
    assert bench.undo("--yes").status == 0
    assert bench.tenant() == replaced


@pytest.mark.parametrize(
    ("moment", "torn"),
    [*((moment, False) for moment in range(MOMENTS)), *((moment, True) for moment in (0, 3, 5, 7))],
)
def test_resuming_finishes_and_undoing_that_restores(bench, replaced, moment, torn):
    begun = killed(bench, moment, torn)
    resumed = bench.fix("--resume", "journal.jsonl", "--yes")
    if begun:
        assert resumed.status == 0, resumed
        assert bench.held() == FIVE_HOURS
        assert bench.writes() == FINISHED, "no write was sent twice, and none was left out"
        assert bench.journal()[-1] == "end applied"
        assert bench.undo("--yes").status == 0
    else:
        assert resumed.status == 2
        assert "nothing was written to the tenant" in resumed.stderr
    assert bench.tenant() == replaced


def test_the_journal_is_named_before_anything_can_kill_it(bench, replaced):
    done = bench.run("fix", "--rules", str(bench.rule()), "--unsafe", "--yes", before=killed_at(3))
    assert done.status == -signal.SIGKILL
    assert bench.writes() == ["POST policies 201"]
    journal = done.stderr.partition("Journal: ")[2].strip()
    assert bench.run("undo", journal, "--unsafe", "--yes", "--wait", "0").status == 0
    assert bench.tenant() == replaced


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_undoing_restores_the_state_before(bench, replaced, moment):
    killed(bench, moment, False)
    under_way = bench.journal()[-1:] in (["intent createPolicy"], ["intent unassign"], ["intent assign"])
    undone = bench.undo("--yes", "--journal", "undo.jsonl")
    assert undone.status == (4 if under_way else 0), undone
    assert ("To look again: tokenguard undo journal.jsonl --unsafe" in undone.stderr) is under_way
    assert bench.tenant() == replaced


def test_a_write_that_shows_while_undo_looks_for_it_is_taken_back(bench, replaced):
    bench.sandbox.fail(f"POST {bench.assigned}/$ref=late,seconds=1.5,times=1")
    killed(bench, 7, torn=True)
    undone = bench.run("undo", "journal.jsonl", "--unsafe", "--yes", "--wait", "10")
    assert undone.status == 0, undone
    assert bench.tenant() == replaced


def test_a_write_that_may_still_show_is_said_and_looked_for_again(bench, replaced):
    bench.sandbox.fail(f"POST {bench.assigned}/$ref=late,seconds=4,times=1")
    killed(bench, 7, torn=True)
    undone = bench.undo("--dry-run")
    assert undone.status == 4, undone
    assert "it may still come" in undone.stdout
    assert "To look again: tokenguard undo journal.jsonl --unsafe" in undone.stderr
    time.sleep(4)
    assert bench.undo("--yes").status == 0
    assert bench.tenant() == replaced


def test_killed_while_the_key_is_made_the_next_run_makes_one(bench, replaced):
    key = bench.folder / "tokenguard" / "journal.key"
    key.unlink()
    done = bench.fix("--yes", before=killed_at(0))
    assert done.status == -signal.SIGKILL
    assert not key.exists()
    assert bench.writes() == []
    assert bench.fix("--yes").status == 0
    assert bench.undo("--yes").status == 0
    assert bench.tenant() == replaced


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_an_undo_that_was_killed_is_finished_by_another_or_by_resuming_it(bench, replaced, moment):
    assert bench.fix("--yes").status == 0
    done = bench.undo("--yes", "--journal", "undo.jsonl", before=killed_at(moment))
    assert done.status == -signal.SIGKILL, done
    if moment % 2:
        finished = bench.undo("--yes", "--journal", "second.jsonl")
    else:
        finished = bench.fix("--resume", "undo.jsonl", "--yes")
    assert finished.status == 0, finished
    assert bench.tenant() == replaced


def test_killed_while_it_takes_back_resuming_goes_on_taking_back(bench, replaced):
    bench.sandbox.fail("POST /servicePrincipals/*/tokenLifetimePolicies/$ref=403,times=1")
    done = bench.fix("--yes", before=killed_at(8))
    assert done.status == -signal.SIGKILL, done
    assert bench.journal()[-1] == "intent assign back"
    resumed = bench.fix("--resume", "journal.jsonl", "--yes")
    assert resumed.status == 4, resumed
    assert "what had been done was taken back" in resumed.stdout
    assert bench.tenant() == replaced


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--dry-run",), 1, "Nothing was written"),
        ((), 2, "--yes"),
        (("--yes", "--max-changes", "0"), 2, "more than --max-changes 0"),
        (("--yes", "--plan", "plan.json"), 2, "leave out --plan"),
        (("--yes", "--only", "y", "--out", "x"), 2, "leave out --only and --out"),
        (("--yes", "--cloud", "china"), 2, "of the cloud 'global'"),
    ],
)
def test_resuming_has_brakes_as_well(bench, replaced, arguments, status, said):
    killed(bench, 3, False)
    bench.sandbox.forget()
    done = bench.fix("--resume", "journal.jsonl", *arguments)
    assert done.status == status, done
    assert said in done.stderr
    assert bench.writes() == []
    assert bench.undo("--yes").status == 0
    assert bench.tenant() == replaced


def test_a_dry_run_of_resuming_looks_at_the_tenant_and_at_no_other(bench, replaced):
    killed(bench, 3, False)
    assert bench.fix("--resume", "journal.jsonl", "--yes").status == 0
    assert bench.fix("--resume", "journal.jsonl", "--dry-run").status == 0
    other = "99999999-0000-4000-8000-000000000000"
    bench.rewrite(lambda header: header["tenant"].update(id=other), to="other.jsonl")
    elsewhere = bench.fix("--resume", "other.jsonl", "--dry-run")
    assert elsewhere.status == 2, elsewhere
    assert "signed in to the tenant" in elsewhere.stderr
    assert bench.undo("--yes").status == 0
    assert bench.tenant() == replaced


def test_resuming_leaves_alone_what_somebody_changed_in_between(bench, replaced):
    killed(bench, 5, False)  # created, and taken away; not assigned yet
    theirs = bench.create(f"theirs {bench.principal['id']}", "02:00:00")
    bench.assign(theirs)
    resumed = bench.fix("--resume", "journal.jsonl", "--yes")
    assert resumed.status == 4, resumed
    assert bench.held().startswith("theirs")
    assert FIVE_HOURS not in {name for name, *_ in bench.tenant()[0]}, "what could be taken back was"
    assert bench.journal()[-1] == "end failed"

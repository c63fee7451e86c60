"""Fixing and undoing with the built command, on whatever system this is, and where what POSIX alone has is hidden.

The jobs for Windows and macOS run this file; see `.github/workflows/ci.yml`.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from command import PROGRAM
from fixing import DATAVERSE, EXAMPLE
from without_posix import hiding

RULE = ("--rules", str(EXAMPLE), "--unsafe")
FIX = ("fix", *RULE, "--yes", "--wait", "5", "--journal", "journal.jsonl")
UNDO = ("undo", "journal.jsonl", "--unsafe", "--yes", "--wait", "5")
NATIVE = hasattr(os, "getuid")


@pytest.fixture(params=["native", pytest.param("hidden", marks=pytest.mark.skipif(not NATIVE, reason="is so here"))])
def mechanism(request):
    return request.param


@pytest.fixture(scope="module")
def demo(new_sandbox):
    return new_sandbox(
        "--tenant", "demo", "--propagation", "0", "--permissions", "read,write", "--setting", "precedence=classic"
    )


@pytest.fixture
def tenant(demo):
    """The demo's tenant, whose Dataverse holds no policy."""
    demo.mend()
    [dataverse] = demo.call("GET", f"/servicePrincipals?$filter=appId eq '{DATAVERSE}'").json()["value"]
    assigned = f"/servicePrincipals/{dataverse['id']}/tokenLifetimePolicies"
    for policy in demo.call("GET", assigned).json()["value"]:
        demo.call("DELETE", f"{assigned}/{policy['id']}/$ref").raise_for_status()
    demo.forget()
    return demo


@pytest.fixture
def start(tenant, mechanism, tmp_path):
    """Starts the command in a folder of its own, with its state below ``state``."""
    variables = dict.fromkeys(("XDG_STATE_HOME", "LOCALAPPDATA"), str(tmp_path / "state"))
    environment = {**tenant.environment, **variables}

    def start(*arguments):
        return subprocess.Popen(
            [PROGRAM, *arguments], env=hiding(environment) if mechanism == "hidden" else environment, cwd=tmp_path,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return start


@pytest.fixture
def run(start):
    def run(*arguments):
        process = start(*arguments)
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err
        return process.returncode, out, err

    return run


def left_in(folder: Path) -> list[str]:
    """The kinds of files that a run leaves where state is kept."""
    return sorted(path.suffix for path in (folder / "state" / "tokenguard").iterdir() if path.is_file())


def test_the_help_says_what_there_is(run):
    status, out, _ = run("fix", "--help")
    assert status == 0
    assert "--dry-run" in out


def test_a_plan_is_shown_and_nothing_is_written(run, tenant):
    status, out, err = run("fix", *RULE, "--dry-run")
    assert status == 1, err
    assert "tokenguard dataverse five hours" in out
    assert {each["method"] for each in tenant.requests() if not each["path"].endswith(("$batch", "/token"))} == {"GET"}


def test_a_fix_is_carried_out_and_taken_back(run, tenant, mechanism, tmp_path):
    def policies():
        rows = tenant.call("GET", "/policies/tokenLifetimePolicies?$top=999").json()["value"]
        return sorted((row["displayName"], *row["definition"]) for row in rows)

    before = policies()
    status, _, err = run(*FIX)
    assert status == 0, err
    assert policies() != before
    status, _, err = run(*UNDO)
    assert status == 0, err
    assert policies() == before
    assert left_in(tmp_path) == ([".key"] if mechanism == "hidden" else [".key", ".lock"])


def test_one_run_writes_at_a_time_and_one_that_was_killed_is_never_taken_for_one_that_ended(
    start, run, tenant, mechanism, tmp_path
):
    tenant.fail("POST /policies/tokenLifetimePolicies=hang,seconds=100,times=1")
    first = start(*FIX)
    until = time.monotonic() + 60
    while not any(fault["met"] for fault in tenant.control.get("/sandbox/faults").json()):
        assert first.poll() is None, first.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    second = ("fix", *RULE, "--yes", "--wait", "5", "--journal", "second.jsonl")
    status, _, err = run(*second)
    assert status == 2
    assert "another run is writing to tenant" in err
    first.kill()
    first.communicate()
    tenant.mend()
    if mechanism == "hidden":
        [held] = (tmp_path / "state" / "tokenguard").glob("*.held")
        for _ in range(2):
            status, _, err = run(*second)
            assert status == 2
            for part in (str(held), f"process {first.pid}", "remove the file", "fix --resume"):
                assert part in " ".join(err.split())
        held.unlink()
    status, _, err = run("fix", *RULE, "--resume", "journal.jsonl", "--yes", "--wait", "5")
    assert status == 0, err
    status, _, err = run(*UNDO)
    assert status == 0, err


@pytest.mark.skipif(not NATIVE, reason="to lay a link takes a privilege on Windows")
@pytest.mark.parametrize("link", [(what, end) for what in ("state", "journal", "lock") for end in ("precious", "none")])
def test_no_file_of_a_run_follows_a_link_that_somebody_laid(run, tenant, mechanism, tmp_path, link):
    what, leads_to = link
    state = tmp_path / "state" / "tokenguard"
    (tmp_path / "precious").write_text("theirs")
    organization = tenant.environment["AZURE_TENANT_ID"]
    if what == "state":
        (tmp_path / "state").mkdir(mode=0o700)
        (tmp_path / "elsewhere").mkdir()
        state.symlink_to(tmp_path / ("elsewhere" if leads_to == "precious" else "none"))
    else:
        state.mkdir(parents=True, mode=0o700)
        ending = "held" if mechanism == "hidden" else "lock"
        laid = tmp_path / "journal.jsonl" if what == "journal" else state / f"{organization}.{ending}"
        laid.symlink_to(tmp_path / leads_to)
    tenant.forget()
    status, _, err = run(*FIX)
    assert status == 2, err
    assert not (tmp_path / "none").exists()
    assert (tmp_path / "precious").read_text() == "theirs"
    assert not [path for path in tmp_path.rglob("*") if "elsewhere" in path.parts and path.is_file()]
    assert {each["method"] for each in tenant.requests() if not each["path"].endswith(("$batch", "/token"))} == {"GET"}

"""`tokenguard fix --dry-run` on the embedded tenant, through the command that a user runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = str(Path(sys.executable).with_name("tokenguard"))
EXAMPLE = Path(__file__).parents[2] / "examples" / "dataverse-five-hours"
DATAVERSE = "dataverse-lifetime-not-five-hours"

Fix = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def fix(tmp_path: Path) -> Fix:
    def run(*arguments: str, folder: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        command = [PROGRAM, "fix", "--demo", *arguments]
        environment = {**os.environ, "HOME": str(tmp_path)}
        return subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return shutil.copytree(EXAMPLE, tmp_path / "example")


def test_the_embedded_tenant_is_not_written_to(fix: Fix) -> None:
    result = fix("--yes")
    assert result.returncode == 2
    assert result.stdout == ""
    assert "add --dry-run" in result.stderr


def test_it_exits_as_scan_does_by_the_same_severity(fix: Fix, tmp_path: Path) -> None:
    select = ("--dry-run", "--select", "retired-token-lifetime-setting")
    assert fix(*select).returncode == 1
    assert fix(*select, "--fail-on", "critical").returncode == 3, "not 0: of the embedded tenant something is not read"
    (tmp_path / "tokenguard.toml").write_text('[scan]\nfail-on = "critical"\n')
    assert fix(*select).returncode == 3


def test_a_dry_run_shows_everything_and_writes_nothing(fix: Fix) -> None:
    result = fix("--dry-run", "--rules", "token-lifetime")
    assert result.returncode == 1
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert lines[0] == "PLAN  Brackwater Ferries f6fadfa7-e5c1-4b62-9362-da5cc13da58a: 2 changes planned"
    start = lines.index("1. Session limits 2019  (safe)")
    assert lines[start : start + 8] == [
        "1. Session limits 2019  (safe)",
        "tokenLifetimePolicy b495a074-0c02-4793-8fdb-6832a6708189",
        "retiredSettings: MaxInactiveTime, MaxAgeSessionMultiFactor",
        "becomes none",
        "- policy “Session limits 2019”: drop MaxInactiveTime and MaxAgeSessionMultiFactor",
        "reaches no token: nothing that Entra heeds changes",
        "can be taken back",
        "mends retired-token-lifetime-setting",
    ]
    assert "Takes the permissions Policy.ReadWrite.ApplicationConfiguration." in lines
    not_mended = lines.index("NOT MENDED")
    assert "access-token-lifetime-too-long: Partner Portal, Warehouse Scanner API, Dataverse and 1 more" in lines
    assert lines.index("not safe: planned only with --unsafe") > not_mended
    assert "2 changes planned. Nothing was written; use a live tenant, or the sandbox, in place of --demo to write" in (
        result.stderr
    )


def test_what_may_not_be_taken_back_takes_unsafe_and_is_printed_in_full(fix: Fix) -> None:
    select = ("--dry-run", "--select", "token-lifetime-not-canonical")
    assert "not safe: planned only with --unsafe" in fix(*select).stdout
    shown = fix(*select, "--unsafe").stdout
    assert "1. Ledger batch  (unsafe)" in shown or "2. Ledger batch  (unsafe)" in shown
    [line] = [line for line in shown.splitlines() if "cannot be taken back" in line and "00:90:00" in line]
    assert "Graph may not accept its definition as it is now, {" in line


def test_names_from_the_tenant_command_no_terminal(fix: Fix) -> None:
    result = fix("--dry-run", "--unsafe")
    assert "COMPLIANT" in result.stdout
    assert (result.stdout + result.stderr).replace("\n", "").isprintable()


def test_a_plan_is_kept_for_its_owner_and_agreed_to_as_it_is(fix: Fix, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    made = fix("--dry-run", "--unsafe", "--select", "access-token-*", "--out", str(file))
    assert made.returncode == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "in place of --demo to write them" in made.stderr
    agreed = fix("--dry-run", "--plan", str(file))
    assert (agreed.returncode, agreed.stdout) == (1, made.stdout)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda text: text.replace("01:30:00", "23:30:00"), "its digest does not fit"),
        (lambda text: text.replace('"kind": "updatePolicy"', '"kind": "deletePolicy"'), "its digest does not fit"),
        (lambda text: text[:-3], "not JSON"),
    ],
)
def test_a_plan_that_was_edited_is_refused(fix: Fix, tmp_path: Path, edit: Callable[[str], str], said: str) -> None:
    file = tmp_path / "plan.json"
    fix("--dry-run", "--unsafe", "--select", "access-token-*", "--out", str(file))
    file.write_text(edit(file.read_text()))
    result = fix("--dry-run", "--plan", str(file))
    assert result.returncode == 2
    assert said in result.stderr


@pytest.mark.parametrize("more", [["--unsafe"], ["--only", "Dataverse"], ["--select", "access-token-*"]])
def test_a_plan_says_by_itself_what_it_is_about(fix: Fix, tmp_path: Path, more: list[str]) -> None:
    file = tmp_path / "plan.json"
    fix("--dry-run", "--unsafe", "--select", "access-token-*", "--out", str(file))
    result = fix("--dry-run", "--plan", str(file), *more)
    assert result.returncode == 2
    assert f"leave out {more[0]}" in result.stderr


@pytest.mark.parametrize(("only", "told"), [("Partner Portal", False), ("Partner Porta", True), ("portal", True)])
def test_only_what_no_finding_is_about_is_told(fix: Fix, only: str, told: bool) -> None:
    result = fix("--dry-run", "--unsafe", "--only", only)
    assert result.returncode == 1
    assert (f"No finding is about {only}" in result.stderr) is told


def test_a_plan_made_with_other_values_is_another_plan(fix: Fix, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    limit = "access-token-lifetime-too-long.maximum"
    fix("--dry-run", "--unsafe", "--select", "access-token-*", "--set", f"{limit}=PT2H", "--out", str(file))
    assert fix("--dry-run", "--plan", str(file), "--set", f"{limit}=PT2H").returncode == 1
    result = fix("--dry-run", "--plan", str(file))
    assert result.returncode == 2
    assert "rule access-token-lifetime-too-long: it, or a value of it, has changed" in result.stderr
    assert "planned, and would not be done now: policy “Partner portal”: set the lifetime to 2 h" in result.stderr


def test_five_hours_on_dataverse_need_nothing_more(fix: Fix, example: Path) -> None:
    result = fix("--dry-run", "--unsafe", "--select", DATAVERSE, folder=example)
    assert result.returncode == 0
    assert result.stdout.endswith(": no changes planned\n")


def test_other_hours_are_a_policy_of_their_own(fix: Fix, example: Path) -> None:
    file = example / "plan.json"
    arguments = ("--select", DATAVERSE, "--set", f"{DATAVERSE}.lifetime=PT4H", "--out", str(file))
    result = fix("--dry-run", "--unsafe", *arguments, folder=example)
    assert result.returncode == 1
    [change] = json.loads(file.read_bytes())["changes"]
    assert [operation["kind"] for operation in change["operations"]] == ["createPolicy", "unassign", "assign"]
    assert "every client and every environment of the tenant" in result.stdout
    assert "- take policy “Custom CDS Policy” from Dataverse" in result.stdout


def test_the_readme_of_the_example_shows_what_is_printed(fix: Fix, example: Path) -> None:
    [(command, shown)] = re.findall(
        r"\$ tokenguard fix --demo (.+)\n((?:.*\n)*?)```", (example / "README.md").read_text()
    )
    assert fix(*command.split(), folder=example).stdout == shown


def test_a_baseline_and_exemptions_hold_for_a_fix_as_for_a_scan(fix: Fix, example: Path) -> None:
    rule = "token-lifetime-policy-on-microsoft-resource"
    exempt = fix("--dry-run", "--unsafe", "--select", rule, folder=example)
    assert (exempt.returncode, exempt.stdout.count("Dataverse")) == (0, 0)
    (example / "exemptions.json").write_text('{"exemptions": []}')
    assert "1 change planned" in fix("--dry-run", "--unsafe", "--select", rule, folder=example).stdout

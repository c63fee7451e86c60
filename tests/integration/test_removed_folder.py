"""The built program in a working directory that was removed: what needs no file works, the rest is exit status 2."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import RunningSandbox

PROGRAM = Path(sys.executable).with_name("tokenguard")
Result = subprocess.CompletedProcess[str]


def removed(tmp_path: Path, *command: str | Path, **changes: str) -> Result:
    """Run `command` in a folder that is removed while it is the working directory."""
    (tmp_path / "gone").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOKENGUARD_", "AZURE_"))}
    home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    result = subprocess.run(
        ["sh", "-c", 'rmdir ../gone; exec "$@"', "sh", *command],
        cwd=tmp_path / "gone",
        env=kept | home | changes,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    assert not (tmp_path / "gone").exists()
    assert "Traceback" not in result.stderr
    assert "Internal error" not in result.stderr
    return result


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["scan", "--help"], 0),
        (["scan", "--demo"], 1),
        (["scan", "--demo", "--save-snapshot", "{there}/s.jsonl", "--output", "{there}/o.html"], 1),
        (["scan", "--demo", "--format", "github"], 1),
        (["scan", "--snapshot", "{there}/whole.jsonl", "--exemptions", "{there}/none.json"], 1),
        (["scan", "--demo", "--config", "{there}/tokenguard.toml"], 1),
        (["collect", "--demo", "--output", "{there}/c.jsonl"], 3),
        (["explain", "--demo", "Dataverse"], 3),
        (["fix", "--demo", "--dry-run"], 1),
        (["diff", "{there}/whole.jsonl", "{there}/whole.jsonl"], 3),
        (["diff", "{there}/whole.jsonl", "--demo"], 3),
        (["report", "{there}/report.json"], 0),
        (["rules", "list"], 0),
        (["rules", "show", "organization-default-policy"], 0),
        (["rules", "check", "{there}/rules"], 0),
        (["plugins"], 0),
        (["sandbox", "--help"], 0),
        (["sandbox", "start", "--help"], 0),
        (["sandbox", "exec", "--tenant", "demo", "--", "true"], 0),
        (["doctor"], None),
        (["probe", "--resource", "https://api.example"], None),
        (["scan"], None),
        (["fix", "--dry-run"], None),
        (["scan", "--demo", "--output", "out.json"], 2),
        (["scan", "--demo", "--output", "./out.json", "--format", "json"], 2),
        (["scan", "--demo", "--save-snapshot", "out.jsonl"], 2),
        (["scan", "--demo", "--write-baseline", "../b.json"], 2),
        (["scan", "--demo", "--rules", "rules"], 2),
        (["scan", "--demo", "--rules", "."], 2),
        (["scan", "--demo", "--config", "tokenguard.toml"], 2),
        (["scan", "--demo", "--exemptions", "x.json"], 2),
        (["scan", "--demo", "--baseline", "x.json"], 2),
        (["scan", "--demo", "--set", "organization-default-policy.x=@file"], 2),
        (["scan", "--snapshot", "x.jsonl"], 2),
        (["scan", "--snapshot", "."], 2),
        (["collect", "--demo", "--output", "x.jsonl"], 2),
        (["collect", "--from", ".", "--output", "{there}/x.jsonl"], 2),
        (["explain", "--folder", ".", "Dataverse"], 2),
        (["diff", "a.jsonl", "b.jsonl"], 2),
        (["diff", "{there}/whole.jsonl", "."], 2),
        (["report", "x.json"], 2),
        (["report", "{there}/report.json", "--output", "x.html"], 2),
        (["fix", "--demo", "--dry-run", "--out", "plan.json"], 2),
        (["fix", "--plan", "plan.json"], 2),
        (["fix", "--resume", "journal.jsonl"], 2),
        (["undo", "journal.jsonl"], 2),
        (["rules", "check", "."], 2),
        (["rules", "check", "rule.json"], 2),
        (["rules", "new", "own-rule", "--resource", "tokenLifetimePolicy"], 2),
        (["sandbox", "start", "--tenant", "folder"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_no_command_ends_in_an_internal_error(tmp_path: Path, arguments: list[str], status: int | None) -> None:
    there = tmp_path / "there"
    prepare(there)
    result = removed(tmp_path, PROGRAM, *(word.format(there=there) for word in arguments))
    assert result.returncode in ((status,) if status is not None else (2, 3)), result.stderr
    if status == 2:
        assert "Error" in result.stderr


def prepare(there: Path) -> None:
    """What the commands read that is still there."""
    there.mkdir()
    (there / "rules").mkdir()
    (there / "tokenguard.toml").write_text('[scan]\nfail-on = "low"\n')
    (there / "none.json").write_text('{"exemptions": []}')
    rule = next((Path(__file__).parents[2] / "rules").rglob("organization-default-policy.json"))
    shutil.copy(rule, there / "rules")
    whole = ("scan", "--demo", "--save-snapshot", "whole.jsonl", "--output", "report.json")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOKENGUARD_")}
    subprocess.run([PROGRAM, *whole], cwd=there, env=environment, capture_output=True, check=False)


def test_what_was_not_looked_for_is_said(tmp_path: Path) -> None:
    result = removed(tmp_path, PROGRAM, "scan", "--demo", "--quiet")
    assert result.stderr == "The working directory no longer exists: no tokenguard.toml was looked for\n"


@pytest.mark.parametrize("option", ["--save-snapshot", "--write-baseline"])
def test_a_place_that_is_not_there_is_refused_before_anything_is_read(tmp_path: Path, option: str) -> None:
    result = removed(tmp_path, PROGRAM, "scan", "--demo", option, "new")
    assert result.returncode == 2
    assert f"'{option}': new: the working directory no longer exists" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_works_there(tmp_path: Path, shell: str) -> None:
    source = removed(tmp_path, PROGRAM, _TOKENGUARD_COMPLETE=f"{shell}_source")
    assert source.returncode == 0
    at = "organization-" if shell == "fish" else "3"
    words = {"COMP_WORDS": "tokenguard scan --select organization-", "COMP_CWORD": at}
    completed = removed(tmp_path, PROGRAM, _TOKENGUARD_COMPLETE=f"{shell}_complete", **words)
    assert completed.returncode == 0
    assert "organization-default-policy" in completed.stdout


@pytest.mark.parametrize("plugins", ["", "tokenguard-sandbox"])
def test_python_itself_may_start_it(tmp_path: Path, plugins: str) -> None:
    start = "from tokenguard.cli import main; main()"
    result = removed(tmp_path, sys.executable, "-c", start, "plugins", TOKENGUARD_PLUGINS=plugins)
    assert result.returncode == 0, result.stderr


def test_a_live_tenant_is_scanned_from_there(sandbox: RunningSandbox, tmp_path: Path) -> None:
    result = removed(tmp_path, PROGRAM, "scan", **sandbox.environment)
    assert result.returncode == 1, result.stderr

"""A file in the place of another: each command that reads one says what it was given."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("tokenguard")
RULE = "organization-default-policy"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOKENGUARD_", "AZURE_"))}
    return subprocess.run(
        [PROGRAM, *arguments],
        cwd=folder,
        env=kept | {"TOKENGUARD_PLUGINS": "", "XDG_STATE_HOME": str(folder / "state")},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of each kind, by a name that says nothing."""
    folder = tmp_path_factory.mktemp("files")
    written = {
        "report": "json",
        "sarif": "sarif",
        "junit": "junit",
        "html": "html",
        "csv": "csv",
        "markdown": "markdown",
    }
    outputs = [word for name, form in (*written.items(), ("ocsf", "ocsf")) for word in ("-f", form, "-o", name)]
    whole = ["--save-snapshot", "snapshot", "--write-baseline", "baseline"]
    assert run(folder, "scan", "--demo", *outputs, *whole).returncode == 1
    assert run(folder, "collect", "--demo", "--output", "packed.gz").returncode == 3
    assert run(folder, "fix", "--demo", "--dry-run", "--out", "plan").returncode == 1
    assert run(folder, "diff", "snapshot", "--demo", "-f", "json", "-o", "diff").returncode == 3
    explained = run(folder, "explain", "--demo", "Dataverse", "-f", "json")
    (folder / "explanation").write_text(explained.stdout)
    rule = next((Path(__file__).parents[2] / "rules").rglob(f"{RULE}.json"))
    (folder / "rule").write_bytes(rule.read_bytes())
    (folder / "indented").write_text(json.dumps(json.loads((folder / "report").read_text()), indent=2))
    entry = {"rule": RULE, "resource": "x", "reason": "none", "owner": "a team", "expires": "2999-12-31"}
    (folder / "exemptions").write_text(json.dumps({"exemptions": [entry]}))
    journal = {"line": "header", "version": 2, "purpose": "fix"}
    (folder / "journal").write_text(json.dumps(journal) + "\n")
    for name in ("journal", "report", "plan"):
        (folder / name).chmod(0o600)
    (folder / "packed").write_bytes((folder / "packed.gz").read_bytes())
    return folder


NAMES = {
    "snapshot": "a snapshot", "report": "a JSON report", "indented": "a JSON report", "plan": "a plan",
    "journal": "a journal", "baseline": "a baseline", "exemptions": "a file of exemptions", "rule": "a rule",
    "sarif": "a SARIF report", "junit": "a JUnit report", "html": "a page of HTML", "csv": "a CSV report",
    "markdown": "a Markdown report", "ocsf": "an OCSF report", "diff": "a comparison",
    "explanation": "an explanation",
    "packed": "a compressed file",
}  # fmt: skip
COMMANDS = {
    "a snapshot": ["scan", "--snapshot"],
    "a JSON report": ["report"],
    "a plan": ["fix", "--plan"],
    "a journal": ["undo"],
    "a baseline": ["scan", "--demo", "--baseline"],
    "a file of exemptions": ["scan", "--demo", "--exemptions"],
}


@pytest.mark.parametrize("given", NAMES)
@pytest.mark.parametrize("needed", COMMANDS)
def test_what_was_given_in_the_place_of_another_is_named(files: Path, given: str, needed: str) -> None:
    result = run(files, *COMMANDS[needed], given)
    said = f"Error: {given}: is {NAMES[given]}, and {needed} is needed here\nHint: "
    if NAMES[given] == needed:
        assert "is needed here" not in result.stderr
        return
    assert result.returncode == 2
    assert result.stdout == ""
    assert said in result.stderr, result.stderr


@pytest.mark.parametrize("given", NAMES)
def test_what_was_given_to_be_compared_is_named(files: Path, given: str) -> None:
    result = run(files, "diff", given, "snapshot")
    if NAMES[given] in ("a snapshot", "a JSON report"):
        assert "is needed here" not in result.stderr
        return
    assert result.returncode == 2
    assert f"Error: {given}: is {NAMES[given]}, and a snapshot or a JSON report is needed here\n" in result.stderr


@pytest.mark.parametrize("command", [["scan", "--demo", "--rules"], ["rules", "check"]])
@pytest.mark.parametrize("given", NAMES)
def test_what_was_given_as_a_rule_is_named_and_its_keys_are_no_mistakes(
    files: Path, given: str, command: list[str]
) -> None:
    result = run(files, *command, given)
    assert result.returncode == 2  # the rule's file has another name than the rule
    said = f"Error: 1 mistake in the rules:\n  {given}: is {NAMES[given]}, and a rule is needed here; "
    assert (said in result.stderr) == (NAMES[given] != "a rule"), result.stderr


def test_of_what_the_configuration_names_not_even_the_kind_is_said(files: Path, tmp_path: Path) -> None:
    (tmp_path / "known.json").write_bytes((files / "report").read_bytes())
    (tmp_path / "tokenguard.toml").write_text('[scan]\nbaseline = "known.json"\n')
    result = run(tmp_path, "scan", "--demo")
    assert result.returncode == 2
    assert "JSON report" not in result.stderr


def test_a_file_of_no_kind_is_called_none(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"a": 1}')
    for needed, command in COMMANDS.items():
        result = run(tmp_path, *command, "other.json")
        assert result.returncode == 2, needed
        assert "is needed here" not in result.stderr


@pytest.mark.parametrize("given", ["report", "plan", "indented"])
def test_what_was_compressed_is_named_too(files: Path, tmp_path: Path, given: str) -> None:
    (tmp_path / "other.gz").write_bytes(gzip.compress((files / given).read_bytes()))
    for command in (["scan", "--snapshot", "other.gz"], ["diff", "other.gz", str(files / "snapshot")]):
        result = run(tmp_path, *command)
        assert result.returncode == 2
        assert f"Error: other.gz: is {NAMES[given]}, and a snapshot is needed here\n" in result.stderr


def test_a_snapshot_that_is_damaged_is_not_called_something_else(files: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes((files / "packed.gz").read_bytes()[:20])
    result = run(tmp_path, "scan", "--snapshot", "cut.gz")
    assert result.returncode == 2
    assert "cut.gz" in result.stderr
    assert "is needed here" not in result.stderr

"""Every example that we tell people to copy works as its README says, through the command that a user runs."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
WAREHOUSE = "f0d379d7-2f8c-4eb2-a70c-1cd355555e31"
"""appId of the Warehouse Scanner API of the embedded tenant."""
PROGRAM = str(Path(sys.executable).with_name("tokenguard"))

Copy = Callable[[str], Path]


@dataclass(frozen=True)
class Session:
    """What the README of an example shows: a command, what it prints, and how it ends."""

    command: list[str]
    lines: list[str]
    exit_status: int


def shown_in(readme: Path) -> Session:
    text = readme.read_text()
    block = re.search(r"```console\n\$ (?P<command>.+)\n(?P<output>(?:.*\n)*?)```", text)
    status = re.search(r"exit status (\d)", text, re.IGNORECASE)
    assert block, f"{readme} shows no command"
    assert status, f"{readme} does not say how the command ends"
    lines = [line.rstrip() for line in block["output"].splitlines()]
    return Session(shlex.split(block["command"]), [line for line in lines if line not in ("", "...")], int(status[1]))


@pytest.fixture
def copied(tmp_path: Path) -> Copy:
    """Copies an example to where a user would: outside this repository, and before its exemptions have expired."""

    def copy(name: str) -> Path:
        folder = shutil.copytree(EXAMPLES / name, tmp_path / name)
        exemptions = folder / "exemptions.json"
        if exemptions.exists():
            # NOTE: else the tests would start to fail on the day that is written in the example.
            next_year = (datetime.now(UTC) + timedelta(days=365)).date().isoformat()
            exemptions.write_text(re.sub(r'(?<="expires": )"[^"]*"', f'"{next_year}"', exemptions.read_text()))
        return folder

    return copy


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def report_of(folder: Path) -> dict[str, Any]:
    result = run(folder, "scan", "--demo", "--format", "json")
    assert result.stdout, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def folders() -> list[str]:
    return sorted(path.parent.name for path in EXAMPLES.glob("*/README.md"))


def test_every_example_folder_says_how_it_is_used() -> None:
    assert folders() == sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())


@pytest.mark.parametrize("name", folders())
def test_an_example_prints_what_its_readme_shows(name: str, copied: Copy) -> None:
    session = shown_in(EXAMPLES / name / "README.md")
    program, *arguments = session.command
    assert program == "tokenguard"
    result = run(copied(name), *arguments)
    assert result.returncode == session.exit_status, result.stderr
    printed = [line.rstrip() for line in result.stdout.splitlines()]
    assert session.lines
    assert [line for line in session.lines if line not in printed] == []


def test_the_commented_configuration_is_taken_as_it_stands(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "tokenguard.toml", tmp_path)
    report = report_of(tmp_path)
    severities = {rule["id"]: rule["severity"] for rule in report["rules"]}
    assert severities["organization-default-policy"] == "high"
    assert "service-principal-token-lifetime-too-long" in severities
    assert "token-lifetime-not-canonical" not in severities


def too_long(report: dict[str, Any]) -> list[str]:
    findings = (finding for finding in report["findings"] if finding["rule"] == "access-token-lifetime-too-long")
    return sorted(finding["resource"]["name"] for finding in findings if finding["status"] == "new")


OTHERS = ["Crew Roster", "Partner Portal", "Warehouse Scanner API"]


@pytest.mark.parametrize(
    ("limit", "expires", "found"),
    [
        ("PT5H", 1, OTHERS),
        ("PT4H59M59S", 1, sorted(["Dataverse", *OTHERS])),
        ("PT5H", -1, sorted(["Dataverse", *OTHERS])),
    ],
    ids=["exactly the five hours agreed on", "a second less agreed on", "the agreement has ended"],
)
def test_dataverse_has_a_limit_of_its_own_while_that_is_agreed(
    copied: Copy, limit: str, expires: int, found: list[str]
) -> None:
    folder = copied("dataverse-five-hours")
    exemptions = json.loads((folder / "exemptions.json").read_bytes())
    [own_limit] = [each for each in exemptions["exemptions"] if "parameters" in each]
    own_limit["parameters"]["maximum"] = limit
    own_limit["expires"] = (datetime.now(UTC) + timedelta(days=expires)).date().isoformat()
    (folder / "exemptions.json").write_text(json.dumps(exemptions))
    assert too_long(report_of(folder)) == found


def test_dataverse_must_have_what_was_agreed_no_less(copied: Copy) -> None:
    folder = copied("dataverse-five-hours")
    rule = "dataverse-lifetime-not-five-hours"
    result = run(folder, "scan", "--demo", "--format", "json", "--select", rule, "--set", f"{rule}.lifetime=PT5H1S")
    assert result.returncode == 1
    assert [finding["rule"] for finding in json.loads(result.stdout)["findings"]] == [rule]


def test_what_is_not_on_the_list_is_named_until_it_is(copied: Copy) -> None:
    folder = copied("allow-list")
    named = {finding["resource"]["name"] for finding in report_of(folder)["findings"]}
    assert "Warehouse Scanner API" in named
    configuration = folder / "tokenguard.toml"
    longer = re.sub(r"(?m)^\]$", f'"{WAREHOUSE}"]', configuration.read_text())
    configuration.write_text(longer)
    assert {finding["resource"]["name"] for finding in report_of(folder)["findings"]} == named - {
        "Warehouse Scanner API"
    }

"""The built `scan` over snapshots of some age: what it says, and what it does not evaluate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tokenguard.plugins import load_plugins
from tokenguard.snapshot import open_snapshot, write_snapshot

PROGRAM = Path(sys.executable).parent / "tokenguard"
PASSES = "several-organization-default-policies"
FAILS = "organization-default-policy"
FORMATS = ("text", "json", "sarif", "markdown", "html", "junit", "csv", "github", "ocsf")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Result = subprocess.CompletedProcess[str]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    def call(*arguments: str, **changes: str) -> Result:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOKENGUARD_", "AZURE_"))}
        result = subprocess.run(
            [PROGRAM, *arguments],
            cwd=tmp_path,
            env=kept | {"TOKENGUARD_PLUGINS": ""} | changes,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in result.stderr
        assert "Internal error" not in result.stderr
        return result

    return call


@pytest.fixture
def collected(run: Callable[..., Result], tmp_path: Path) -> Callable[[timedelta], str]:
    """A snapshot of the embedded tenant, dated so long ago."""
    run("collect", "--demo", "--output", "new.jsonl")

    def aged(age: timedelta) -> str:
        found = open_snapshot(tmp_path / "new.jsonl", load_plugins([]).types)
        header = replace(found.header, collected_at=datetime.now(UTC) - age)
        write_snapshot(replace(found, header=header), tmp_path / "aged.jsonl")
        return "aged.jsonl"

    return aged


def scan(run: Callable[..., Result], snapshot: str, *arguments: str, **changes: str) -> Result:
    rule = () if "--select" in arguments else ("--select", PASSES)
    return run("scan", "--snapshot", snapshot, *rule, *arguments, **changes)


@pytest.mark.parametrize(
    ("age", "arguments", "expected"),
    [
        (HOUR, [], (0, "; read 1 h before this scan\n")),
        (HOUR, ["--strict"], (0, "; read 1 h before this scan\n")),
        (HOUR, ["--max-age", "P1D"], (0, "; read 1 h before this scan\n")),
        (25 * HOUR, ["--max-age", "P1D"], (3, "old: read 1 d 1 h before this scan, and --max-age allows 1 d\n")),
        (25 * HOUR, ["--max-age", "P1D", "--exit-zero"], (3, "COMPLIANCE NOT KNOWN")),
        (25 * HOUR, ["--max-age", "P1D", "--select", FAILS], (3, "NOT EVALUATED")),
        (25 * HOUR, ["--max-age", "PT25H1M"], (0, "COMPLIANT")),
        (8 * DAY, [], (0, "NOTE  what was judged is old: read 8 d before this scan; collect it again\n")),
        (
            8 * DAY,
            ["--strict"],
            (3, "old: read 8 d before this scan; with --strict no more than 7 d, or than --max-age"),
        ),
        (8 * DAY, ["--strict", "--max-age", "P9D"], (0, "NOTE  what was judged is old: read 8 d before this scan")),
        (-HOUR, [], (0, "NOTE  what was judged bears a date in the future")),
        (-HOUR, ["--max-age", "P1D"], (3, "old, for all that is known: dated 59 min after this scan")),
        (-4 * timedelta(minutes=1), ["--max-age", "P1D", "--strict"], (0, "; read for this scan\n")),
    ],
)
def test_the_age_of_a_snapshot_is_said_and_may_be_limited(
    run: Callable[..., Result],
    collected: Callable[[timedelta], str],
    age: timedelta,
    arguments: list[str],
    expected: tuple[int, str],
) -> None:
    status, said = expected
    result = scan(run, collected(age), *arguments)
    assert result.returncode == status, result.stdout + result.stderr
    assert said in result.stdout


@pytest.mark.parametrize("form", FORMATS)
def test_age_is_told_in_every_format_and_again_by_report(
    run: Callable[..., Result], collected: Callable[[timedelta], str], tmp_path: Path, form: str
) -> None:
    snapshot = collected(8 * DAY)
    scan(run, snapshot, "--format", "json", "--output", "report.json", "--format", form, "--output", "whole")
    assert "what was judged is old: read 8 d before this scan; collect it again" in (tmp_path / "whole").read_text()
    run("report", "report.json", "--format", form, "--output", "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "whole").read_bytes()
    late = scan(run, snapshot, "--format", form, "--max-age", "P1D")
    assert late.returncode == 3
    assert "old: read 8 d before this scan, and --max-age allows 1 d" in late.stdout


@pytest.mark.parametrize("written", ["-P1D", "1", "P1Y", "P", "nan", "P1DT", "yesterday", "P999999999999D", "PT1.5H"])
@pytest.mark.parametrize("by", ["flag", "environment", "configuration"])
def test_what_is_no_length_is_refused(run: Callable[..., Result], tmp_path: Path, written: str, by: str) -> None:
    if by == "configuration":
        (tmp_path / "tokenguard.toml").write_text(f'[scan]\nmax-age = "{written}"\n')
    flags = ["--max-age", written] if by == "flag" else []
    result = run("scan", "--demo", *flags, **({"TOKENGUARD_MAX_AGE": written} if by == "environment" else {}))
    assert result.returncode == 2
    assert "max-age" in result.stderr
    assert result.stdout == ""


def test_a_configuration_may_limit_the_age_and_a_flag_goes_before_it(
    run: Callable[..., Result], collected: Callable[[timedelta], str], tmp_path: Path
) -> None:
    (tmp_path / "tokenguard.toml").write_text('[scan]\nmax-age = "P1D"\n')
    snapshot = collected(25 * HOUR)
    assert scan(run, snapshot).returncode == 3
    by_flag = scan(run, snapshot, "--max-age", "P2D", "--format", "json")
    assert by_flag.returncode == 0
    assert {"origin": "flags", "name": "max-age", "value": "P2D"}.items() <= json.loads(by_flag.stdout)["configured"][
        "settings"
    ][-1].items()
    assert "by the environment: max-age P2D\n" in scan(run, snapshot, TOKENGUARD_MAX_AGE="P2D").stdout


def test_a_configuration_takes_neither_the_notice_nor_what_strict_asks_for(
    run: Callable[..., Result], collected: Callable[[timedelta], str], tmp_path: Path
) -> None:
    (tmp_path / "tokenguard.toml").write_text('[scan]\nmax-age = "P9999D"\n')
    snapshot = collected(8 * DAY)
    lax = scan(run, snapshot)
    assert lax.returncode == 0
    assert "by the configuration: max-age P9999D\n" in lax.stdout
    assert "what was judged is old" in lax.stdout
    assert scan(run, snapshot, "--strict").returncode == 3
    assert scan(run, snapshot, "--strict", "--max-age", "P9D").returncode == 0


def test_saved_answers_and_a_snapshot_of_them_are_of_unknown_age(run: Callable[..., Result], tmp_path: Path) -> None:
    answers = tmp_path / "answers"
    answers.mkdir()
    organization = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#organization"}
    tenant = {"id": "11111111-2222-4333-8444-555555555555", "displayName": "Contoso"}
    (answers / "organization.json").write_text(json.dumps({**organization, "value": [tenant]}))
    policies = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#policies/tokenLifetimePolicies"}
    (answers / "policies.json").write_text(json.dumps({**policies, "value": []}))
    (answers / "calls.json").write_text(
        json.dumps({"organization.json": "/organization", "policies.json": "/policies/tokenLifetimePolicies"})
    )
    run("collect", "--from", "answers", "--output", "of-answers.jsonl", "--select", PASSES)
    for source in ("answers", "of-answers.jsonl"):
        free = scan(run, source)
        assert "; saved answers of unknown age\n" in free.stdout
        assert free.returncode == 0
        limited = scan(run, source, "--max-age", "P1D")
        assert limited.returncode == 3
        assert "old, for all that is known: saved answers of unknown age, and --max-age allows 1 d" in limited.stdout


def test_the_embedded_tenant_is_never_old(run: Callable[..., Result]) -> None:
    assert run("scan", "--demo", "--select", PASSES, "--max-age", "P1D", "--strict").returncode == 0


def test_diff_compares_what_is_old_and_says_so_of_the_newer_side(
    run: Callable[..., Result], collected: Callable[[timedelta], str]
) -> None:
    aged = collected(8 * DAY)
    old_first = run("diff", aged, "new.jsonl", "--select", PASSES)
    assert (old_first.returncode, "is old" in old_first.stderr) == (3, False), "not all of the demo can be read"
    new_first = run("diff", "new.jsonl", aged, "--select", PASSES)
    assert (new_first.returncode, "what was judged is old" in new_first.stderr) == (3, True)
    assert "old:" not in old_first.stdout + new_first.stdout


@pytest.mark.parametrize("moment", ["0002-01-03T00:00:00+14:00", "9998-12-29T23:59:59-14:00"])
@pytest.mark.parametrize("form", FORMATS)
def test_no_date_breaks_a_report(
    run: Callable[..., Result], collected: Callable[[timedelta], str], moment: str, form: str
) -> None:
    snapshot = collected(datetime.now(UTC) - datetime.fromisoformat(moment))
    assert scan(run, snapshot, "--format", form).returncode == 0

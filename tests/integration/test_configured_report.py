"""Whatever decided a verdict beside the defaults is said, in every format and by every command that judges."""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tokenguard.configured import in_words
from tokenguard.report_document import configured_from_dict
from tokenguard.schemas import schema

PROGRAM = Path(sys.executable).with_name("tokenguard")
FORMATS = ("text", "json", "sarif", "html", "junit", "markdown", "github", "csv", "ocsf")
TOO_LONG, LISTED = "access-token-lifetime-too-long", "token-lifetime-policy-on-unlisted-principal"
DEFAULT, IGNORED = "organization-default-policy", "token-lifetime-not-canonical"
NOBODY = "00000000-0000-0000-0000-000000000000"

CONFIGURATION = f"""
[scan]
ignore = ["token-lifetime-not-*"]
fail-on = "medium"
exemptions = "exemptions.json"
[severity]
{DEFAULT} = "info"
retired-token-lifetime-setting = "low"
[parameters.{TOO_LONG}]
maximum = "PT7H"
[parameters.{LISTED}]
allowed = "@allowed.txt"
"""


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def named(path: Path) -> str:
    return f"{path} (SHA-256 {digest(path)})"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tokenguard.toml").write_text(CONFIGURATION)
    (tmp_path / "exemptions.json").write_text('{"exemptions": []}')
    (tmp_path / "allowed.txt").write_text("\n".join(f"value-{number}" for number in range(12)))
    return tmp_path


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def expected(folder: Path) -> list[str]:
    allowed = f"12 values from {named(folder / 'allowed.txt')}, its own is {NOBODY}"
    return [
        f"configuration {named(folder / 'tokenguard.toml')}",
        "by the configuration: fail-on medium",
        f"by the configuration: {IGNORED} is ignored",
        f"by the configuration: the severity of {DEFAULT} is info, its own is medium",
        f"by the configuration: {TOO_LONG}.maximum is PT7H, its own is PT1H30M",
        f"by the configuration: {LISTED}.allowed is {allowed}",
        f"by the configuration: exemptions {named(folder / 'exemptions.json')}",
    ]


def plain(name: str, text: str) -> str:
    """`text` as a reader of the format sees it, on one line."""
    if name == "json":  # after a schema, and not in words
        text = "\n".join(in_words(configured_from_dict(json.loads(text)["configured"])))
    if name == "markdown":
        text = re.sub(r"\\([^\n])", r"\1", text)
    return " ".join(html.unescape(text).replace("%0A", " ").split())


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_what_the_configuration_changed(folder: Path, name: str) -> None:
    result = run(folder, "scan", "--demo", "--quiet", "--format", name)
    seen = plain(name, result.stdout)
    for line in expected(folder):
        assert line in seen
    assert "retired-token-lifetime-setting is low" not in seen, "it is that by itself"
    assert result.stderr == f"Configuration: {expected(folder)[0].removeprefix('configuration ')}\n"


@pytest.mark.parametrize("name", FORMATS)
def test_a_saved_report_says_the_same_in_every_format(folder: Path, name: str) -> None:
    run(folder, "scan", "--demo", "--output", "report.json")
    (folder / "tokenguard.toml").unlink()
    result = run(folder, "report", "report.json", "--format", name)
    assert (result.returncode, result.stderr) == (0, "")
    (folder / "tokenguard.toml").write_text(CONFIGURATION)
    seen = plain(name, result.stdout)
    for line in expected(folder):
        assert line in seen


@pytest.mark.parametrize("name", FORMATS)
def test_without_any_of_it_no_format_speaks_of_it(tmp_path: Path, name: str) -> None:
    text = run(tmp_path, "scan", "--demo", "--format", name).stdout
    assert "by the configuration" not in text
    assert "by flags" not in text
    assert "SHA-256" not in text


def configured(folder: Path, *arguments: str, **environment: str) -> list[dict[str, Any]]:
    report = json.loads(run(folder, "scan", "--demo", "--format", "json", *arguments, **environment).stdout)
    settings: list[dict[str, Any]] = report["configured"]["settings"]
    return settings


def test_what_the_environment_and_the_flags_changed_is_told_apart(folder: Path) -> None:
    (folder / "other.json").write_text('{"exemptions": [ ]}')
    settings = configured(
        folder,
        *("--select", "access-token-*", "--select", DEFAULT, "--set", f"{TOO_LONG}.maximum=PT9H"),
        *("--baseline", "known.json") if run(folder, "scan", "--demo", "--write-baseline", "known.json") else (),
        TOKENGUARD_IGNORE=DEFAULT,
        TOKENGUARD_EXEMPTIONS="other.json",
        TOKENGUARD_FAIL_ON="low",
    )
    told = {(each["origin"], each["name"], each["rule"], each["value"]) for each in settings}
    assert ("flags", "select", "", f"access-token-*, {DEFAULT}") in told
    assert ("flags", "parameter", TOO_LONG, "PT9H") in told
    assert ("environment", "ignore", DEFAULT, "") in told
    assert not any(name == "fail-on" or rule == IGNORED for _, name, rule, _ in told), "overridden, or the default"
    files = {each["name"]: (each["origin"], each["file"]) for each in settings if each["file"] and not each["rule"]}
    assert files == {
        "exemptions": ("environment", {"path": "other.json", "sha256": digest(folder / "other.json")}),
        "baseline": ("flags", {"path": "known.json", "sha256": digest(folder / "known.json")}),
    }


def test_a_value_from_a_file_is_not_repeated(folder: Path) -> None:
    (folder / "limit").write_text("PT10H")
    settings = configured(folder, "--set", f"{TOO_LONG}.maximum=@limit")
    (setting,) = (each for each in settings if each["rule"] == TOO_LONG)
    assert (setting["origin"], setting["value"], setting["own"]) == ("flags", "1 value", "PT1H30M")
    assert setting["file"] == {"path": "limit", "sha256": digest(folder / "limit")}


def test_a_list_is_told_as_everywhere(folder: Path) -> None:
    eleven = ",".join(f"value-{number}" for number in range(11))
    settings = configured(folder, "--set", f"{LISTED}.allowed={eleven}")
    (setting,) = (each for each in settings if each["rule"] == LISTED)
    assert setting["value"] == "11 values (value-0, value-1, value-2, …)"


def test_what_others_may_do_by_name_is_escaped(folder: Path) -> None:
    """A file can be called anything; each format shows it as it shows a name from the tenant."""
    name = "<b>[x](x:evil.example) \u202e=1::error::.json"
    (folder / "exemptions.json").rename(folder / name)
    (folder / "tokenguard.toml").write_text(f"[scan]\nexemptions = {json.dumps(name)}\n")
    for each in FORMATS:
        text = run(folder, "scan", "--demo", "--format", each).stdout
        assert "\u202e" not in text
        assert "<b>" not in text or each in {"text", "json", "sarif", "csv", "ocsf", "github"}
    assert "[x](x:" not in run(folder, "scan", "--demo", "--format", "markdown").stdout


@pytest.mark.parametrize(
    ("command", "kind"), [(("diff", "tenant.jsonl", "--demo"), "diff"), (("explain", "--demo", "Dataverse"), "explain")]
)
def test_what_is_no_report_says_it_too(folder: Path, command: tuple[str, ...], kind: str) -> None:
    run(folder, "collect", "--demo", "--output", "tenant.jsonl")
    text = plain("text", run(folder, *command).stdout)
    document = json.loads(run(folder, *command, "--format", "json").stdout)
    assert [str(error) for error in jsonschema_rs.Draft202012Validator(schema(kind)).iter_errors(document)] == []
    path = str(folder / "tokenguard.toml")
    assert document["configured"]["configuration"] == {"path": path, "sha256": digest(folder / "tokenguard.toml")}
    for line in expected(folder):
        assert line in text or ("fail-on" in line and kind == "explain")
    if kind == "diff":
        markdown = plain("markdown", run(folder, *command, "--format", "markdown").stdout)
        assert all(line in markdown for line in expected(folder))


def test_a_plan_says_by_what_it_judged(folder: Path) -> None:
    text = run(folder, "fix", "--demo", "--dry-run", "--quiet").stderr
    first, *others = expected(folder)
    assert text.splitlines()[0] == f"Configuration: {first.removeprefix('configuration ')}"
    for line in others:
        assert f"Judged {line}\n" in text


def test_a_snapshot_says_which_configuration_chose_what_is_in_it(folder: Path) -> None:
    result = run(folder, "collect", "--demo", "--output", "tenant.jsonl", "--quiet")
    assert digest(folder / "tokenguard.toml") in result.stderr


def test_a_comparison_of_reports_says_what_decides_its_status(folder: Path) -> None:
    """They have been judged already: rules, severities and exemptions of this run are none of its business."""
    one_rule = ("--config", "none.toml", "--select", DEFAULT)
    (folder / "none.toml").write_text("")
    run(folder, "scan", "--demo", *one_rule, "--output", "report.json")
    (folder / "tokenguard.toml").write_text(CONFIGURATION.replace('fail-on = "medium"', 'fail-on = "critical"'))
    said = [f"configuration {named(folder / 'tokenguard.toml')}", "by the configuration: fail-on critical"]
    command = ("diff", "report.json", "report.json", "--fail-on-new", "--quiet", "--format")
    for name in ("text", "markdown"):
        seen = plain(name, run(folder, *command, name).stdout)
        assert all(line in seen for line in said)
        assert "by the configuration: exemptions" not in seen
    document = json.loads(run(folder, *command, "json").stdout)
    assert in_words(configured_from_dict(document["configured"])) == said
    flags = json.loads(run(folder, *command, "json", "--fail-on", "info").stdout)
    assert [(each["origin"], each["value"]) for each in flags["configured"]["settings"]] == [("flags", "info")]

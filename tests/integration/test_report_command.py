"""A saved report in every format, through the command that a user runs; and what would settle its findings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = str(Path(sys.executable).with_name("tokenguard"))
FORMATS = ["text", "html", "json", "sarif", "junit", "markdown", "github", "csv", "ocsf"]


def run(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "TOKENGUARD_PLUGINS": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def written(folder: Path) -> list[str]:
    """Options that write each format to a file of its name."""
    return [part for name in FORMATS for part in ("--format", name, "--output", str(folder / name))]


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """The embedded tenant's report in every format, written by the scan itself."""
    folder = tmp_path_factory.mktemp("scanned")
    done = run("scan", "--demo", *written(folder), cwd=folder)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    return folder


def test_every_format_is_what_the_scan_would_have_written(scanned, tmp_path):
    done = run("report", scanned / "json", *written(tmp_path), cwd=tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for name in FORMATS:
        assert (tmp_path / name).read_bytes() == (scanned / name).read_bytes(), name


def test_every_built_in_format_is_among_those(scanned):
    listed = run("plugins", cwd=scanned).stdout

    assert next(line for line in listed.splitlines() if "formats:" in line).split(": ")[1].split(", ") == FORMATS


def test_every_format_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()

    assert [name for name in FORMATS if f"| `{name}` |" not in page] == []


def test_the_formats_by_suffix_and_to_standard_output(scanned, tmp_path):
    assert run("report", scanned / "json", cwd=tmp_path).stdout == (scanned / "text").read_text()
    assert run("report", scanned / "json", "-o", "page.html", "-o", "table.csv", cwd=tmp_path).returncode == 0
    assert (tmp_path / "page.html").read_bytes() == (scanned / "html").read_bytes()
    assert (tmp_path / "table.csv").read_bytes() == (scanned / "csv").read_bytes()


def test_github_gets_annotations_and_the_summary_of_the_step(scanned, tmp_path):
    summary = tmp_path / "summary.md"
    done = run("report", scanned / "json", "--format", "github", cwd=tmp_path, GITHUB_STEP_SUMMARY=str(summary))

    assert done.returncode == 0
    assert done.stdout.startswith("::error title=high%3A access-token-lifetime-too-long::")
    assert summary.read_bytes() == (scanned / "markdown").read_bytes()


def damaged(data: bytes) -> dict[str, bytes]:
    document = json.loads(data)
    return {
        "newer": json.dumps({**document, "formatVersion": 2}).encode(),
        "unknown": json.dumps({**document, "formatVersion": None}).encode(),
        "cut": data[: len(data) // 2],
        "twice": data.replace(b'"kind"', b'"kind":"tokenguard-report","kind"', 1),
        "edited": data.replace(b'"status":"new"', b'"status":"baseline"', 1),
        "empty": b"",
        "binary": os.urandom(500),
        "snapshot": b'{"kind":"tokenguard-snapshot","formatVersion":1}\n{"end":true}\n',
    }


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("newer", "written in report format 2; this tokenguard reads format 1"),
        ("unknown", "written in report format None"),
        ("cut", "cut off|not JSON"),
        ("twice", "the key 'kind' stands twice"),
        ("edited", "does not hold as many findings as it says"),
        ("empty", "cut off"),
        ("binary", "not JSON|not UTF-8"),
        ("snapshot", "is a snapshot, and a JSON report is needed here"),
    ],
)
def test_what_is_no_whole_report_is_refused_and_nothing_written(scanned, tmp_path, case, said):
    path = tmp_path / "saved.json"
    path.write_bytes(damaged((scanned / "json").read_bytes())[case])
    (tmp_path / "page.html").write_text("what was there")

    done = run("report", path, "--output", "page.html", "--format", "html", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "saved.json" in done.stderr
    assert any(part in done.stderr for part in said.split("|"))
    assert (tmp_path / "page.html").read_text() == "what was there"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["page.html", "saved.json"]


@pytest.mark.parametrize(
    ("output", "said"),
    [("folder", "is a folder"), ("nowhere/page.html", "does not exist"), ("/dev/full", "No space left")],
)
def test_a_place_that_takes_no_report_is_named(scanned, tmp_path, output, said):
    (tmp_path / "folder").mkdir()

    done = run("report", scanned / "json", "--output", output, "--format", "html", cwd=tmp_path)

    assert done.returncode == 2
    assert output in done.stderr
    assert said in done.stderr


def test_a_full_standard_output_is_said(scanned):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [PROGRAM, "report", str(scanned / "json")], stdout=full, stderr=subprocess.PIPE, check=False
        )

    assert done.returncode == 2
    assert b"standard output: the text report cannot be written there (No space left on device)" in done.stderr


@pytest.mark.parametrize(
    ("closed", "arguments", "status"),
    [
        (">&-", ["report", "json"], 2),
        (">&-", ["rules", "list"], 2),
        (">&-", ["report", "json", "-o", "page.html"], 0),
        ("2>&-", ["report", "nothing.json"], 2),
        ("2>&-", ["scan", "--demo"], 1),
        (">&- 2>&-", ["scan", "--demo", "-o", "page.html"], 1),
        (">&- 2>&-", ["scan", "--demo"], 2),
        ("<&- >&- 2>&-", ["scan", "--demo", "-o", "page.html"], 1),
    ],
)
def test_a_closed_stream_is_no_fault_of_the_program(scanned, tmp_path, closed, arguments, status):
    """As services start programs that nobody listens to."""
    (tmp_path / "json").symlink_to(scanned / "json")
    line = f'exec "$0" "$@" {closed}'

    done = subprocess.run(["sh", "-c", line, PROGRAM, *arguments], cwd=tmp_path, capture_output=True, check=False)

    assert done.returncode == status
    assert b"Internal error" not in done.stderr
    assert (status == 2 and "2>&-" not in closed) is (b"standard output is closed" in done.stderr)
    assert (tmp_path / "page.html").exists() is ("page.html" in arguments)


@pytest.mark.parametrize("path", [".", "nothing.json"])
def test_a_folder_or_nothing_instead_of_a_file_is_said(tmp_path, path):
    done = run("report", path, cwd=tmp_path)

    assert done.returncode == 2
    assert "a JSON report was to be read from it" in done.stderr


# --- would pass if ----------------------------------------------------------------------------------------------


def counted(folder: Path) -> list[dict[str, object]]:
    return [each for each in json.loads((folder / "json").read_text())["findings"] if each["status"] == "new"]


def test_the_exemptions_that_it_names_settle_every_finding(scanned, tmp_path):
    entries = [each["wouldPassIf"]["exemption"] for each in counted(scanned)]
    assert len(entries) > 30
    assert any("parameters" in entry for entry in entries)
    (tmp_path / "exemptions.json").write_text(json.dumps({"exemptions": entries}))

    done = run("scan", "--demo", "--exemptions", "exemptions.json", "--strict", "--format", "json", cwd=tmp_path)

    assert done.returncode == 3, done.stderr  # what could not be evaluated stays so
    assert {each["status"] for each in json.loads(done.stdout)["findings"]} == {"exempt"}


def test_one_step_below_the_limit_that_it_names_is_still_a_finding(scanned, tmp_path):
    entry = next(each["wouldPassIf"]["exemption"] for each in counted(scanned) if each["message"].endswith("of 5 h"))
    assert entry["parameters"] == {"maximum": "PT5H"}
    path = tmp_path / "exemptions.json"
    path.write_text(json.dumps({"exemptions": [{**entry, "parameters": {"maximum": "PT4H59M59S"}}]}))

    done = run("scan", "--demo", "--exemptions", path, "--format", "json", cwd=tmp_path)
    [found] = [
        each
        for each in json.loads(done.stdout)["findings"]
        if each["resource"]["id"] == entry["resource"] and each["rule"] == entry["rule"]
    ]

    assert found["status"] == "new"
    assert found["wouldPassIf"]["instead"]
    assert found["wouldPassIf"]["exemption"]["parameters"] == {"maximum": "PT5H"}


def test_the_entries_of_a_list_that_it_names_settle_the_rule(scanned, tmp_path):
    rule = "token-lifetime-policy-on-unlisted-principal"
    entries = [each["wouldPassIf"]["allowList"] for each in counted(scanned) if each["rule"] == rule]
    assert {entry["parameter"] for entry in entries} == {"allowed"}
    values = ",".join(entry["value"] for entry in entries)

    done = run("scan", "--demo", "--select", rule, "--set", f"{rule}.allowed={values}", cwd=tmp_path)

    assert done.returncode == 0


def test_verbose_text_shows_the_lines_to_add(scanned, tmp_path):
    text = run("report", scanned / "json", "--verbose", cwd=tmp_path).stdout
    entry = counted(scanned)[0]["wouldPassIf"]["exemption"]

    assert json.dumps(entry, separators=(",", ":")) in text
    assert "would pass with this exemption" not in (scanned / "text").read_text()

"""`tokenguard collect` on a live tenant: a file for its owner alone, whole or not at all, that judges as live does."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import PROGRAM, assert_no_secret, content, environment, run
from sandbox import RunningSandbox

DATAVERSE = "00000007-0000-0000-c000-000000000000"
NOBODY = "11111111-2222-4333-8444-555555555555"
PINNED = {
    "id": "dataverse-holds-a-policy",
    "title": "Dataverse holds no token lifetime policy",
    "severity": "low",
    "resource": "servicePrincipal",
    "absent": "fail",
    "select": {"required": ["appId"], "properties": {"appId": {"enum": [DATAVERSE, NOBODY]}}},
    "require": {"properties": {"assignedTokenLifetimePolicy": {"type": "object"}}},
    "message": "{displayName} holds no policy",
    "rationale": "So that a rule asks for two principals, of which the tenant has one.",
    "examples": [
        {
            "outcome": "pass",
            "properties": {
                "appId": DATAVERSE,
                "assignedTokenLifetimePolicy": {
                    "id": NOBODY,
                    "displayName": "Five hours",
                    "isOrganizationDefault": False,
                    "accessTokenLifetimeSeconds": 18000,
                },
            },
        },
        {"outcome": "fail", "properties": {"appId": DATAVERSE, "assignedTokenLifetimePolicy": None}},
        {
            "outcome": "not-evaluated",
            "properties": {"appId": DATAVERSE},
            "unknown": {"assignedTokenLifetimePolicy": "refused"},
        },
    ],
}
RULE = f"{PINNED['id']}.json"
GUIDE = Path(__file__).parents[2] / "docs" / "ci.md"
SAVED = Path(__file__).parents[1] / "data" / "saved-answers" / "az-rest"


@pytest.fixture(scope="module")
def demo_sandbox(new_sandbox) -> RunningSandbox:
    return new_sandbox("--tenant", "demo")


@pytest.fixture
def tenant(demo_sandbox) -> Iterator[RunningSandbox]:
    yield demo_sandbox
    demo_sandbox.mend()
    demo_sandbox.set(**demo_sandbox.first_settings)


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / RULE).write_text(json.dumps(PINNED))
    return tmp_path


def without_times(report: Path, source: str) -> bytes:
    """A JSON report but for when it was made, and for the name of what was read."""
    times = re.compile(rb'"(scannedAt|collectedAt)":"[^"]+"')
    text, number = times.subn(b"", report.read_bytes())
    assert number == 2
    named = f'"source":{json.dumps(source)}'.encode()
    assert text.count(named) == 1
    return text.replace(named, b"")


@pytest.mark.parametrize(
    ("rules", "faults", "held"),
    [
        ([], [], None),
        (["--rules", "all"], [], None),
        (["--rules", RULE], [], None),
        (["--rules", "all", "--rules", RULE, "--precedence", "classic"], [], None),
        ([], [], []),
        (["--rules", "all"], [], ["Policy.Read.All"]),
        (["--rules", "all"], [], ["Application.Read.All"]),
        (["--rules", RULE], [], ["Application.Read.All"]),
        (["--rules", RULE], ["GET /servicePrincipals(*=500"], None),
        (["--rules", "all"], ["GET /servicePrincipals=half", "GET /policies/*/appliesTo=404"], None),
        ([], ["GET /servicePrincipals/$count=html"], None),
    ],
)
def test_a_snapshot_judges_as_the_tenant_does_to_the_byte(tenant, folder, rules, faults, held):
    if held is not None:
        tenant.set(permissions=held)
    tenant.fail(*faults)
    live = run(tenant, "scan", *rules, "-o", "live.json", "--patience", "0", folder=folder)
    collected = run(tenant, "collect", *rules, "-o", "tenant.jsonl.gz", "--patience", "0", folder=folder)
    tenant.forget()
    later = run(tenant, "scan", *rules, "--snapshot", "tenant.jsonl.gz", "-o", "later.json", folder=folder)
    assert tenant.requests() == []
    assert live.returncode == later.returncode
    assert without_times(folder / "later.json", "tenant.jsonl.gz") == without_times(
        folder / "live.json", f"tenant {tenant.variables['AZURE_TENANT_ID']}"
    )
    report = json.loads((folder / "live.json").read_text())
    unread = {each["type"] for each in report["types"] if each["failures"]}
    blind = [each["reason"] for each in report["notEvaluated"] if "GET /" in each["reason"]]
    assert collected.returncode == (3 if unread or blind else 0)
    assert ("ot known: " in collected.stderr) >= any(" is unknown: " in reason for reason in blind)
    said = [line for line in collected.stderr.splitlines() if line.startswith("Not read to the end: ")]
    for type_ in unread:
        assert [line for line in said if re.match(rf"Not read to the end: ([\w, ]* )?{type_}\b.*: GET /", line)]


def test_a_snapshot_is_for_its_owner_alone_and_alone_in_its_folder(tenant, tmp_path):
    result = run(tenant, "collect", "-o", "tenant.jsonl", folder=tmp_path)
    assert (result.returncode, result.stdout) == (0, "")
    assert re.fullmatch(r"tenant\.jsonl: \d+ resources of tenant [0-9a-f-]{36}\n", result.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["tenant.jsonl"]
    assert (tmp_path / "tenant.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_missing_permission_is_said(tenant, tmp_path):
    tenant.set(permissions=["Application.Read.All"])
    result = run(tenant, "collect", "-o", "tenant.jsonl", "--quiet", folder=tmp_path)
    assert result.returncode == 3
    [line] = result.stderr.splitlines()  # one cause, whatever hangs on it
    assert line.startswith("Not read to the end: tokenLifetimePolicy, tokenLifetimePolicyAssignment; not known: ")
    assert line.endswith("; it takes Policy.Read.All")


@pytest.mark.parametrize("output", ["tenant.jsonl", "tenant.jsonl.gz", "tenant.jsonl.zst", "/dev/stdout"])
def test_details_that_are_refused_are_said_and_give_3_and_the_file_is_whole(tenant, tmp_path, output):
    tenant.set(permissions=["Policy.Read.All"], applies_to_rows="bare")
    rule = ("--select", "token-lifetime-policy-on-microsoft-resource")
    with (tmp_path / "printed.jsonl").open("wb") as printed:
        result = subprocess.run(
            [PROGRAM, "collect", *rule, "-o", output], cwd=tmp_path, env=environment(tenant), stdout=printed,
            stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert result.returncode == 3
    lines = [line for line in result.stderr.splitlines()[1:] if not line.startswith("In messages only: ")]
    assert lines
    assert len(lines) == len({line.partition(": GET ")[2].partition("?")[0] for line in lines})
    for line in lines:
        assert re.match(r"Not known: .*isFirstParty.* of tokenLifetimePolicyAssignment \(\d+ resources?\): GET /", line)
        assert line.endswith(
            ": 403 Authorization_RequestDenied: Insufficient privileges to complete the operation."
            "; it takes Application.Read.All"
        )
    file = tmp_path / ("printed.jsonl" if output == "/dev/stdout" else output)
    (elsewhere := tmp_path / "elsewhere").mkdir()
    live = run(tenant, "scan", *rule, "-f", "json", folder=elsewhere)
    later = run(tenant, "scan", *rule, "-f", "json", "--snapshot", str(file), folder=elsewhere)
    assert (live.returncode, later.returncode) == (3, 3)
    assert json.loads(later.stdout)["notEvaluated"] == json.loads(live.stdout)["notEvaluated"]


def test_one_answer_for_each_policy_is_one_line(tenant, tmp_path):
    tenant.fail("GET /policies/*/appliesTo=404")
    result = run(tenant, "collect", "-o", "tenant.jsonl", folder=tmp_path)
    assert result.returncode == 3
    [line] = result.stderr.splitlines()[1:]
    assert line.startswith("Not read to the end: tokenLifetimePolicyAssignment; not known: assignmentCount of ")
    assert ": GET /policies/tokenLifetimePolicies/{id}/appliesTo: 404 " in line


@pytest.mark.parametrize("fault", ["403", "401", "html"])
def test_a_count_that_is_refused_stands_in_messages_only_and_is_a_notice(tenant, tmp_path, fault):
    tenant.fail(f"GET /servicePrincipals/$count={fault}")
    rule = ("--select", "several-organization-default-policies")
    result = run(tenant, "collect", *rule, "-o", "tenant.jsonl", "--patience", "0", folder=tmp_path)
    assert result.returncode == 0
    assert "In messages only: not known: servicePrincipalCount of organization (1 resource): GET /" in result.stderr
    quiet = run(tenant, "collect", *rule, "-o", "tenant.jsonl", "--patience", "0", "--quiet", folder=tmp_path)
    assert (quiet.returncode, quiet.stderr) == (0, "")


@pytest.mark.parametrize("fault", ["403", "html"])
def test_a_count_that_is_refused_is_said_once(tenant, tmp_path, fault):
    tenant.fail(f"GET /servicePrincipals/$count={fault}", f"GET /applications/$count={fault}")
    result = run(tenant, "collect", "--rules", "all", "-o", "tenant.jsonl", "--patience", "0", folder=tmp_path)
    assert result.returncode == 0
    [line] = [line for line in result.stderr.splitlines() if "$count" in line]
    assert line.startswith("rows missing from a list do not show without its count: GET /servicePrincipals/$count, GET")
    assert line.endswith("; in messages only, not known: servicePrincipalCount of organization (1 resource)")


def test_what_was_asked_for_by_name_alone_is_no_failure(tenant, folder):
    tenant.fail("GET /servicePrincipals=403")
    result = run(tenant, "collect", "--rules", RULE, "-o", "tenant.jsonl", folder=folder)
    assert result.returncode == 0
    assert len(result.stderr.splitlines()) == 1


def test_a_snapshot_of_a_snapshot_says_again_what_was_not_read(tenant, tmp_path):
    tenant.set(permissions=["Policy.Read.All"], applies_to_rows="bare")
    first = run(tenant, "collect", "-o", "first.jsonl", folder=tmp_path)
    again = run(tenant, "collect", "--from", "first.jsonl", "-o", "again.jsonl", folder=tmp_path)
    assert (first.returncode, again.returncode) == (3, 3)
    assert first.stderr.splitlines()[1:] == again.stderr.splitlines()[1:]
    few = ("--rules", "all", "--select", "organization-default-policy")
    narrower = run(tenant, "collect", *few, "--from", "first.jsonl", "-o", "few.jsonl", folder=tmp_path)
    assert narrower.returncode in (0, 3)


def test_a_definition_that_was_read_and_cannot_be_parsed_is_no_failure_to_read(tmp_path):
    saved = shutil.copytree(SAVED, tmp_path / "saved")
    policies = json.loads((saved / "policies.json").read_text())
    policies["value"][0]["definition"] = ["nonsense: GET it"]
    (saved / "policies.json").write_text(json.dumps(policies))
    arguments = [PROGRAM, "collect", "--from", "saved", "-o", "tenant.jsonl", "--quiet"]
    read = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")
    del policies["value"][0]["definition"]
    (saved / "policies.json").write_text(json.dumps(policies))
    unsaved = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert unsaved.returncode == 3
    assert "GET /policies/tokenLifetimePolicies: the answer does not hold definition" in unsaved.stderr


def test_the_documented_pipeline_goes_on_after_3_and_stops_at_2(tmp_path):
    [script] = [
        text for text in GUIDE.read_text().split("```") if text.startswith("sh\n") and "collect --output" in text
    ]
    script = "set -e\n" + script.removeprefix("sh\n").replace("tokenguard ", f"{PROGRAM} ")
    script = script.rstrip() + " --select several-organization-default-policies\n"

    def job(collect: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "job.sh").write_text(script.replace("collect --output tenant.jsonl.gz", collect))
        return subprocess.run(["bash", "job.sh"], cwd=tmp_path, capture_output=True, text=True, check=False)

    done = job("collect --demo --output tenant.jsonl.gz")
    assert "Not read to the end: application: GET /applications" in done.stderr
    assert (done.returncode, "1 pass" in done.stdout) == (0, True)
    wrong = job("collect --demo --select nothing --output tenant.jsonl.gz")
    assert (wrong.returncode != 0, wrong.stdout) == (True, "")


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"AZURE_CLIENT_SECRET": "wrong"}, 3), ({"AZURE_AUTHORITY_HOST": "https://elsewhere.example"}, 2)],
)
def test_what_cannot_be_opened_leaves_the_snapshot_that_was_there(tenant, tmp_path, changed, status):
    (tmp_path / "tenant.jsonl").write_text("good")
    assert run(tenant, "collect", "-o", "tenant.jsonl", folder=tmp_path, **changed).returncode == status
    assert [path.name for path in tmp_path.iterdir()] == ["tenant.jsonl"]
    assert (tmp_path / "tenant.jsonl").read_text() == "good"


@pytest.mark.parametrize(
    "arguments",
    [
        ("collect", "--demo", "-o"),
        ("scan", "--demo", "--save-snapshot"),
        ("scan", "--demo", "--write-baseline"),
        ("fix", "--demo", "--dry-run", "--out"),
    ],
)
def test_a_dash_is_no_file(tmp_path, arguments):
    result = subprocess.run([PROGRAM, *arguments, "-"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "-: is no file" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("collect", "-o"), ("scan", "-o", "report.json", "--save-snapshot")])
def test_ctrl_c_keeps_the_old_snapshot_whole_and_says_what_was_read(tenant, tmp_path, command):
    (tmp_path / "tenant.jsonl").write_text("good")
    tenant.fail("GET /servicePrincipals=hang")
    arguments = [PROGRAM, *command, "tenant.jsonl", "--rules", "all"]
    with subprocess.Popen(
        arguments, cwd=tmp_path, env=environment(tenant), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        while not any(fault["met"] for fault in tenant._control("GET", "faults")):
            assert child.poll() is None
            time.sleep(0.05)
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
        child.send_signal(signal.SIGINT)
        said, errors = child.communicate(timeout=20)
    assert_no_secret(tenant, tmp_path, said, errors)
    assert (child.returncode, said) == (130, "")
    interrupted, read = errors.splitlines()
    assert interrupted == "Interrupted."
    assert re.fullmatch(
        r"Read until then: 14 of /policies/tokenLifetimePolicies, \d+ of /applications, 18 single answers\.", read
    )
    assert [path.name for path in tmp_path.iterdir()] == ["tenant.jsonl"]
    assert (tmp_path / "tenant.jsonl").read_text() == "good"


def test_no_secret_of_an_application_is_in_a_snapshot(tenant, tmp_path):
    run(tenant, "collect", "--rules", "all", "-o", "tenant.jsonl.gz", folder=tmp_path)
    text = content(tmp_path / "tenant.jsonl.gz").decode()
    assert "keyCredentials" in text
    assert "secretText" not in text
    assert '"hint"' not in text

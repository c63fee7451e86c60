"""What changed, through the command that a user runs: on snapshots, on reports, and against the embedded tenant."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tokenguard.schemas import schema

PROGRAM = str(Path(sys.executable).with_name("tokenguard"))
SAVED = Path(__file__).parents[1] / "data" / "saved-answers" / "az-rest"
DEMO = Path(__file__).parents[2] / "src" / "tokenguard" / "entra" / "demo"
RULES = ["--select", "access-token-lifetime-too-long", "--select", "token-lifetime-policy-on-microsoft-resource"]
UNCOUNTED = (
    "rows missing from a list do not show without its count: GET /policies/tokenLifetimePolicies/$count: not in the "
    "saved answers in {}; save its answer there\n"
)
"""What a folder without a count of its policies is noticed for."""


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "TOKENGUARD_PLUGINS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def edit(path: Path, change: Callable[[Any], None]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Answers of a tenant, `before`, and with a policy that is longer, `now`; both collected and judged."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(SAVED, folder / "before")
    shutil.copytree(SAVED, folder / "now")
    edit(folder / "now" / "policies.json", lengthen)
    for name in ("before", "now"):
        done = run("collect", "--from", name, "--output", f"{name}.jsonl", "--quiet", *RULES, cwd=folder)
        assert done.returncode == 0, done.stderr
        report = run("scan", "--snapshot", f"{name}.jsonl", "-o", f"{name}.json", *RULES, cwd=folder)
        assert report.returncode == 1, report.stderr
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """What was made, to be changed at will."""
    return shutil.copytree(made, tmp_path / "work")


def lengthen(document: Any) -> None:
    policy = document["value"][0]
    policy["definition"] = ['{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"23:00:00"}}']
    policy["displayName"] = "Longer"


def test_two_snapshots(folder):
    done = run("diff", "before.jsonl", "now.jsonl", *RULES, cwd=folder)

    assert (done.returncode, done.stderr) == (0, UNCOUNTED.format("now"))
    assert done.stdout.startswith("CHANGED  ")
    assert "-> 23 h" in done.stdout
    assert "CHANGED  policy “Longer”" in done.stdout
    assert "high access-token-lifetime-too-long" in done.stdout
    assert "accessTokenLifetimeSeconds: 23 h, at most 1 h 30 min allowed" in done.stdout


def test_two_snapshots_say_of_findings_what_their_reports_say(folder):
    snapshots = run("diff", "before.jsonl", "now.jsonl", "-f", "json", *RULES, cwd=folder)
    reports = run("diff", "before.json", "now.json", "-f", "json", cwd=folder)
    both, found = json.loads(snapshots.stdout), json.loads(reports.stdout)

    assert [each["turn"] for each in found["findings"]] == ["changed"]
    assert both["findings"] == found["findings"]
    assert both["unchangedFindings"] == found["unchangedFindings"]
    assert (found["resources"], found["unchangedResources"]) == ([], None)
    assert [each["change"] for each in both["resources"]] == ["changed"]


@pytest.mark.parametrize("new", ["now.jsonl", "now"])
@pytest.mark.parametrize(
    ("options", "status"),
    [
        (["--fail-on-new"], 1),
        (["--fail-on-new", "--fail-on", "critical"], 0),
        (["--fail-on-new", "--set", "access-token-lifetime-too-long.maximum=P1D"], 0),
        (["--fail-on-new", "--ignore", "access-token-lifetime-too-long"], 0),
        ([], 0),
    ],
)
def test_snapshots_are_judged_by_the_rules_of_the_run(folder, new, options, status):
    assert run("diff", "before.jsonl", new, *RULES, *options, cwd=folder).returncode == status


def test_the_configuration_says_by_what_to_judge(folder):
    (folder / "tokenguard.toml").write_text(
        f'[scan]\nselect = {json.dumps(RULES[1::2])}\n[severity]\naccess-token-lifetime-too-long = "info"\n'
    )

    done = run("diff", "before.jsonl", "now.jsonl", "--fail-on-new", cwd=folder)

    assert (done.returncode, "CHANGED  info access-token-lifetime-too-long" in done.stdout) == (0, True)


def test_what_is_exempt_now_and_before_is_not_new_and_what_does_not_apply_is_said(folder):
    def exempt(expires: str) -> None:
        entry = {
            "rule": "access-token-lifetime-too-long",
            "resource": json.loads((folder / "now.json").read_text())["findings"][0]["resource"]["id"],
            "reason": "agreed", "owner": "security", "expires": expires,
        }  # fmt: skip
        (folder / "exemptions.json").write_text(json.dumps({"exemptions": [entry]}))

    again = ("diff", "before.jsonl", "now.jsonl", *RULES, "--fail-on-new", "--exemptions", "exemptions.json")
    exempt("2999-12-31")
    applied = run(*again, cwd=folder)
    exempt("2020-12-31")
    expired = run(*again, cwd=folder)

    assert (applied.returncode, applied.stderr) == (0, UNCOUNTED.format("now"))
    assert expired.returncode == 1
    assert "expired on 2020-12-31 and applies no more" in expired.stderr


def test_what_a_snapshot_lacks_for_a_rule_is_not_compared_and_nothing_of_it_is_fixed(folder):
    lean = ["--select", "token-lifetime-policy-on-microsoft-resource"]
    principals = ["--rules", "principals", "--select", "service-principal-token-lifetime-too-long"]

    done = run("diff", "now.jsonl", "before.jsonl", "-f", "json", *principals, "--fail-on-new", cwd=folder)
    known = run("diff", "now.jsonl", "before.jsonl", "-f", "json", *lean, "--fail-on-new", cwd=folder)

    assert (done.returncode, known.returncode) == (3, 0)
    found = json.loads(done.stdout)
    assert found["findings"] == []
    assert found["notCompared"] == [
        {
            "what": "service-principal-token-lifetime-too-long",
            "reason": "not evaluated in full before and now: servicePrincipal was not collected",
        }
    ]


@pytest.mark.parametrize("now", ["snapshot", "folder"])
def test_a_finding_of_what_could_not_be_read_is_not_fixed(folder, now):
    edit(folder / "now" / "policies.json", lambda document: document["value"][0].update(definition=["nonsense"]))
    assert run("collect", "--from", "now", "-o", "broken.jsonl", "--quiet", *RULES, cwd=folder).returncode in (0, 3)
    new = "broken.jsonl" if now == "snapshot" else "now"

    done = run("diff", "before.jsonl", new, "-f", "json", "--fail-on-new", *RULES, cwd=folder)
    found = json.loads(done.stdout)

    assert done.returncode == 3
    assert found["findings"] == []
    assert any("not known to be fixed" in each["reason"] for each in found["notCompared"])


def test_what_has_come_since_nothing_was_there_is_judged(folder):
    rule = ["--select", "unassigned-token-lifetime-policy"]  # it takes asking who holds each policy
    shutil.copytree(folder / "now", folder / "nothing-yet")
    edit(folder / "nothing-yet" / "policies.json", lambda document: document.update(value=[]))
    for name in ("calls.json", "holders-1.json", "holders-2.json"):
        (folder / "nothing-yet" / name).unlink()
    edit(folder / "now" / "holders-1.json", lambda document: document.update(value=[]))
    assert run("collect", "--from", "nothing-yet", "-o", "empty.jsonl", "--quiet", *rule, cwd=folder).returncode == 0

    done = run("diff", "empty.jsonl", "now", "-f", "json", "--fail-on-new", *rule, cwd=folder)
    found = json.loads(done.stdout)

    assert (done.returncode, found["notCompared"]) == (1, [])
    assert [each["turn"] for each in found["findings"]] == ["new"]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_snapshots(folder, suffix):
    name = f"now.jsonl{suffix}"
    assert run("collect", "--from", "now", "--output", name, "--quiet", *RULES, cwd=folder).returncode == 0

    changed = run("diff", "before.jsonl", name, *RULES, cwd=folder)
    same = run("diff", name, "now.jsonl", *RULES, cwd=folder)

    assert "-> 23 h" in changed.stdout
    assert same.stdout.startswith("UNCHANGED  ")
    assert same.returncode == 0


def test_a_snapshot_and_a_folder_of_answers(folder):
    done = run("diff", "before.jsonl", "now", *RULES, cwd=folder)

    assert done.returncode == 0, done.stderr
    assert "-> 23 h" in done.stdout
    assert run("diff", "before.jsonl", "before", *RULES, cwd=folder).stdout.startswith("UNCHANGED  ")


def test_two_reports(folder):
    done = run("diff", "before.json", "now.json", cwd=folder)

    assert done.returncode == 0, done.stderr
    assert "before: before.json, collected " in done.stdout
    assert "accessTokenLifetimeSeconds: 23 h, at most 1 h 30 min allowed" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "options", "status"),
    [
        ("before.json", "now.json", ["--fail-on-new"], 1),
        ("before.json", "now.json", ["--fail-on-new", "--fail-on", "critical"], 0),
        ("before.json", "now.json", [], 0),
        ("now.json", "now.json", ["--fail-on-new"], 0),
    ],
)
def test_new_or_changed_findings_fail_only_where_that_was_asked_for(folder, old, new, options, status):
    assert run("diff", old, new, *options, cwd=folder).returncode == status


def test_the_last_line_counts_the_findings_that_stand_unchanged_in_every_format(folder):
    outputs = [part for name in ("text", "json", "markdown") for part in ("-f", name, "-o", f"diff.{name}")]
    done = run("diff", "now.jsonl", "now.jsonl", *outputs, *RULES, cwd=folder)
    said = "exit status 0: everything could be compared; 2 findings stand unchanged"

    assert done.returncode == 0
    assert (folder / "diff.text").read_text().splitlines()[-1] == said
    assert (folder / "diff.markdown").read_text().splitlines()[-1] == said
    assert json.loads((folder / "diff.json").read_text())["conclusion"] == said
    assert "nothing that fails was found" not in "".join(path.read_text() for path in folder.glob("diff.*"))


def rename(document: Any) -> None:
    document["value"][0]["displayName"] = "By another name"


def drop(document: Any) -> None:
    del document["value"][1]


@pytest.mark.parametrize(("change", "what"), [(rename, "changed"), (drop, "gone"), (None, "")])
@pytest.mark.parametrize("kind", ["snapshot", "folder", "the way back"])
def test_a_resource_that_changes_fails_where_that_was_asked_for_whatever_rules_say(folder, kind, change, what):
    rules = ["--set", "access-token-lifetime-too-long.maximum=P1D", *RULES]
    shutil.rmtree(folder / "now")
    shutil.copytree(folder / "before", folder / "now")
    if change:
        edit(folder / "now" / "policies.json", change)
        if change is drop:
            calls = json.loads((folder / "now" / "calls.json").read_text())
            (folder / "now" / "holders-2.json").unlink()
            (folder / "now" / "calls.json").write_text(json.dumps({"holders-1.json": calls["holders-1.json"]}))
    assert run("collect", "--from", "now", "-o", "later.jsonl", "--quiet", *rules, cwd=folder).returncode == 0
    sides = {
        "snapshot": ("before", "later.jsonl"),
        "folder": ("before", "now"),
        "the way back": ("later", "before.jsonl"),
    }
    old, new = sides[kind]

    again = ("diff", f"{old}.jsonl", new, *rules)
    plain = run(*again, "--fail-on-new", cwd=folder)
    strict = run(*again, "--fail-on-change", "--format", "json", cwd=folder)
    found = json.loads(strict.stdout)

    assert plain.returncode == 0, plain.stdout
    assert (strict.returncode, found["exitStatus"]) == ((1, 1) if change else (0, 0))
    word = "appeared" if what == "gone" and kind == "the way back" else what
    assert {each["change"] for each in found["resources"]} == ({word} if change else set())


def test_what_was_not_read_is_no_change_but_3_and_a_change_beside_it_is_1(folder):
    shutil.copytree(folder / "before", folder / "unread")
    holders = folder / "unread" / "holders-2.json"
    holders.write_text(json.dumps({"error": {"code": "Authorization_RequestDenied", "message": "no"}}))
    assert run("collect", "--from", "unread", "-o", "unread.jsonl", "--quiet", *RULES, cwd=folder).returncode == 3
    again = ("diff", "before.jsonl", "unread.jsonl", "--fail-on-change", *RULES)

    unread = run(*again, cwd=folder)
    edit(folder / "unread" / "policies.json", rename)
    run("collect", "--from", "unread", "-o", "unread.jsonl", "--quiet", *RULES, cwd=folder)
    changed = run(*again, cwd=folder)

    assert (unread.returncode, "GONE" in unread.stdout) == (3, False)
    assert unread.stdout.splitlines()[-1].startswith("exit status 3: not everything could be compared; ")
    assert changed.returncode == 1
    assert changed.stdout.splitlines()[-1].startswith("exit status 1: something changed that was to fail")


def test_reports_hold_no_resources_that_could_change(folder):
    done = run("diff", "before.json", "now.json", "--fail-on-change", cwd=folder)

    assert (done.returncode, done.stdout) == (2, "")
    assert "--fail-on-change: before.json is a report, which holds findings and no resources" in done.stderr


PLAIN = '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"05:00:00","One":{"a":1,"b":2},"Two":2}}'


@pytest.mark.parametrize(
    ("spelt", "status"),
    [
        ('{"TokenLifetimePolicy":{"Two":2,"One":{"b":2,"a":1},"AccessTokenLifetime":"05:00:00","Version":1}}', 0),
        (PLAIN.replace(",", " ,\n ").replace(":{", ": {"), 0),
        (PLAIN.replace("Two", "\\u0054wo"), 0),
        (PLAIN.replace('"Two":2', '"Two":3'), 1),
        (PLAIN.replace('"Two":2', '"Two":true'), 1),
        (PLAIN.replace('"Two":2', '"Two":2,"Two":2'), 1),
        (PLAIN.replace("Two", "two"), 1),
        ('{"TokenLifetimePolicy":{"accesstokenlifetime":"5:00:00","version":1}}', 0),
    ],
)
def test_definitions_are_compared_as_json(folder, spelt, status):
    """Whatever is derived of a definition, the order in which settings are listed too."""
    old = '{"TokenLifetimePolicy":{"version":1,"accesstokenlifetime":"5:00:00"}}' if "version" in spelt else PLAIN
    for name, definition in (("before", old), ("now", spelt)):
        edit(folder / name / "policies.json", lambda document, text=definition: redefine(document, text))
        assert run("collect", "--from", name, "-o", f"{name}.jsonl", "--quiet", cwd=folder).returncode == 0

    done = run("diff", "before.jsonl", "now.jsonl", "--fail-on-change", "--fail-on-new", cwd=folder)

    assert done.returncode == status, done.stdout
    assert done.stdout.startswith("CHANGED  " if status else "UNCHANGED  ")


def redefine(document: Any, definition: str) -> None:
    document["value"][0]["definition"] = [definition]
    document["value"][0]["displayName"] = "The same"


def test_a_severity_that_would_fail_nothing_is_refused(folder):
    done = run("diff", "before.json", "now.json", "--fail-on", "high", cwd=folder)

    assert (done.returncode, done.stdout) == (2, "")
    assert "--fail-on high: without --fail-on-new no finding fails a comparison" in done.stderr


@pytest.mark.parametrize(("kind", "options"), [("json", []), ("jsonl", RULES)])
def test_the_later_one_first_is_compared_and_said(folder, kind, options):
    done = run("diff", f"now.{kind}", f"before.{kind}", *options, cwd=folder)

    assert done.returncode == 0
    noticed = UNCOUNTED.format("before") if kind == "jsonl" else ""
    assert done.stderr == f"{noticed}now.{kind} is later than before.{kind}: what is told is the way back\n"
    assert run("diff", f"now.{kind}", f"before.{kind}", "--quiet", cwd=folder).stderr == ""


@pytest.mark.parametrize(("old", "new"), [("pipe", "now.json"), ("now.json", "pipe"), ("now.jsonl", "pipe")])
def test_a_pipe_is_refused_rather_than_waited_for(folder, old, new):
    os.mkfifo(folder / "pipe")

    done = run("diff", old, new, cwd=folder)

    assert (done.returncode, done.stdout) == (2, "")
    assert "pipe: is a pipe or a device, which can be read only once" in done.stderr


def test_what_was_not_evaluated_is_not_fixed(folder):
    edit(folder / "now" / "policies.json", lambda document: document["value"][0].update(definition=["nonsense"]))
    report = run("scan", "--snapshot", "now", "--output", "broken.json", *RULES, cwd=folder)
    assert report.returncode in (1, 3), report.stderr

    done = run("diff", "now.json", "broken.json", "--format", "json", "--fail-on-new", cwd=folder)
    found = json.loads(done.stdout)

    assert done.returncode == 3
    assert [each["turn"] for each in found["findings"]] == []
    assert any("not known to be fixed" in each["reason"] for each in found["notCompared"])


def test_every_format_says_the_same_status_and_json_keeps_its_schema(folder):
    outputs = [part for name in ("text", "json", "markdown") for part in ("-f", name, "-o", f"diff.{name}")]
    done = run("diff", "before.jsonl", "now.jsonl", *outputs, *RULES, cwd=folder)

    assert (done.returncode, done.stdout) == (0, "")
    assert (folder / "diff.markdown").read_text().startswith("# tokenguard: CHANGED\n")
    validator = jsonschema_rs.Draft202012Validator(schema("diff"), validate_formats=True)
    assert validator.is_valid(json.loads((folder / "diff.json").read_text()))


def test_a_snapshot_of_the_embedded_tenant_against_itself(tmp_path):
    assert run("collect", "--demo", "--output", "demo.jsonl", "--quiet", cwd=tmp_path).returncode == 3

    done = run("diff", "demo.jsonl", "--demo", "--format", "json", cwd=tmp_path)
    found = json.loads(done.stdout)

    assert done.returncode == 3  # its application list is refused, and one definition is unreadable
    assert (found["resources"], found["findings"]) == ([], [])
    assert found["unchangedResources"] > 40
    assert found["unchangedFindings"] > 30
    assert {each["what"] for each in found["notCompared"]} >= {"application", "tokenLifetimePolicy"}


def test_a_snapshot_of_yesterday_against_the_embedded_tenant(tmp_path):
    folder = shutil.copytree(DEMO, tmp_path / "yesterday")
    edit(
        folder / "tokenLifetimePolicies.json",
        lambda document: next(each for each in document["value"] if each["displayName"] == "Custom CDS Policy").update(
            definition=['{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"01:00:00"}}']
        ),
    )
    assert run("collect", "--from", folder, "--output", "yesterday.jsonl", "--quiet", cwd=tmp_path).returncode == 0

    done = run("diff", "yesterday.jsonl", "--demo", cwd=tmp_path)

    assert "CHANGED  policy “Custom CDS Policy”: " in done.stdout
    assert "access token lifetime 1 h -> 5 h" in done.stdout
    assert "CHANGED  policy “Custom CDS Policy” on Dataverse (servicePrincipal): " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["before.jsonl"], "one thing to compare OLD with is needed"),
        (["before.jsonl", "now.jsonl", "--demo"], "one thing to compare OLD with is needed"),
        (["before.jsonl", "--demo", "--live"], "one thing to compare OLD with is needed"),
        (["before.jsonl", "now.json"], "is a snapshot, now.json a report"),
        (["before.json", "now.jsonl"], "is a report, which can be compared with a report only"),
        (["before.json", "--demo"], "is a report, which can be compared with a report only"),
        (["before.jsonl", "now.jsonl", "--select", "nothing-such"], "--select nothing-such: no such rule"),
        (["before.jsonl", "now.jsonl", "--exemptions", "none.json"], "none.json: no such file"),
        (["before.json", "now.json", *RULES], "--select: before.json is a report, which has been judged already"),
        (["before.json", "now.json", "--set", "a.b=1"], "--set: before.json is a report"),
        (["before.json", "now.json", "--exemptions", "e.json"], "--exemptions: before.json is a report"),
        (["before.jsonl", "--demo"], "only one tenant can be compared with itself"),
        (["before.jsonl", "now/policies.json"], "neither a snapshot nor a JSON report"),
        (["now/policies.json", "before.jsonl"], "neither a snapshot nor a JSON report"),
        (["nothing", "before.jsonl"], "no such file"),
        (["before", "before.jsonl"], "is a folder"),
        (["before.jsonl", "nothing"], "no such file"),
        (["before.json", "now.json", "-f", "sarif"], "nobody writes that"),
        (["before.json", "cut.json"], "cut.json"),
        (["before.jsonl", "cut.jsonl"], "cut.jsonl"),
    ],
)
def test_what_cannot_be_compared_is_told_and_nothing_written(folder, arguments, said):
    for suffix in ("json", "jsonl"):
        data = (folder / f"now.{suffix}").read_bytes()
        (folder / f"cut.{suffix}").write_bytes(data[: len(data) // 2])

    done = run("diff", *arguments, cwd=folder)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_nothing_is_left_behind(folder, monkeypatch):
    place = folder / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))

    assert run("diff", "before.jsonl", "now", *RULES, cwd=folder).returncode == 0
    assert list(place.iterdir()) == []


def test_a_tenant_that_the_configuration_does_not_name_is_refused(folder):
    (folder / "tokenguard.toml").write_text('[scan]\ntenant = "22222222-2222-4333-8444-555555555555"\n')

    for kind in ("json", "jsonl"):
        done = run("diff", f"before.{kind}", f"now.{kind}", cwd=folder)
        assert done.returncode == 2
        assert "is for tenant 22222222" in done.stderr

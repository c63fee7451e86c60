"""What holds a policy, where Graph told no more than its id: why the rest is not known stands in every verdict."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from command import PROGRAM
from command import run as run_live

SAVED = Path(__file__).parents[1] / "data" / "saved-answers" / "az-rest"
HOLDER = "91d4c2b7-5e3a-4d6f-b8a9-0c1d2e3f4a03"
CALL = f"GET /servicePrincipals/{HOLDER}?$select="
RULE = "token-lifetime-policy-on-microsoft-resource"
PART = {"id": HOLDER, "servicePrincipalType": "Application", "displayName": "Dataverse"}


def error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "As Graph words it"}}


@pytest.fixture
def folder(tmp_path):
    """Saved answers in which `appliesTo` tells the type and the id of each holder."""
    shutil.copytree(SAVED, tmp_path / "saved")
    for path in (tmp_path / "saved").glob("holders-*.json"):
        document = json.loads(path.read_text())
        document["value"] = [{name: row[name] for name in ("@odata.type", "id")} for row in document["value"]]
        path.write_text(json.dumps(document))
    return tmp_path


def save(folder: Path, document: Any, call: str) -> None:
    calls = json.loads((folder / "saved" / "calls.json").read_text())
    (folder / "saved" / "calls.json").write_text(json.dumps({**calls, "holder.json": call}))
    (folder / "saved" / "holder.json").write_text(json.dumps(document))


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments], cwd=folder, env={**os.environ, "TOKENGUARD_PLUGINS": ""}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def reason_of(folder: Path) -> str:
    """Why the one rule could not be evaluated for the one holder."""
    done = run(folder, "scan", "--snapshot", "saved", "--select", RULE, "--format", "json")
    assert done.returncode == 3, done.stdout + done.stderr
    [reason] = [
        each["reason"] for each in json.loads(done.stdout)["notEvaluated"] if each["resource"]["id"].endswith(HOLDER)
    ]
    return reason


def test_details_that_were_not_saved_name_the_call_to_save(folder):
    reason = reason_of(folder)
    assert reason.startswith(f"isFirstParty is unknown: {CALL}")
    assert reason.endswith(": not in the saved answers in saved; save its answer there")


def test_details_that_were_saved_in_part_name_what_is_missing_and_the_call(folder):
    save(folder, PART, f"/servicePrincipals/{HOLDER}")
    reason = reason_of(folder)
    assert CALL in reason
    assert "what was saved of it does not hold appId, signInAudience, appOwnerOrganizationId, accountEnabled;" in reason
    text = run(folder, "scan", "--snapshot", "saved", "--select", RULE).stdout
    assert "    Dataverse\n" in text  # what was saved is known


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("Authorization_RequestDenied", "; it takes Application.Read.All"),
        ("InvalidAuthenticationToken", ""),
        ("TooManyRequests", ""),
        ("Request_ResourceNotFound", ""),
    ],
)
def test_details_that_graph_refused_name_the_refusal_and_the_permission(folder, code, said):
    save(folder, error(code), f"/servicePrincipals/{HOLDER}")
    reason = reason_of(folder)
    assert reason.startswith(f"isFirstParty is unknown: {CALL}")
    assert reason.endswith(f": holder.json holds Graph's refusal: {code}, As Graph words it{said}")


def test_a_holder_of_unknown_kind_names_the_refusal_of_either_call(folder):
    for path in (folder / "saved").glob("holders-1.json"):
        path.write_text(path.read_text().replace('"@odata.type": "#microsoft.graph.servicePrincipal", ', ""))
    save(folder, error("Authorization_RequestDenied"), f"/applications/{HOLDER}")
    reason = reason_of(folder)
    assert f"GET /applications/{HOLDER}?" in reason
    assert reason.endswith("; it takes Application.Read.All")


def test_what_was_saved_in_full_is_known_whatever_was_refused_beside_it(folder):
    whole = json.loads((SAVED / "holders-1.json").read_text())["value"][0]
    save(folder, error("Authorization_RequestDenied"), f"/servicePrincipals/{HOLDER}")
    (folder / "saved" / "again.json").write_text(json.dumps(whole))
    done = run(folder, "scan", "--snapshot", "saved", "--select", RULE, "--format", "json")
    assert not [each for each in json.loads(done.stdout)["notEvaluated"] if each["resource"]["id"].endswith(HOLDER)]


@pytest.mark.parametrize(
    ("permissions", "faults", "said"),
    [
        (["Policy.Read.All"], [], "; it takes Application.Read.All"),
        (["Policy.Read.All", "Application.Read.All"], ["GET /servicePrincipals/*-*=404"], ": 404, though Graph lists"),
        (["Policy.Read.All", "Application.Read.All"], ["GET /servicePrincipals/*-*=500"], ": Graph answered 500 "),
    ],
)
def test_live_details_name_the_call_and_the_answer(sandbox, tmp_path, permissions, faults, said):
    sandbox.set(permissions=permissions, applies_to_rows="bare")
    sandbox.fail(*faults)
    done = run_live(sandbox, "scan", "--select", RULE, "-f", "json", "--patience", "0", folder=tmp_path)
    assert done.returncode == 3
    reasons = [each["reason"] for each in json.loads(done.stdout)["notEvaluated"]]
    assert reasons
    assert [reason for reason in reasons if "unknown: GET /" not in reason or said not in reason] == []


def test_a_holder_that_graph_lists_without_a_type_and_does_not_know_names_both_calls(sandbox, tmp_path):
    sandbox.set(applies_to_rows="bare", applies_to_type="never")
    sandbox.fail("GET /servicePrincipals/*-*=404", "GET /applications/*-*=404")
    done = run_live(sandbox, "scan", "--select", RULE, "-f", "json", folder=tmp_path)
    assert done.returncode == 3
    reasons = [each["reason"] for each in json.loads(done.stdout)["notEvaluated"]]
    assert reasons
    for reason in reasons:
        assert re.search(r"unknown: GET /servicePrincipals/\S+ and /applications/\S+: 404, though Graph lists", reason)
    collected = run_live(sandbox, "collect", "--select", RULE, "-o", "tenant.jsonl", folder=tmp_path)
    assert collected.returncode == 3
    assert "Not known: " in collected.stderr


def test_saved_answers_that_neither_call_finds_a_holder_name_both_calls(folder):
    path = folder / "saved" / "holders-1.json"
    path.write_text(path.read_text().replace('"@odata.type": "#microsoft.graph.servicePrincipal", ', ""))
    save(folder, error("Request_ResourceNotFound"), f"/servicePrincipals/{HOLDER}")
    calls = json.loads((folder / "saved" / "calls.json").read_text())
    (folder / "saved" / "calls.json").write_text(json.dumps({**calls, "other.json": f"/applications/{HOLDER}"}))
    (folder / "saved" / "other.json").write_text(json.dumps(error("Request_ResourceNotFound")))
    assert f"GET /servicePrincipals/{HOLDER} and /applications/{HOLDER}: 404" in reason_of(folder)

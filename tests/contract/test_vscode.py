"""The schema for editors completes and flags in VS Code: asked of the language service that VS Code itself uses.

Needs node, npm and the npm registry; skipped with the reason where one of them is missing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from authors import TYPES, rule_document
from tokenguard.rules.keywords import KEYWORDS
from tokenguard.schemas import schema

SERVICE = "vscode-json-languageservice@5"
SCRIPT = Path(__file__).parents[1] / "data" / "rules" / "editor" / "language_service.cjs"
HERE = "⌖"
"""Marks the place in a text where the cursor stands."""

Ask = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip(f"{'node' if node is None else 'npm'} is not installed, so {SERVICE} cannot be asked")
    folder = tmp_path_factory.mktemp("vscode")
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), SERVICE]
    try:
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, cwd=folder)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm could not install {SERVICE}: {(error.stderr or str(error))[-300:]}")
    environment = {**os.environ, "NODE_PATH": str(folder / "node_modules")}

    def ask(text: str) -> dict[str, Any]:
        question = {"schema": schema("rule"), "text": text.replace(HERE, ""), "offset": max(text.find(HERE), 0)}
        run = subprocess.run(
            [node, str(SCRIPT)], input=json.dumps(question), capture_output=True, text=True, check=True, env=environment
        )
        answer: dict[str, Any] = json.loads(run.stdout)
        return answer

    return ask


def require(text: str) -> str:
    """A rule whose condition on a property is `text`."""
    return f'{{"require": {{"properties": {{"accessTokenLifetimeSeconds": {{{text}}}}}}}}}'


def test_a_good_rule_is_quiet(ask: Ask) -> None:
    assert ask(json.dumps(rule_document()))["diagnostics"] == []


def test_every_keyword_is_offered_at_any_depth_of_a_condition(ask: Ask) -> None:
    assert set(ask(require(f'"not": {{"{HERE}"}}'))["completions"]) == KEYWORDS.keys()


def test_a_keyword_is_explained_where_the_cursor_rests(ask: Ask) -> None:
    assert KEYWORDS["maxDuration"].says in ask(require(f'"max{HERE}Duration": "PT1H"'))["hover"].replace("\\", "")


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        (f'{{"{HERE}"}}', {"id", "title", "severity", "resource", "select", "require", "examples", "remediation"}),
        (f'{{"severity": "{HERE}"}}', {'"info"', '"low"', '"medium"', '"high"', '"critical"'}),
        (f'{{"resource": "{HERE}"}}', {f'"{name}"' for name in TYPES}),
        (f'{{"examples": [{{"outcome": "{HERE}"}}]}}', {'"pass"', '"fail"', '"not-evaluated"', '"not-selected"'}),
        (f'{{"parameters": {{"limit": {{"{HERE}"}}}}}}', {"title", "maxDuration", "enum", "pattern"}),
        (f'{{"remediation": {{"{HERE}"}}}}', {"safety", "set", "remove", "guidance"}),
        (require(f'"maxDuration": "{HERE}"'), {'"PT1H"', '"PT8H"'}),
    ],
)
def test_what_may_stand_at_a_place_is_offered(ask: Ask, text: str, offered: set[str]) -> None:
    assert offered <= set(ask(text)["completions"])


@pytest.mark.parametrize(
    ("changes", "flagged"),
    [
        ({"require": {"properties": {"a": {"maxDurations": "PT1H"}}}}, "maxDurations"),
        ({"require": {"additionalProperties": False}}, "additionalProperties"),
        ({"mesage": "x"}, "mesage"),
        ({"severity": "hihg"}, "Valid values"),
        ({"title": None}, "title"),
        ({"parameters": {"a": {"title": "x", "maxDuration": "8 h"}}}, "pattern"),
    ],
)
def test_a_slip_is_flagged(ask: Ask, changes: dict[str, Any], flagged: str) -> None:
    (message,) = ask(json.dumps(rule_document(**changes)))["diagnostics"]
    assert flagged in message

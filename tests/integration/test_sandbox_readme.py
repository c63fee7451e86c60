"""The sandbox's README names what there is, and what it teaches runs."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from tokenguard_sandbox import answers
from tokenguard_sandbox.faults import ACTIONS, parse_fault
from tokenguard_sandbox.settings import Settings, spelt

README = (Path(__file__).parents[2] / "plugins/tokenguard-sandbox/README.md").read_text(encoding="utf-8")


def first_column(heading: str) -> list[str]:
    section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]


def test_every_setting_is_listed_with_its_choices_the_default_first():
    assert {cell.strip(" `") for cell in first_column("Settings")} == {spelt(each.name) for each in fields(Settings)}
    for each in fields(Settings):
        (row,) = re.findall(rf"^\| `{spelt(each.name)}` \| ([^|]*) \|", README, re.MULTILINE)
        if choices := each.metadata.get("choices"):
            assert re.findall(r"`([^`]+)`", row) == list(choices)
        elif "at_least" in each.metadata:
            assert row.startswith(f"{each.default:g},")


def test_every_fault_is_listed():
    assert {name for cell in first_column("Faults") for name in re.findall(r"`(\w+)`", cell)} == set(ACTIONS)


def test_of_every_error_code_it_is_said_whose_it_is():
    source = Path(answers.__file__).parent
    coded = {code for path in source.glob("*.py") for code in re.findall(r'\bcode="(\w+)"', path.read_text())}
    known = coded | {code for code, _ in answers.REFUSALS.values()}
    assert {name for cell in first_column("Errors") for name in re.findall(r"`(\w+)`", cell)} == known


def test_the_faults_of_the_examples_are_faults():
    examples = re.findall(r"--fault '([^'\[]+)'", README)
    assert examples
    assert all(parse_fault(each) for each in examples)

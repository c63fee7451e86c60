"""What the README shows is what the program prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tokenguard.cli.program import COMMANDS
from tokenguard.exit_status import ExitStatus

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_demo_s_output_is_the_real_one() -> None:
    shown = re.search(
        r"begin -->\n```console\n\$ (?P<command>.*)\n(?P<lines>(.*\n)*?)```\n<!-- demo output: end", README
    )
    assert shown
    program, *arguments = shown["command"].split()
    result = subprocess.run(
        [Path(sys.executable).parent / program, *arguments],
        env=os.environ | {"TOKENGUARD_PLUGINS": ""},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = result.stdout.splitlines()
    for line in shown["lines"].splitlines():
        if "collected" in line:  # the time of day
            continue
        assert line == "…" or line in printed


@pytest.mark.parametrize("command", re.findall(r"(?<=tokenguard )[a-z]+(?= )", README))
def test_every_command_named_there_exists(command: str) -> None:
    assert command in {*COMMANDS, "sandbox", "reads"}


def test_every_file_linked_there_exists() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_every_exit_status_is_explained_there() -> None:
    for status in ExitStatus:
        assert re.search(rf"\b{status.value}\b", README)

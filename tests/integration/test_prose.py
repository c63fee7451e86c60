"""What commands that are no report say on a terminal, of any width, with and without colour."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from fcntl import ioctl
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ

import pytest

PROGRAM = str(Path(sys.executable).with_name("tokenguard"))
PAGES = {
    "rules show": ("rules", "show", "access-token-lifetime-too-long"),
    "rules list": ("rules", "list"),
    "explain": ("explain", "--demo", "Dataverse"),
    "plan": ("fix", "--demo", "--dry-run"),
}
ESCAPE = re.compile(r"\x1b\[[\d;]*m")


def run(arguments: tuple[str, ...], folder: Path, columns: int = 0, **changed: str) -> str:
    """Standard output: a pipe, or a terminal that is so wide."""
    variables = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    reading, writing = os.openpty() if columns else os.pipe()
    if columns:
        ioctl(writing, TIOCSWINSZ, pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        [PROGRAM, *arguments],
        env={**variables, "TERM": "xterm", **changed},
        cwd=folder,
        stdout=writing,
        stderr=subprocess.PIPE,
    ) as child:
        os.close(writing)
        text = read(reading)
        assert child.stderr
        assert b"Traceback" not in child.stderr.read()
    return text.decode().replace("\r\n", "\n")


def read(reading: int) -> bytes:
    text = b""
    try:
        while data := os.read(reading, 65536):
            text += data
    except OSError:  # Linux says so when the other side of a terminal is closed
        pass
    os.close(reading)
    return text


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("columns", [80, 200])
def test_lines_are_broken_between_words_and_nothing_else_is_changed(page: str, columns: int, tmp_path: Path) -> None:
    piped = run(PAGES[page], tmp_path)
    shown = run(PAGES[page], tmp_path, columns, NO_COLOR="1")
    assert "".join(shown.split()) == "".join(piped.split())
    assert not Counter(word for word in piped.split() if len(word) < columns // 2) - Counter(shown.split())
    assert all(len(line) <= columns or " " not in line.strip() for line in shown.splitlines())


@pytest.mark.parametrize("page", PAGES)
def test_a_terminal_of_20_columns_loses_nothing(page: str, tmp_path: Path) -> None:
    shown = run(PAGES[page], tmp_path, 20, NO_COLOR="1")
    assert "".join(shown.split()) == "".join(run(PAGES[page], tmp_path).split())
    assert all(len(line) <= 20 or " " not in line.strip() for line in shown.splitlines())


@pytest.mark.parametrize("page", PAGES)
def test_headings_are_bold_where_there_is_colour_and_nothing_is_in_a_pipe(page: str, tmp_path: Path) -> None:
    plain, coloured = (run(PAGES[page], tmp_path, 80, **changed) for changed in ({"NO_COLOR": "1"}, {}))
    assert "\x1b" not in plain + run(PAGES[page], tmp_path)
    assert ESCAPE.sub("", coloured) == plain
    assert re.search(r"^\x1b\[1m\S.*\x1b\[0m\n +\S", coloured, re.MULTILINE)
    assert not re.search(r"^ +\x1b", coloured, re.MULTILINE)


def test_what_does_not_fit_beside_a_bullet_stays_beside_it(tmp_path: Path) -> None:
    shown = run(PAGES["explain"], tmp_path, 80, NO_COLOR="1")
    assert re.search(r"\n  - on the service principal: .*\n    \S", shown)
    assert re.search(r"\n  - high access-token-lifetime-too-long: .*\n    \S.*\n  - medium ", shown)


def test_columns_stay_columns(tmp_path: Path) -> None:
    rows = run((*PAGES["rules list"], "--rules", "token-lifetime"), tmp_path, 80, NO_COLOR="1").splitlines()
    place = next(row for row in rows if "access-token-lifetime-too-long" in row).index("A token lifetime policy")
    assert all(row[:place].strip() == "" or row[place - 2 : place] == "  " for row in rows if row.startswith("  "))
    assert any(row[:place].strip() == "" for row in rows if row)


def test_what_is_opened_or_copied_stays_whole(tmp_path: Path) -> None:
    shown = run(PAGES["rules show"], tmp_path, 40)
    assert "\n  https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes\n" in shown


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device here that is always full")
@pytest.mark.parametrize("arguments", [*PAGES.values(), ("plugins",), ("explain", "--demo", "Dataverse", "-f", "json")])
def test_no_room_for_what_is_said_is_no_fault_of_the_program(arguments: tuple[str, ...], tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run([PROGRAM, *arguments], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 2
    assert ended.stderr.decode().startswith("Error: no room is left for standard output")

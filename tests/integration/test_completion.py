"""The tab key completes rules, parameters, packs and formats, in each shell as it is, and never gets in the way."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tutorial import ROOT

BIN = Path(sys.executable).parent
PAGE = (ROOT / "docs" / "completion.md").read_text()
TIMEOUT = 60
"""Seconds that a shell may take to start, complete and run."""


def tab(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Press the key at the end of `line`, as bash asks for it."""
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
        "_TOKENGUARD_COMPLETE": "bash_complete",
    }
    return subprocess.run(
        [BIN / "tokenguard"], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )


def offered(line: str, folder: Path) -> list[str]:
    result = tab(line, folder)
    assert result.stderr == ""
    return [item.partition(",")[2] for item in result.stdout.splitlines() if item]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tokenguard sc", ["scan"]),
        ("tokenguard scan --select several", ["several-organization-default-policies"]),
        ("tokenguard scan --ignore application-", ["application-token-lifetime-too-long"]),
        ("tokenguard collect -s several", ["several-organization-default-policies"]),
        ("tokenguard scan --set access-token", ["access-token-lifetime-too-long.maximum="]),
        ("tokenguard scan --format s", ["sarif"]),
        ("tokenguard scan -f j", ["json", "junit"]),
        ("tokenguard diff a b -f j", ["json"]),
        ("tokenguard scan --rules token", ["token-lifetime", "token"]),  # the second: files of that name, by the shell
        ("tokenguard scan --rules token-lifetime --select application-", []),
        ("tokenguard rules show several", ["several-organization-default-policies"]),
        ("tokenguard rules new mine --resource org", ["organization"]),
        ("tokenguard scan --auth man", ["managed"]),
        ("tokenguard scan --select no-such", []),
    ],
)
def test_what_is_offered(line: str, expected: list[str], tmp_path: Path) -> None:
    assert offered(line, tmp_path) == expected


def test_rules_of_one_s_own_are_offered_from_the_folder_that_the_line_names(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.json").write_text('{"id": "mine-is-too-long"}')
    assert offered("tokenguard scan --rules rules --select m", tmp_path) == ["mine-is-too-long"]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"id": 1}', '{"id": "x", "parameters": 3}', "\udc00", pytest.param("[" * 100_000, id="deep")]
)
def test_a_rule_that_is_none_is_no_trouble(text: str, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "bad.json").write_bytes(text.encode(errors="surrogatepass"))
    for option in ("--select", "--set"):
        assert offered(f"tokenguard scan --rules rules {option} x.", tmp_path) == []


@pytest.mark.parametrize("configuration", ['[scan]\nrules = ["principals"]\n', "[scan", "[scan]\nno-such = 1\n"])
def test_a_configuration_is_not_spoken_of_while_typing(configuration: str, tmp_path: Path) -> None:
    (tmp_path / "tokenguard.toml").write_text(configuration)
    assert offered("tokenguard scan --select several", tmp_path) == ["several-organization-default-policies"]


@pytest.mark.parametrize("id_", ["mine$(touch was-run)", "mine;ls", "mine\nplain,evil", "mine\x1b[2J", "mine is"])
def test_no_rule_writes_a_command_into_somebody_s_shell(id_: str, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.json").write_text(json.dumps({"id": id_, "parameters": {"a": {}}}))
    assert offered("tokenguard scan --rules rules --select mine", tmp_path) == []
    assert offered("tokenguard scan --rules rules --set mine", tmp_path) == []


# --- in the shells themselves -------------------------------------------------------------------------------------


def documented(shell: str) -> str:
    """The line that the documentation tells to add for `shell`."""
    [line] = re.findall(rf"^.*_TOKENGUARD_COMPLETE={shell}_source.*$", PAGE, re.MULTILINE)
    return str(line)


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], []),
    "zsh": (["zsh", "-f", "-i"], ["autoload -Uz compinit", "compinit -D -u"]),
    "fish": (["fish", "--no-config", "--interactive"], []),
}


def type_into(command: list[str], keys: list[str], folder: Path, awaited: str) -> str:
    """Everything that a shell on a terminal shows until it shows `awaited`; each of `keys` once the shell is idle."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder), "TERM": "dumb"}
        os.execvpe(command[0], command, environment)
    shown, waiting, until = "", list(keys), time.monotonic() + TIMEOUT
    try:
        while awaited not in shown and time.monotonic() < until:
            if select.select([terminal], [], [], 1.0)[0]:
                shown += os.read(terminal, 65536).decode(errors="replace")
            elif waiting:
                os.write(terminal, waiting.pop(0).encode())
    except OSError:  # the shell went away
        pass
    finally:
        os.close(terminal)
        os.waitpid(child, 0)
    return shown


@pytest.mark.parametrize("shell", SHELLS)
def test_the_documented_line_makes_the_shell_complete(shell: str, tmp_path: Path) -> None:
    command, before = SHELLS[shell]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{shell} is not installed")
    keys = [*(f"{line}\n" for line in (*before, documented(shell))), "tokenguard rules show several-\t", "\n"]
    shown = type_into(command, keys, tmp_path, "Severity: ")
    assert "Severity: critical" in shown or "Severity: high" in shown, shown

"""What a checkout, or a file that was named, can make the command show: a canary lies where none may be read from.

It stands in the environment, in the home folder, and in files of the checkout whose mistakes are told.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("tokenguard")
CANARY = "sesame-5f1c"
LISTED = "token-lifetime-policy-on-unlisted-principal"
TOO_LONG = "access-token-lifetime-too-long"
FORMATS = ("text", "json", "sarif", "html", "junit", "markdown", "github", "csv", "ocsf")
COMMANDS = (
    ["scan", "--demo", *(word for name in FORMATS for word in ("--format", name, "--output", f"../out/scan.{name}"))],
    ["scan", "--demo", "--verbose"],
    ["fix", "--demo", "--dry-run", "--unsafe", "--out", "../out/plan.json"],
    ["explain", "--demo", "Dataverse", "--format", "json"],
    ["diff", "../snapshot.jsonl", "--demo", "--format", "json"],
    ["collect", "--demo", "--output", "../out/snapshot.jsonl"],
    ["doctor"],
)
"""One of each that takes a configuration; `doctor` is refused before it signs in."""


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("snapshot")
    subprocess.run([PROGRAM, "collect", "--demo", "--output", "s.jsonl"], cwd=folder, check=False, capture_output=True)
    return folder / "s.jsonl"


@pytest.fixture
def checkout(tmp_path: Path, snapshot: Path) -> Path:
    """A repository; beside it a home folder that is full of secrets, and a folder for what is written."""
    for folder in ("checkout/.git", "home/rules", "out"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "snapshot.jsonl").symlink_to(snapshot)
    home = tmp_path / "home"
    (home / "secret").write_text(CANARY)
    (home / "keys.json").write_text(json.dumps({"exemptions": [], CANARY: CANARY}))
    (home / "twice.json").write_text(f'{{"{CANARY}": 1, "{CANARY}": 2}}')
    (home / "credentials.toml").write_text(f'{CANARY} = "{CANARY}"\n[scan]\nfail-on = "{CANARY}"\n[{CANARY}]\nx = 1\n')
    (home / "rules" / "auths.json").write_text(json.dumps({"id": CANARY, CANARY: {CANARY: CANARY}}))
    (tmp_path / "checkout" / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "checkout" / ".git" / "config").write_text(f"extraheader = {CANARY}\n")
    return tmp_path / "checkout"


def run(checkout: Path, *arguments: str, **named: str) -> subprocess.CompletedProcess[str]:
    """Run the command in `checkout`, and look for the canary in all that it says and writes."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(checkout.parent / "home"),
        "AZURE_CLIENT_SECRET": CANARY,
        **named,
    }
    result = subprocess.run(
        [PROGRAM, *arguments],
        cwd=checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    written = [path.read_text() for path in (checkout.parent / "out").iterdir()]
    for text in (result.stdout, result.stderr, *written):
        assert CANARY not in text
        assert "Traceback" not in text
    return result


def configure(checkout: Path, text: str) -> None:
    (checkout / "tokenguard.toml").write_text(text)


def parameter(value: str, rule: str = LISTED, name: str = "allowed") -> Callable[[Path], None]:
    """A parameter that is read from a file."""
    return lambda checkout: configure(checkout, f'[parameters.{rule}]\n{name} = "@{value}"\n')


def link(name: str, target: str, then: Callable[[Path], None]) -> Callable[[Path], None]:
    def prepare(checkout: Path) -> None:
        (checkout / name).symlink_to(target)
        then(checkout)

    return prepare


def scan(line: str) -> Callable[[Path], None]:
    return lambda checkout: configure(checkout, f"[scan]\n{line}\n")


def absolute(checkout: Path) -> None:
    parameter(str(checkout.parent / "home" / "secret"))(checkout)


def pipe(checkout: Path) -> None:
    os.mkfifo(checkout / "pipe")
    parameter("pipe")(checkout)


def piped_configuration(checkout: Path) -> None:
    os.mkfifo(checkout / "tokenguard.toml")


def rule_that_leads_out(checkout: Path) -> None:
    (checkout / "rules").mkdir()
    (checkout / "rules" / "auths.json").symlink_to("../../home/rules/auths.json")
    scan('rules = ["./rules"]')(checkout)


def folder_that_leads_out(checkout: Path) -> None:
    (checkout / "rules").mkdir()
    (checkout / "rules" / "more").symlink_to("../../home/rules")
    scan('rules = ["./rules"]')(checkout)


OUTSIDE = {
    "environ by a link": link("secret", "/proc/self/environ", parameter("secret")),
    "environ by its path": parameter("/proc/self/environ"),
    "environ as a duration": link("secret", "/proc/self/environ", parameter("secret", TOO_LONG, "maximum")),
    "environ by the thread": parameter("/proc/thread-self/environ", TOO_LONG, "maximum"),
    "upward": parameter("../home/secret"),
    "upward as a duration": parameter("../home/secret", TOO_LONG, "maximum"),
    "absolute": absolute,
    "link to a file": link("secret", "../home/secret", parameter("secret")),
    "link to a folder": link("folder", "../home", parameter("folder/secret")),
    "what git keeps": parameter(".git/config"),
    "pipe": pipe,
    "device": parameter("/dev/zero"),
    "exemptions by a link": link("e.json", "../home/keys.json", scan('exemptions = "e.json"')),
    "exemptions by a link, a key twice": link("e.json", "../home/twice.json", scan('exemptions = "e.json"')),
    "exemptions upward": scan('exemptions = "../home/keys.json"'),
    "exemptions are the environment": scan('exemptions = "/proc/self/environ"'),
    "baseline by a link": link("b.json", "../home/keys.json", scan('baseline = "b.json"')),
    "baseline by a link, a key twice": link("b.json", "../home/twice.json", scan('baseline = "b.json"')),
    "baseline upward": scan('baseline = "../home/twice.json"'),
    "rules upward": scan('rules = ["../home/rules"]'),
    "rules by a link": link("linked", "../home/rules", scan('rules = ["./linked"]')),
    "rules by a link without a slash": link("linked", "../home/rules", scan('rules = ["linked"]')),
    "a single rule by a link": link("auths.json", "../home/rules/auths.json", scan('rules = ["./auths.json"]')),
    "a rule in the folder by a link": rule_that_leads_out,
    "a folder in the folder by a link": folder_that_leads_out,
    "the configuration by a link": link("tokenguard.toml", "../home/credentials.toml", lambda _: None),
    "the configuration is the environment": link("tokenguard.toml", "/proc/self/environ", lambda _: None),
    "the configuration is a pipe": piped_configuration,
}
"""What a checkout may hold, and must not get."""
_REFUSED = r"(?m)^Error: \S+: (leads out of \S+, or into|cannot be read \(it is no regular file\))"
"""Before anything of it was read."""


@pytest.mark.parametrize("prepare", OUTSIDE.values(), ids=OUTSIDE)
def test_a_checkout_shows_nothing_from_outside_its_repository(checkout: Path, prepare: Callable[[Path], None]) -> None:
    prepare(checkout)
    for command in COMMANDS:
        result = run(checkout, *command)
        if _takes(command[0], checkout / "tokenguard.toml"):
            assert (result.returncode, result.stdout) == (2, ""), (command, result.stderr)
            assert re.search(_REFUSED, result.stderr), result.stderr


def _takes(command: str, configuration: Path) -> bool:
    """Whether the command reads what the configuration names: a comparison takes no baseline, and so on."""
    text = configuration.read_text() if configuration.is_file() and not configuration.is_symlink() else ""
    takers = {"exemptions": ("scan", "fix", "explain", "diff"), "baseline": ("scan", "fix")}
    return all(command in commands for option, commands in takers.items() if f"{option} =" in text)


@pytest.mark.parametrize("prepare", OUTSIDE.values(), ids=OUTSIDE)
def test_a_folder_without_a_repository_shows_nothing_from_outside_itself(
    checkout: Path, prepare: Callable[[Path], None]
) -> None:
    shutil.rmtree(checkout / ".git")
    prepare(checkout)
    result = run(checkout, "scan", "--demo")
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    assert re.search(_REFUSED, result.stderr)


WRONG = {
    "exemptions": '{"exemptions": [{"rule": "%s", "%s": ["%s"]}]}',
    "exemptions with a key twice": '{"%s": 1, "x": ["%s"], "%s": 2}',
    "exemptions with a wrong date": (
        f'{{"exemptions": [{{"rule": "{TOO_LONG}", "resource": "%s", "reason": "%s", "owner": "x", "expires": "%s"}}]}}'
    ),
    "exemptions with a value": (
        f'{{"exemptions": [{{"rule": "{TOO_LONG}", "resource": "x", "reason": "y", "owner": "x",'
        ' "expires": "2999-01-01", "parameters": {"maximum": "%s", "%s": 1, "minimum": "%s"}}]}'
    ),
    "exemptions that are no JSON": "%s %s %s",
    "baseline": '{"version": 1, "tenant": "%s", "findings": {"%s": {"rule": "%s"}}}',
    "baseline with a key twice": '{"findings": {"%s": 1, "x": ["%s"], "%s": 2}}',
    "baseline of another tenant": '{"version": 1, "tenant": "%s", "created": "%s", "findings": {}, "$schema": "%s"}',
}


@pytest.mark.parametrize("named", [True, False], ids=["named", "configured"])
@pytest.mark.parametrize("kind", WRONG)
def test_a_file_of_decisions_is_quoted_in_no_error(checkout: Path, kind: str, named: bool) -> None:
    option = kind.partition(" ")[0]
    (checkout / "wrong.json").write_text(WRONG[kind].replace("%s", CANARY))
    if not named:
        scan(f'{option} = "wrong.json"')(checkout)
    for command in ("scan", "--demo"), ("fix", "--demo", "--dry-run"):
        result = run(checkout, *command, *(("--" + option, "wrong.json") if named else ()))
        assert (result.returncode, result.stdout) == (2, "")
        assert "wrong.json" in result.stderr
        assert "line 1, column " in result.stderr or "another tenant" in result.stderr


@pytest.mark.parametrize("named", [True, False], ids=["named", "configured"])
@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        (TOO_LONG, "maximum", CANARY),
        (TOO_LONG, "maximum", f'"{CANARY}"'),
        (LISTED, "allowed", f'["{CANARY}", 7]'),
        (LISTED, "allowed", f'["{CANARY}"'),
        (LISTED, "allowed", f'[{{"{CANARY}": 1, "{CANARY}": 2}}]'),
    ],
)
def test_a_value_in_a_file_is_quoted_in_no_error(checkout: Path, rule: str, name: str, text: str, named: bool) -> None:
    (checkout / "value").write_text(text)
    if not named:
        parameter("value", rule, name)(checkout)
    result = run(checkout, "scan", "--demo", *(("--set", f"{rule}.{name}=@value") if named else ()))
    assert (result.returncode, result.stdout) == (2, "")
    assert f'parameter "{name}"' in result.stderr.replace("'", '"')
    assert rule != TOO_LONG or "not a value of maxDuration, which is a duration such as PT2H" in result.stderr


@pytest.mark.parametrize(
    "document",
    [
        f'{{"id": "{CANARY}", "{CANARY}": ["{CANARY}"]}}',
        f'{{"{CANARY}": 1, "{CANARY}": 2}}',
        json.dumps(
            {
                "id": "wrong",
                "title": CANARY,
                "severity": "low",
                "resource": "tokenLifetimePolicy",
                "parameters": {CANARY: {"title": CANARY, "enum": [CANARY]}},
                "require": {"properties": {CANARY: {"const": CANARY}}},
                "examples": [{"outcome": "fail", "properties": {CANARY: CANARY}}],
            }
        ),
    ],
)
def test_a_configured_rule_is_quoted_in_no_error(checkout: Path, document: str) -> None:
    (checkout / "rules").mkdir()
    (checkout / "rules" / "wrong.json").write_text(document)
    scan('rules = ["rules"]')(checkout)
    for command in COMMANDS:
        result = run(checkout, *command)
        assert (result.returncode, result.stdout) == (2, "")
        assert "rules/wrong.json: line 1, column " in result.stderr


def test_what_the_own_rule_calls_its_parameter_is_not_told_where_a_setting_is_wrong(checkout: Path) -> None:
    document = {
        "id": "own",
        "title": "x",
        "severity": "low",
        "resource": "tokenLifetimePolicy",
        "parameters": {"only": {"title": CANARY, "enum": [CANARY]}},
        "require": {"properties": {"displayName": {"$ref": "#/parameters/only"}}},
        "examples": [
            {"outcome": "pass", "properties": {"displayName": CANARY}},
            {"outcome": "fail", "properties": {"displayName": "x"}},
            {"outcome": "not-evaluated", "unknown": {"displayName": "x"}},
        ],
    }
    (checkout / "rules").mkdir()
    (checkout / "rules" / "own.json").write_text(json.dumps(document))
    configure(checkout, '[scan]\nrules = ["rules"]\n[parameters.own]\nonly = 7\nolny = 8\n')
    result = run(checkout, "scan", "--demo")
    assert result.returncode == 2
    assert 'parameter "only": not a value of enum' in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("rules", "check", "rules"),
        ("rules", "check", "rules/auths.json"),
        ("rules", "list", "--rules", "rules"),
        ("rules", "show", "x", "--rules", "rules/auths.json"),
        ("scan", "--demo", "--rules", "rules"),
    ],
)
def test_rules_that_are_named_show_nothing_from_behind_a_link(checkout: Path, command: tuple[str, ...]) -> None:
    rule_that_leads_out(checkout)
    (checkout / "tokenguard.toml").unlink()
    result = run(checkout, *command)
    assert result.returncode == 2
    assert "rules/auths.json: line 1, column " in result.stderr


def test_a_rule_that_lies_where_it_is_named_is_explained(checkout: Path) -> None:
    (checkout / "rules").mkdir()
    (checkout / "rules" / "wrong.json").write_text('{"id": "wrong", "colour": "blue"}')
    assert '"colour" is no field' in run(checkout, "rules", "check", "rules").stderr


@pytest.mark.parametrize("variable", [True, False])
def test_a_configuration_that_is_named_is_quoted_in_no_error(checkout: Path, variable: bool) -> None:
    """In a pipeline the option stands in a file of its own, and the checkout decides what lies there."""
    (checkout / "mine.toml").symlink_to("../home/credentials.toml")
    named = {"TOKENGUARD_CONFIG": "mine.toml"} if variable else {}
    for text in (
        None,
        f"[parameters.{CANARY}]\nx = 1\n",
        f'[scan]\nselect = ["{CANARY}"]\n',
        f'[scan]\nrules = ["{CANARY}"]\n',
        f'[scan]\nformat = ["{CANARY}"]\n',
        f'[scan]\nformat = ["{CANARY}", "text"]\n',
        f'[scan]\nselect = "{CANARY}"\n[severity]\n{CANARY} = "{CANARY}"\n',
        f"{CANARY} = = 1",
        "\0",
    ):
        if text is not None:
            (checkout / "mine.toml").unlink()
            (checkout / "mine.toml").write_text(text)
        result = run(checkout, "scan", "--demo", *(() if variable else ("--config", "mine.toml")), **named)
        assert (result.returncode, result.stdout) == (2, "")
        assert "mine.toml: " in result.stderr
    assert "(at line 1, column 1)" in result.stderr


def test_the_tenant_of_a_configuration_that_is_named_is_not_quoted(checkout: Path) -> None:
    pinned = "deadbeef-0000-4000-8000-000000000000"
    for name in ("tokenguard.toml", "named.toml"):
        (checkout / name).write_text(f'[scan]\ntenant = "{pinned}"\n')
        result = run(checkout, "scan", "--snapshot", "../snapshot.jsonl", "--config", name)
        assert (result.returncode, pinned in result.stderr) == (2, False)
        assert f"{name} is for another tenant, but this is " in result.stderr
    assert f"is for tenant {pinned}" in run(checkout, "scan", "--snapshot", "../snapshot.jsonl").stderr


def test_of_rules_that_there_are_not_the_first_is_named(checkout: Path) -> None:
    configure(checkout, "[severity]\n" + "\n".join(f'no-such-{name} = "low"' for name in "dbca"))
    assert "tokenguard.toml: no-such-a: no such rule" in run(checkout, "scan", "--demo").stderr


def test_a_list_in_the_folder_is_taken_and_only_its_beginning_shown(checkout: Path) -> None:
    """Of twelve ids the first three are shown, the others in no format, not even where an exemption repeats them."""
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(3)]
    (checkout / "allowed.txt").write_text("\n".join([*ids, *(f"{CANARY}-{number}" for number in range(9))]))
    parameter("allowed.txt")(checkout)
    for command in COMMANDS[:-1]:
        result = run(checkout, *command)
        assert result.returncode in {0, 1, 3}, result.stderr
    report = json.loads((checkout.parent / "out" / "scan.json").read_text())
    (rule,) = (rule for rule in report["rules"] if rule["id"] == LISTED)
    value = rule["parameters"]["allowed"]["value"]
    assert (value["count"], value["first"]) == (12, ids)
    assert {each["violations"][0]["expected"]["count"] for each in report["findings"] if each["rule"] == LISTED} == {12}
    for name in FORMATS:
        saved = run(checkout, "report", "../out/scan.json", "--format", name)
        assert saved.returncode == 0
        assert name in ("html", "github") or saved.stdout == (checkout.parent / "out" / f"scan.{name}").read_text()


def test_a_file_that_is_named_on_the_command_line_lies_where_it_may(checkout: Path) -> None:
    home = checkout.parent / "home"
    (home / "limit").write_text("PT9H")
    (home / "none.json").write_text('{"exemptions": []}')
    (home / "own.toml").write_text(f'[scan]\nselect = ["{TOO_LONG}"]\nexemptions = "none.json"\n')
    arguments = ["--set", f"{TOO_LONG}.maximum=@../home/limit", "--exemptions", str(home / "none.json")]
    result = run(checkout, "scan", "--demo", "--select", TOO_LONG, *arguments)
    assert (result.returncode, "at most 9 h allowed" in result.stdout) == (1, True)
    assert run(checkout, "scan", "--demo", "--config", "../home/own.toml").returncode == 1


def test_the_page_of_a_rule_shows_the_beginning_of_a_long_list(checkout: Path) -> None:
    names = [f"name-{number}" for number in range(10)]
    document = {
        "id": "own",
        "title": "x",
        "severity": "low",
        "resource": "tokenLifetimePolicy",
        "parameters": {"only": {"title": "Names", "enum": names}},
        "require": {"properties": {"displayName": {"$ref": "#/parameters/only"}}},
        "examples": [
            {"outcome": "pass", "properties": {"displayName": "name-0"}},
            {"outcome": "fail", "properties": {"displayName": "x"}},
            {"outcome": "not-evaluated", "unknown": {"displayName": "x"}},
        ],
    }
    (checkout / "own.json").write_text(json.dumps(document))
    assert ", ".join(names) in run(checkout, "rules", "show", "own", "--rules", "own.json").stdout
    names.append(CANARY)
    (checkout / "own.json").write_text(json.dumps(document))
    page = run(checkout, "rules", "show", "own", "--rules", "own.json").stdout
    assert page.count("11 values (name-0, name-1, name-2, …)") == 2


ODD = {
    "exemptions with a NUL": scan('exemptions = "a\\u0000b"'),
    "a baseline with a NUL": scan('baseline = "a\\u0000b"'),
    "rules with a NUL": scan('rules = ["./a\\u0000b"]'),
    "a value with a NUL": parameter("secret\\u0000"),
    "rules of a long name": scan(f'rules = ["{"a" * 300}"]'),
    "a value of a long name": parameter("a" * 300),
}


@pytest.mark.parametrize("prepare", ODD.values(), ids=ODD)
def test_a_path_that_no_system_takes_is_an_error_of_the_file(checkout: Path, prepare: Callable[[Path], None]) -> None:
    prepare(checkout)
    result = run(checkout, "scan", "--demo")
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    assert result.stderr.splitlines()[-2 if "Hint" in result.stderr else -1].startswith("Error: ")


@pytest.mark.parametrize(
    "command",
    [
        ("scan", "--demo", "--rules"),
        ("rules", "check"),
        ("scan", "--snapshot"),
        ("diff", "../snapshot.jsonl"),
        ("explain", "Dataverse", "--snapshot"),
        ("collect", "--output", "../out/s.jsonl", "--from"),
        ("scan", "--demo", "--config"),
        ("scan", "--demo", "--baseline"),
        ("scan", "--demo", "--output"),
    ],
)
def test_nor_is_such_a_path_on_the_command_line_a_fault_of_the_program(
    checkout: Path, command: tuple[str, ...]
) -> None:
    for path in ("a" * 300, "./" + "a" * 300 + "/b"):
        result = run(checkout, *command, path)
        assert (result.returncode, result.stdout) == (2, ""), result.stderr


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="takes root, to become somebody else")
@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", "--demo", "--rules", "closed/x"),
        ("rules", "check", "closed/x"),
        ("scan", "--snapshot", "closed/x"),
        ("diff", "closed/x", "--demo"),
        ("explain", "Dataverse", "--snapshot", "closed/x"),
        ("scan", "--demo", "--config", "toml"),
    ],
)
def test_what_may_not_be_looked_at_is_said(arguments: tuple[str, ...]) -> None:
    """In this process's place another user's, who may not look into a folder of root's."""
    program = f"""
import os, sys, tempfile
from pathlib import Path
from tokenguard.cli import run
os.chdir(tempfile.mkdtemp())
Path("closed").mkdir()
Path("toml").write_text('[scan]\\nrules = ["./closed/x"]')
for name in (".", "toml", "closed"):
    os.chmod(name, 0o700 if name == "closed" else 0o755)
import tomllib, traceback
import tokenguard.cli.scan, tokenguard.cli.explain, tokenguard.cli.diff
import tokenguard.cli.rules, tokenguard.cli.toml_limits
from tokenguard.cli import context
context.plugins()
os.setuid(12345)
sys.exit(run({list(arguments)!r}))
"""
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "TOKENGUARD_PLUGINS": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2, result.stderr
    assert "Internal error" not in result.stderr
    assert "closed/x" in result.stderr


@pytest.mark.parametrize("name", [".", "", "./policies"])
def test_rules_may_lie_at_the_root_of_a_clone(checkout: Path, name: str) -> None:
    for folder in (checkout, checkout / "policies"):
        (folder / ".git").mkdir(parents=True, exist_ok=True)
        for kept in ("x.json", "HEAD"):
            (folder / ".git" / kept).write_text(CANARY)
        (folder / "wrong.json").write_text('{"id": "wrong"}')
    scan(f'rules = ["{name}"]')(checkout)
    result = run(checkout, "scan", "--demo")
    assert result.returncode == 2
    assert "wrong.json: line 1, column 1" in result.stderr
    assert ".git" not in result.stderr


@pytest.mark.parametrize("table", ["severity", "scan"])
def test_of_many_mistakes_in_a_file_that_was_named_the_first_are_told_with_their_places(
    checkout: Path, table: str
) -> None:
    """To look for each of them in the whole file took minutes."""
    lines = "\n".join(f'  "{CANARY}-{"k" * 50}-{number}" = 1' for number in range(9_990))
    (checkout / "named.toml").write_text(f"# {CANARY}-0 = 1\n[{table}]\n{lines}\n")
    result = run(checkout, "scan", "--demo", "--config", "named.toml")
    assert result.returncode == 2
    told = [line.partition("named.toml: ")[2] for line in result.stderr.splitlines() if "named.toml: " in line]
    assert (len(told), told[-1]) == (25, "and 9966 more")
    assert [line.partition(": ")[0] for line in told[:-1]] == [f"line {number}, column 3" for number in range(3, 27)]


def test_the_place_of_a_wrong_setting_is_told(checkout: Path) -> None:
    (checkout / "named.toml").write_text(f"x = '''\n{CANARY}\n'''\n[scan]\n\"select\" = 1\nfail-on = '{CANARY}'\n")
    result = run(checkout, "scan", "--demo", "--config", "named.toml")
    for said in (
        "line 1, column 1: unknown",
        "line 5, column 1: scan.select: a list",
        "line 6, column 1: scan.fail-on",
    ):
        assert f"named.toml: {said}" in result.stderr


def test_a_long_name_in_a_configuration_is_cut_short(checkout: Path) -> None:
    (checkout / "tokenguard.toml").write_text(f"{'k' * 5_000} = 1\n[severity]\n{'l' * 5_000} = 1\n")
    assert len(run(checkout, "scan", "--demo").stderr) < 1_000


@pytest.mark.parametrize(
    "prepare",
    [
        scan('exemptions = "kept/e.json"'),
        scan('baseline = "kept/e.json"'),
        scan('rules = ["kept"]'),
        parameter("kept/e.json"),
    ],
    ids=["exemptions", "baseline", "rules", "value"],
)
@pytest.mark.parametrize("open_to_all", ["kept/e.json", "kept"])
def test_what_a_found_configuration_names_is_nobody_elses_to_write(
    checkout: Path, prepare: Callable[[Path], None], open_to_all: str
) -> None:
    prepare(checkout)
    (checkout / "kept").mkdir()
    (checkout / "kept" / "e.json").write_text('{"exemptions": []}')
    (checkout / open_to_all).chmod(0o777)
    said = f"{open_to_all}: not used, since anyone may write it"
    assert said in run(checkout, "scan", "--demo").stderr
    assert said not in run(checkout, "scan", "--demo", "--config", "tokenguard.toml").stderr


@pytest.mark.parametrize("rule", [LISTED, "own"])
def test_of_a_long_text_in_a_file_only_the_beginning_is_shown(checkout: Path, rule: str) -> None:
    """A key or a token is a text without an end of line; a pattern, too, which is read back from a report."""
    document = {
        "id": "own",
        "title": "x",
        "severity": "low",
        "resource": "tokenLifetimePolicy",
        "parameters": {"allowed": {"title": "Names", "pattern": "^a"}},
        "require": {"properties": {"displayName": {"$ref": "#/parameters/allowed"}}},
        "examples": [
            {"outcome": "pass", "properties": {"displayName": "a"}},
            {"outcome": "fail", "properties": {"displayName": "x"}},
            {"outcome": "not-evaluated", "unknown": {"displayName": "x"}},
        ],
    }
    (checkout / "rules").mkdir()
    (checkout / "rules" / "own.json").write_text(json.dumps(document))
    (checkout / "long").write_text(f"{'(' * 8}{'x' * 100}{CANARY}{')' * 8}")
    words = f'[scan]\nrules = ["rules", "token-lifetime"]\n[parameters.{rule}]\nallowed = "@long"\n'
    configure(checkout, words)
    for command in COMMANDS[:4]:
        assert run(checkout, *command).returncode in {0, 1, 3}
    assert f"{'(' * 8}{'x' * 52}… (" in (checkout.parent / "out" / "scan.json").read_text()
    for name in FORMATS:
        assert run(checkout, "report", "../out/scan.json", "--format", name).returncode == 0

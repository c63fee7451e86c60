"""`tokenguard rules` as people run it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from authors import TYPES, rule_document

PROGRAM = str(Path(sys.executable).with_name("tokenguard"))
RULE = "access-token-lifetime-too-long"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [PROGRAM, "rules", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)


def write(folder: Path, **changes: object) -> Path:
    document = rule_document(**changes)
    path = folder / f"{document['id']}.json"
    path.write_text(json.dumps(document))
    return path


def assert_refused(result: subprocess.CompletedProcess[str], *said: str) -> None:
    """One clear message on stderr, exit status 2, nothing on stdout, no traceback."""
    assert (result.returncode, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr
    for text in said:
        assert text in result.stderr


def test_list_names_every_rule_with_severity_and_title_by_pack() -> None:
    result = run("list")
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert "token-lifetime" in lines
    assert f"  high      {RULE}" in result.stdout
    assert "A token lifetime policy lets access tokens live too long" in result.stdout


def test_list_takes_a_folder_of_one_s_own(tmp_path: Path) -> None:
    write(tmp_path)
    assert (
        run("list", "--rules", tmp_path).stdout
        == f"{tmp_path.name}\n  high      lives-too-long  Tokens live too long\n"
    )


def test_show_explains_a_rule_in_people_s_units() -> None:
    page = run("show", RULE).stdout
    assert page.startswith(f"{RULE}\n")
    assert "accessTokenLifetimeSeconds is at most 1 h 30 min" in page
    assert f"--set {RULE}.maximum=PT1H30M" in page
    for title in ("Why", "How to mend it", "Read more", "Frameworks"):
        assert f"\n\n{title}\n  " in page


@pytest.mark.parametrize(
    ("absent", "said"),
    [({}, "is not evaluated"), ({"absent": "fail"}, "is a finding"), ({"absent": "pass"}, "complies")],
)
def test_show_says_what_becomes_of_an_object_that_should_be_there(
    tmp_path: Path, absent: dict[str, str], said: str
) -> None:
    five_hours = (
        Path(__file__).parents[2] / "examples/dataverse-five-hours/rules/dataverse-lifetime-not-five-hours.json"
    )
    document = {**json.loads(five_hours.read_bytes()), "absent": "not-evaluated", **absent}
    (tmp_path / five_hours.name).write_text(json.dumps(document))
    page = run("show", five_hours.stem, "--rules", tmp_path).stdout
    assert f"\n\nWhere the tenant has no such object\n  {said}\n" in page
    assert "no such object" not in run("show", RULE).stdout


def test_show_offers_the_nearest_rule() -> None:
    assert_refused(run("show", "access-token-lifetime-to-long"), f'did you mean "{RULE}"?')


def test_check_passes_the_built_in_rules() -> None:
    result = run("check")
    assert result.returncode == 0
    assert result.stdout.endswith("no mistakes\n")


def test_check_says_all_mistakes_of_all_files_at_once(tmp_path: Path) -> None:
    write(tmp_path, severity="hihg", mesage="x")
    write(tmp_path, id="second", resource="lamp")
    (tmp_path / "third.json").write_text('{"id": "third", "id": "third"}')
    assert_refused(
        run("check", tmp_path),
        '/severity: "hihg" is not possible here; did you mean "high"?',
        '/mesage: "mesage" is no field; did you mean "message"?',
        'second.json: /resource: no resource type "lamp"',
        "third.json: the key 'id' stands twice",
    )


def test_check_makes_no_request_for_a_remote_reference(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
        path = write(tmp_path, require={"$ref": address}, parameters=None)
        assert_refused(run("check", path), "Nothing is ever fetched")
        with pytest.raises(BlockingIOError):  # nobody has knocked
            server.accept()


def test_text_of_a_rule_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    path = write(tmp_path, title="red \x1b[31m \u202e", rationale="one\ntwo\x9b2J")
    for result in (run("list", "--rules", path), run("show", "lives-too-long", "--rules", path)):
        assert result.returncode == 0
        assert "red \\x1b[31m \\u202e" in result.stdout
        assert not {"\x1b", "\u202e", "\x9b"} & set(result.stdout)
    path = write(tmp_path, severity="\x9b2J", **{"\u202eesle": 1})
    assert not {"\x9b", "\u202e"} & set(run("check", path).stderr)


@pytest.mark.parametrize("name", ["nothing-here", "empty"])
def test_check_refuses_a_path_without_rules(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    assert_refused(run("check", tmp_path / name), name)


def test_check_refuses_two_rules_of_one_id(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder)
    assert_refused(run("check", tmp_path / "a", tmp_path / "b"), "b/lives-too-long.json: /id:", "a/lives-too-long.json")


def test_check_refuses_a_huge_line_and_deep_nesting_quickly(tmp_path: Path) -> None:
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(200 * 2**20)
    assert_refused(run("check", tmp_path / "huge.json"), "huge.json: larger than 4 MiB")
    (tmp_path / "deep.json").write_text("[" * 1_000_000)
    assert_refused(run("check", tmp_path / "deep.json"), "deep.json", "nested deeper")


@pytest.mark.parametrize("type_", TYPES)
def test_new_writes_a_rule_that_passes_check_and_completes_in_editors(tmp_path: Path, type_: str) -> None:
    written = run("new", "something-is-wrong", "--resource", type_, "--output", tmp_path)
    assert (written.returncode, written.stdout) == (0, f"{tmp_path / 'something-is-wrong.json'}\n")
    assert "tokenguard rules check" in written.stderr
    document = json.loads((tmp_path / "something-is-wrong.json").read_bytes())
    assert document["$schema"] == "./rule.schema.json"
    assert json.loads((tmp_path / "rule.schema.json").read_bytes())["$id"] == "urn:tokenguard:schema:rule"
    assert run("check", tmp_path).stdout.startswith("1 rule, ")


def test_new_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("precious")
    (tmp_path / "rule.schema.json").write_text("precious too")
    result = run("new", "mine", "--resource", "organization", "--output", tmp_path)
    assert_refused(result, "mine.json: is there already")
    assert run("new", "other", "--resource", "organization", "--output", tmp_path).returncode == 0
    assert (tmp_path / "mine.json").read_text() == "precious"
    assert (tmp_path / "rule.schema.json").read_text() == "precious too"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["New_Rule", "--resource", "organization"], "lower-case words with hyphens"),
        (["../new-rule", "--resource", "organization"], "lower-case words with hyphens"),
        (["", "--resource", "organization"], "'' is no rule id"),
        (["\udcff", "--resource", "organization"], "'\\udcff' is no rule id"),
        (["new-rule", "--resource", "organisation"], 'did you mean "organization"?'),
        (["new-rule", "--resource", "organization", "--output", "no/folder"], "new-rule.json: cannot be written"),
        (["new-rule"], "--resource"),
    ],
)  # fmt: skip
def test_new_refuses_what_it_cannot_write_and_leaves_nothing(tmp_path: Path, arguments: list[str], said: str) -> None:
    if "--output" not in arguments:
        arguments = [*arguments, "--output", str(tmp_path)]
    assert_refused(run("new", *arguments), said)
    assert list(tmp_path.iterdir()) == []

"""Files that are made to be too much: refused with the limit, and in little memory."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from peak import measured
from tokenguard.snapshot.compression import writing

LISTED = "token-lifetime-policy-on-unlisted-principal"


def tree(leaf: str, branches: int, levels: int) -> str:
    """Lists of `branches` lists each, in so many levels."""
    return leaf if levels == 0 else f"[{','.join([tree(leaf, branches, levels - 1)] * branches)}]"


COSTLY = {
    "a dotted key of 20,000 parts": ".".join("a" * 20_000) + " = 1",
    "a key that is no whole line": ".".join("a" * 20_000),
    "a table of 20,000 parts": "[" + ".".join("a" * 20_000) + "]",
    "lists in lists": "a = " + "[" * 50_000 + "]" * 50_000,
    "tables in tables": "a = " + "{a = " * 50_000 + "1" + "}" * 50_000,
    "deep in three ways": f"[{'.'.join('a' * 10)}]\n" + f"{'.'.join('b' * 5_000)} = {'[' * 5_000}{']' * 5_000}",
    "keys of 16 parts": "\n".join(f"a{number}." + ".".join("b" * 15) + " = 1" for number in range(20_000)),
    "tables of 15 parts": "\n".join(f"[a{number}." + ".".join("b" * 14) + "]" for number in range(20_000)),
    "lists side by side": "a = [" + "[]," * 349_000 + "]",
    "a tree of lists": f"[parameters.{LISTED}]\nallowed = {tree(tree('[[[[[[[[]]]]]]]]', 6, 1), 10, 4)}",
    "more than 1 MiB": "# \n" * (3 << 20),
}


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> float:
    """The memory of a run without a configuration."""
    done = measured("scan", "--demo", folder=tmp_path_factory.mktemp("plain"))
    assert done.status == 1
    return done.megabytes


@pytest.mark.parametrize("name", COSTLY)
def test_a_configuration_that_would_take_gigabytes_is_refused_for_little(
    tmp_path: Path, without: float, name: str
) -> None:
    (tmp_path / "tokenguard.toml").write_text(COSTLY[name])
    done = measured("scan", "--demo", folder=tmp_path)
    assert (done.status, done.stdout) == (2, "")
    assert "tokenguard.toml: " in done.stderr
    assert any(limit in done.stderr for limit in ("16 levels", "10,000 names", "1 MiB"))
    assert done.megabytes < without + 50


@pytest.mark.parametrize(
    "text",
    [
        "a = [" + "'aa'," * 209_000 + "]",
        "a = [" + "1.5," * 260_000 + "]",
        "a = '''" + "'' " * 349_000 + "'''",
        "\n".join(f"[a{number}." + ".".join("b" * 14) + "]" for number in range(600)),
        "[scan]\n" + "\n".join(f"unknown{number} = 1" for number in range(9_000)),
    ],
    ids=["texts", "numbers", "one text", "tables", "settings"],
)
def test_what_the_limits_admit_is_parsed_for_little(tmp_path: Path, without: float, text: str) -> None:
    (tmp_path / "tokenguard.toml").write_text(text)
    done = measured("scan", "--demo", folder=tmp_path)
    assert (done.status, done.stdout) == (2, "")
    assert "unknown setting" in done.stderr
    assert done.megabytes < without + 50


@pytest.mark.parametrize("place", [f"[parameters.{LISTED}]\nallowed", f"[severity]\n{LISTED}", "[scan]\nselect"])
@pytest.mark.parametrize(
    "value",
    [tree("[" + '"' + "a" * 900 + '"]', 9, 3), f"[{tree('0', 10, 3)}, '{'a' * 1_000_000}']"],
    ids=["long texts", "one long text"],
)
def test_a_value_of_a_wrong_shape_is_quoted_in_short(tmp_path: Path, without: float, place: str, value: str) -> None:
    (tmp_path / "tokenguard.toml").write_text(f"{place} = {value}")
    done = measured("scan", "--demo", folder=tmp_path)
    assert (done.status, done.stdout) == (2, "")
    assert len(done.stderr) < 1_000
    assert done.megabytes < without + 50


@pytest.mark.parametrize("flag", [True, False])
@pytest.mark.parametrize(
    ("text", "said"), [("a," * (10 << 20), "larger than 1 MiB"), ("a," * (1 << 19), "more than 100,000 items")]
)
def test_a_value_in_a_file_takes_little(tmp_path: Path, without: float, text: str, said: str, flag: bool) -> None:
    (tmp_path / "list").write_text(text)
    if not flag:
        (tmp_path / "tokenguard.toml").write_text(f'[parameters.{LISTED}]\nallowed = "@list"\n')
    done = measured("scan", "--demo", *(("--set", f"{LISTED}.allowed=@list") if flag else ()), folder=tmp_path)
    assert (done.status, done.stdout) == (2, "")
    assert f"list: {said}" in done.stderr
    assert f"the value of {LISTED}.allowed" in done.stderr
    assert done.megabytes < without + 50


@pytest.mark.parametrize("text", ["a = " + "9" * 5_000, "a = \0", "a = 1979-99-99"])
def test_a_value_that_no_parser_takes_is_no_fault_of_the_program(tmp_path: Path, text: str) -> None:
    (tmp_path / "tokenguard.toml").write_text(text)
    done = measured("scan", "--demo", folder=tmp_path)
    assert (done.status, done.stdout) == (2, "")
    assert "tokenguard.toml: not TOML" in done.stderr


# --- snapshots ------------------------------------------------------------------------------------------------------

RULE = ("--select", "organization-default-policy")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The lines of a snapshot of the embedded tenant."""
    folder = tmp_path_factory.mktemp("collected")
    assert measured("collect", "--demo", "--output", "tenant.jsonl", *RULE, folder=folder).status == 0
    return (folder / "tenant.jsonl").read_bytes().splitlines(keepends=True)


def sealed(lines: list[bytes], summary: bytes) -> bytes:
    """`lines` with a last one that says what they hold."""
    body = b"".join(lines) + summary
    return body + b',"digest":"crc32:%08x"}\n' % zlib.crc32(body)


@pytest.fixture
def doubled(collected: list[bytes], tmp_path: Path) -> Path:
    """A snapshot in which one policy stands twice; its digest and its counts agree."""
    header, *resources, last = collected
    policies = [line for line in resources if b'"type":"tokenLifetimePolicy"' in line]
    summary = json.loads(last)
    del summary["digest"]
    summary["types"]["tokenLifetimePolicy"]["count"] += 1
    text = json.dumps(summary, separators=(",", ":")).encode().removesuffix(b"}")
    path = tmp_path / "doubled.jsonl"
    path.write_bytes(sealed([header, *resources, policies[0]], text))
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", "--snapshot", "doubled.jsonl", "--output", "report.json", "--write-baseline", "baseline.json"),
        ("scan", "--snapshot", "doubled.jsonl", "--save-snapshot", "again.jsonl"),
        ("collect", "--from", "doubled.jsonl", "--output", "again.jsonl"),
        ("diff", "doubled.jsonl", "good.jsonl", "--output", "report.json"),
        ("diff", "good.jsonl", "doubled.jsonl", "--output", "report.json"),
        ("diff", "doubled.jsonl", "--demo", "--output", "report.json"),
    ],
    ids=lambda arguments: " ".join(arguments[:3]),
)
def test_a_resource_that_stands_twice_gives_no_verdict_and_no_file(
    doubled: Path, collected: list[bytes], arguments: tuple[str, ...]
) -> None:
    (doubled.parent / "good.jsonl").write_bytes(b"".join(collected))
    before = set(doubled.parent.iterdir())
    done = measured(*arguments, *RULE, folder=doubled.parent)
    assert (done.status, done.stdout) == (2, "")
    assert 'two resources of type "tokenLifetimePolicy" and id "' in done.stderr
    assert set(doubled.parent.iterdir()) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", "--snapshot", "good.jsonl"),
        ("collect", "--from", "good.jsonl", "--output", "again.jsonl"),
        ("diff", "good.jsonl", "good.jsonl"),
        ("diff", "good.jsonl", "--demo"),
    ],
    ids=lambda arguments: " ".join(arguments[:3]),
)
@pytest.mark.parametrize(
    ("option", "enough", "said"), [("--max-size", "1MiB", "10 KiB"), ("--max-resources", "100", "3 resources")]
)
def test_each_command_that_reads_a_snapshot_has_the_limits(
    tmp_path: Path, collected: list[bytes], arguments: tuple[str, ...], option: str, *, enough: str, said: str
) -> None:
    (tmp_path / "good.jsonl").write_bytes(b"".join(collected))
    done = measured(*arguments, *RULE, option, said.removesuffix(" resources"), folder=tmp_path)
    assert (done.status, done.stdout) == (2, "")
    assert f"good.jsonl: a snapshot of more than {said}" in done.stderr
    assert option in done.stderr
    assert not (tmp_path / "again.jsonl").exists()
    assert measured(*arguments, *RULE, option, enough, folder=tmp_path).status in (0, 1, 3)


@pytest.mark.parametrize("text", ["0", "0GiB", "-1", "1.5GiB", "16 gigabytes", "", "99999999999999999999"])
def test_what_is_no_size_is_refused(tmp_path: Path, text: str) -> None:
    done = measured("scan", "--demo", f"--max-size={text}", folder=tmp_path)
    assert (done.status, done.stdout) == (2, "")
    assert "is no size" in done.stderr


def bomb(header: bytes) -> Iterator[bytes]:
    """A gigabyte of one resource, again and again: that they are one would show only at the end."""
    yield header
    properties = dict.fromkeys(json.loads(header)["properties"]["tokenLifetimePolicy"])
    line = {"type": "tokenLifetimePolicy", "id": "1", "name": "x" * 2**20, "properties": properties}
    for _ in range(1024):
        yield json.dumps(line, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_small_file_that_becomes_a_large_one_ends_at_the_limit(
    tmp_path: Path, collected: list[bytes], suffix: str, without: float
) -> None:
    path = tmp_path / f"bomb{suffix}"
    with path.open("wb") as file, writing(file, suffix) as out:
        out.writelines(bomb(collected[0]))
    assert path.stat().st_size < 10 << 20
    done = measured("scan", "--snapshot", path, *RULE, "--max-size", "512MiB", folder=tmp_path)
    assert (done.status, done.stdout) == (2, "")
    assert "more than 512 MiB, decompressed" in done.stderr
    assert done.megabytes < without + 50
    done = measured("scan", "--snapshot", path, *RULE, "--max-resources", "10", folder=tmp_path)
    assert (done.status, done.stdout) == (2, "")
    assert "more than 10 resources" in done.stderr


def test_a_line_that_never_ends_does_not_fill_the_memory(
    tmp_path: Path, collected: list[bytes], without: float
) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(collected[0], 1) + gzip.compress(bytes(64 << 20), 1) * 16)
    done = measured("scan", "--snapshot", path, *RULE, folder=tmp_path)
    assert (done.status, done.stdout) == (2, "")
    assert "a line is longer than 64 MiB" in done.stderr
    assert done.megabytes < without + 160

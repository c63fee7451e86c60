"""Files that are made to be too much: refused with the limit, and in little memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from peak import measured

COSTLY = {
    "a dotted key of 20,000 parts": ".".join("a" * 20_000) + " = 1",
    "a key that is no whole line": ".".join("a" * 20_000),
    "a table of 20,000 parts": "[" + ".".join("a" * 20_000) + "]",
    "lists in lists": "a = " + "[" * 50_000 + "]" * 50_000,
    "tables in tables": "a = " + "{a = " * 50_000 + "1" + "}" * 50_000,
    "deep in three ways": f"[{'.'.join('a' * 10)}]\n" + f"{'.'.join('b' * 5_000)} = {'[' * 5_000}{']' * 5_000}",
    "keys of 16 parts": "\n".join(f"a{number}." + ".".join("b" * 15) + " = 1" for number in range(20_000)),
    "tables of 15 parts": "\n".join(f"[a{number}." + ".".join("b" * 14) + "]" for number in range(20_000)),
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
        "a = [" + "[]," * 349_000 + "]",
        "a = [" + "'aa'," * 209_000 + "]",
        "a = [" + "1.5," * 260_000 + "]",
        "a = '''" + "'' " * 349_000 + "'''",
        "\n".join(f"[a{number}." + ".".join("b" * 14) + "]" for number in range(600)),
        "[scan]\n" + "\n".join(f"unknown{number} = 1" for number in range(9_000)),
    ],
    ids=["lists", "texts", "numbers", "one text", "tables", "settings"],
)
def test_what_the_limits_admit_is_parsed_for_little(tmp_path: Path, without: float, text: str) -> None:
    (tmp_path / "tokenguard.toml").write_text(text)
    done = measured("scan", "--demo", folder=tmp_path)
    assert (done.status, done.stdout) == (2, "")
    assert "unknown setting" in done.stderr
    assert done.megabytes < without + 50


@pytest.mark.parametrize("text", ["a = " + "9" * 5_000, "a = \0", "a = 1979-99-99"])
def test_a_value_that_no_parser_takes_is_no_fault_of_the_program(tmp_path: Path, text: str) -> None:
    (tmp_path / "tokenguard.toml").write_text(text)
    done = measured("scan", "--demo", folder=tmp_path)
    assert (done.status, done.stdout) == (2, "")
    assert "tokenguard.toml: not TOML" in done.stderr

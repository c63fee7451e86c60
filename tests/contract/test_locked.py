"""Each version that a build, the action and the examples install is locked with its hashes, for all platforms."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from checkout import ROOT
from locked import LOCKED, Pin, pins

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS, NEEDED = PROJECT["dependency-groups"], PROJECT["project"]["dependencies"]
ASKED = {
    "program": NEEDED,
    "graph": [*NEEDED, *PROJECT["project"]["optional-dependencies"]["graph"]],
    "build": [*GROUPS["build"], *PROJECT["build-system"]["requires"]],
    "sbom": GROUPS["sbom"],
}
"""What each file is made from."""

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS = {"linux": ("posix", "Linux"), "darwin": ("posix", "Darwin"), "win32": ("nt", "Windows")}


def environment(system: str, python: str) -> dict[str, str]:
    """What markers see on a platform."""
    os_name, platform_system = SYSTEMS[system]
    here = {"sys_platform": system, "os_name": os_name, "platform_system": platform_system}
    cpython = {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    versions = {"python_version": python, "python_full_version": f"{python}.0", "implementation_version": f"{python}.0"}
    return {**default_environment(), **here, **cpython, **versions}


ENVIRONMENTS = [environment(system, python) for system, python in product(SYSTEMS, PYTHONS)]


# --- by themselves ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(LOCKED.iterdir()), ids=lambda path: path.name)
def test_no_file_names_an_index_or_any_other_place(path: Path) -> None:
    """Whoever installs says where from: it is their configuration of pip, and no line of ours changes it."""
    text = path.read_text()
    assert not re.search(r"://|\bfile:|\bwww\.|index|find-links|trusted-host| @ ", text)
    assert not re.search(r"^\s*-", re.sub(r"\\\n", "", text), re.MULTILINE), "an option of pip"


@pytest.mark.parametrize("name", ASKED)
def test_every_line_is_one_version_with_its_hashes(name: str) -> None:
    for pin in pins(name):
        [only] = pin.requirement.specifier
        assert (only.operator, only.version.endswith("*"), pin.requirement.url) == ("==", False, None)
        assert pin.hashes, pin.name
        assert [text for text in pin.hashes if not re.fullmatch(r"sha256:[0-9a-f]{64}", text)] == []


def test_the_files_agree_on_versions() -> None:
    """They are installed together."""
    versions: dict[str, set[str]] = {}
    for name in (*ASKED, "versions"):
        for pin in pins(name):
            versions.setdefault(pin.name, set()).add(pin.version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_the_versions_without_hashes_are_those_of_the_program() -> None:
    """pip checks no hashes where it installs a folder, as pre-commit has it do."""
    assert [pin.requirement for pin in pins("versions")] == [pin.requirement for pin in pins("program")]


@pytest.mark.parametrize("name", ASKED)
def test_what_the_project_asks_for_is_locked_as_it_asks(name: str) -> None:
    for text, here in product(ASKED[name], ENVIRONMENTS):
        asked = Requirement(text)
        if asked.marker is None or asked.marker.evaluate(here):
            [pin] = pinned(asked, name, here)
            assert asked.specifier.contains(pin.version), text


def pinned(asked: Requirement, name: str, here: dict[str, str]) -> list[Pin]:
    """The lines of the file `name` that give a version for `asked`."""
    return [pin for pin in pins(name) if pin.name == canonicalize_name(asked.name) and pin.applies(here)]


# --- by the packages themselves -----------------------------------------------------------------------------------


TARGETS = {
    ("linux", "3.12"): ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64"),
    ("win32", "3.14"): ("win_amd64",),
    ("darwin", "3.13"): ("macosx_14_0_arm64",),
}
"""As pip calls them."""


def requirements_of(system: str, python: str, folder: Path) -> dict[str, list[str]]:
    """What each locked package requires on a platform, by the file there that one of its hashes fits.

    pip asks the index that it is set up with, and ends with an error where no hash fits.
    """
    here = environment(system, python)
    lines = {
        f"{pin.name}=={pin.version} " + " ".join(f"--hash={text}" for text in pin.hashes)
        for name in ASKED
        for pin in pins(name)
        if pin.applies(here)
    }
    (folder / "requirements.txt").write_text("\n".join(sorted(lines)))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps"]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
    command += [part for platform in TARGETS[system, python] for part in ("--platform", platform)]
    command += ["--target", folder / "target", "--report", folder / "report.json"]
    command += ["--require-hashes", "--requirement", folder / "requirements.txt"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    found = [item["metadata"] for item in json.loads((folder / "report.json").read_bytes())["install"]]
    return {canonicalize_name(item["name"]): item.get("requires_dist", []) for item in found}


def required(texts: Iterable[str], here: dict[str, str], extra: str = "") -> Iterator[Requirement]:
    for text in texts:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({**here, "extra": extra}):
            yield requirement


@pytest.mark.parametrize(("system", "python"), TARGETS)
def test_what_they_require_in_turn_is_locked_and_nothing_else(system: str, python: str, tmp_path: Path) -> None:
    here, requires = environment(system, python), requirements_of(system, python, tmp_path)
    for name, asked in ASKED.items():
        reached = closure(list(required(asked, here)), requires, name, here)
        assert reached == {pin.name for pin in pins(name) if pin.applies(here)}


def closure(left: list[Requirement], requires: dict[str, list[str]], name: str, here: dict[str, str]) -> set[str]:
    """The packages of the file `name` that the requirements `left` come to, each in a version that is asked for."""
    seen: set[tuple[str, str]] = set()
    while left:
        asked = left.pop()
        [pin] = pinned(asked, name, here)
        assert asked.specifier.contains(pin.version), asked
        for extra in {"", *asked.extras} - {extra for package, extra in seen if package == pin.name}:
            seen.add((pin.name, extra))
            left += required(requires[pin.name], here, extra)
    return {package for package, _ in seen}

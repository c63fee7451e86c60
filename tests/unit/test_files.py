from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tokenguard import files
from tokenguard.documents import Withheld
from tokenguard.errors import DocumentError
from tokenguard.files import files_below, read_file
from tokenguard.system import opening


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "folder").mkdir(parents=True)
    (tmp_path / "outside" / "folder").mkdir(parents=True)
    for place in ("root", "outside"):
        (tmp_path / place / "folder" / "file").write_text(place)
        (tmp_path / place / "file").write_text(place)
    return tmp_path / "root"


def test_what_lies_within_is_read_and_withheld_from_errors(root: Path) -> None:
    (root / "link").symlink_to("folder/../folder/file")
    for name in ("file", "folder/file", "link", "folder/../file", "../root/file"):
        data = read_file(root / name, "a list", within=root)
        assert (data, type(data)) == (b"root", Withheld)


@pytest.mark.parametrize("name", ["../outside/file", "folder/../../outside/file", "/etc/hostname", "gone", "folder"])
def test_what_does_not_is_refused_by_name(root: Path, name: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_file(root / name, "a list", within=root)
    assert caught.value.message.startswith(f"{root / name}: ")


def test_nothing_of_the_system_is_in_a_repository_at_its_root() -> None:
    with pytest.raises(DocumentError, match="leads out of"):
        read_file(Path("/proc/self/environ"), "a list", within=Path("/"))


def test_nor_is_what_is_mounted_there() -> None:
    """As procfs may be, at any place; shared memory is another file system than the devices around it."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        assert read_file(Path(file.name), "a list", within=Path("/dev/shm")) == b""
        with pytest.raises(DocumentError, match="lies on another file system than /dev; a list was"):
            read_file(Path(file.name), "a list", within=Path("/dev"))


def test_what_git_keeps_is_passed_over_in_a_clone(root: Path) -> None:
    for folder in (root / ".git", root / "folder" / ".Git"):
        folder.mkdir()
        (folder / "x.json").write_text("{}")
    for within in (root, None):
        assert {path.name for path in files_below(root, "rules", within)} == {"file"}


def a_file_becomes_a_link(root: Path) -> None:
    (root / "folder" / "file").unlink()
    (root / "folder" / "file").symlink_to(root.parent / "outside" / "file")


def a_folder_becomes_a_link(root: Path) -> None:
    (root / "folder").rename(root / "was")
    (root / "folder").symlink_to(root.parent / "outside" / "folder")


def a_file_becomes_a_pipe(root: Path) -> None:
    (root / "folder" / "file").unlink()
    os.mkfifo(root / "folder" / "file")


@pytest.mark.parametrize("change", [a_file_becomes_a_link, a_folder_becomes_a_link, a_file_becomes_a_pipe])
def test_a_path_that_is_changed_after_it_was_looked_at_leads_nowhere_else(
    root: Path, change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may write to the repository while the command runs lays a link just then."""
    opened = files.open_below

    def after_a_change(root: Path, steps: tuple[str, ...]) -> int:
        change(root)
        return opened(root, steps)

    monkeypatch.setattr(files, "open_below", after_a_change)
    before = sum(1 for _ in Path("/dev/fd").iterdir())
    with pytest.raises(DocumentError, match="folder/file: cannot be read"):
        read_file(root / "folder" / "file", "a list", within=root)
    assert sum(1 for _ in Path("/dev/fd").iterdir()) == before


@pytest.mark.parametrize("change", [a_file_becomes_a_link, a_file_becomes_a_pipe])
def test_nor_does_one_that_is_changed_just_before_it_is_opened(
    root: Path, change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    check = opening._check_regular
    changes = iter([change])

    def then_change(status: os.stat_result) -> None:
        check(status)
        for each in changes:
            each(root)

    monkeypatch.setattr(opening, "_check_regular", then_change)
    with pytest.raises(DocumentError, match="folder/file: cannot be read"):
        read_file(root / "folder" / "file", "a list", within=root)


def test_a_folder_that_a_link_leads_to_from_outside_is_not_looked_into(root: Path) -> None:
    (root / "linked").symlink_to(root.parent / "outside")
    with pytest.raises(DocumentError, match="linked: leads out of"):
        list(files_below(root, "rules", root))
    assert root / "linked" / "file" in list(files_below(root, "rules"))

from __future__ import annotations

from pathlib import Path

import pytest

from tokenguard.errors import DocumentError
from tokenguard.packs import MAXIMUM_RULE_SIZE, read_pack


def test_a_folder_is_read_to_its_depth_in_order_without_schemas(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.json", "sub/a.json", "rule.schema.json", "notes.md"):
        (tmp_path / name).write_text(name)
    assert read_pack(tmp_path) == [
        (str(tmp_path / "b.json"), b"b.json"),
        (str(tmp_path / "sub" / "a.json"), b"sub/a.json"),
    ]


def test_no_rule_is_passed_over_for_a_link_or_the_letters_of_its_name(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "pack", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "A.JSON").write_text("a")
    (folder / "schema.json").write_text("s")
    (elsewhere / "b.json").write_text("b")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "loop").symlink_to(folder)
    assert read_pack(folder) == [
        (str(folder / "A.JSON"), b"a"),
        (str(folder / "linked" / "b.json"), b"b"),
        (str(folder / "schema.json"), b"s"),
    ]


def test_a_single_file_is_a_pack_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "rule.txt").write_text("{}")
    assert read_pack(tmp_path / "rule.txt") == [(str(tmp_path / "rule.txt"), b"{}")]


@pytest.mark.parametrize("name", ["missing", "empty", "folder-in-a-file-s-place"])
def test_what_holds_no_rule_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder-in-a-file-s-place" / "x.json").mkdir(parents=True)
    with pytest.raises(DocumentError, match=name):
        read_pack(tmp_path / name)


def test_a_dangling_link_is_unreadable_not_absent(tmp_path: Path) -> None:
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DocumentError, match=r"gone\.json"):
        read_pack(tmp_path)


@pytest.mark.parametrize(("size", "refused"), [(MAXIMUM_RULE_SIZE, False), (MAXIMUM_RULE_SIZE + 1, True)])
def test_a_file_too_large_for_a_rule_is_refused_before_it_is_parsed(tmp_path: Path, size: int, refused: bool) -> None:
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(size)
    if refused:
        with pytest.raises(DocumentError, match="larger than"):
            read_pack(tmp_path)
    else:
        assert len(read_pack(tmp_path)[0][1]) == size

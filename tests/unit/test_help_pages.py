"""Help pages name everything once, in sections, with an example to copy, at any width."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from tokenguard.cli.help import Command
from tokenguard.cli.program import COMMANDS, SECTIONS, program

ROOT = click.Context(program, info_name="tokenguard")


def commands() -> Iterator[tuple[str, click.Command]]:
    for name in COMMANDS:
        command = program.get_command(ROOT, name)
        assert command is not None
        yield f"tokenguard {name}", command
        if isinstance(command, click.Group):
            yield from ((f"tokenguard {name} {part}", each) for part, each in command.commands.items())


PAGES = dict(commands())


def page(name: str, width: int = 100) -> str:
    return PAGES[name].get_help(
        click.Context(PAGES[name], info_name=name, terminal_width=width, max_content_width=width)
    )


def test_the_program_lists_each_command_in_one_section() -> None:
    assert sorted(name for names in SECTIONS.values() for name in names) == sorted(COMMANDS)
    assert set(re.findall(r"^  ([a-z]+) {2,}", program.get_help(ROOT), re.MULTILINE)) == COMMANDS.keys()


@pytest.mark.parametrize("name", PAGES)
def test_each_option_is_listed_once_with_what_it_does(name: str) -> None:
    listed = re.findall(r"^  (?:-\w, )?(--[a-z-]+)", page(name), re.MULTILINE)
    declared = [
        max(option.opts, key=len)
        for option in PAGES[name].get_params(click.Context(PAGES[name]))
        if isinstance(option, click.Option)
    ]
    assert sorted(listed) == sorted(declared)
    assert not [option for option in PAGES[name].params if isinstance(option, click.Option) and not option.help]


@pytest.mark.parametrize("name", [name for name, command in PAGES.items() if not isinstance(command, click.Group)])
def test_each_page_shows_how_it_is_called(name: str) -> None:
    if PAGES[name].params:
        assert re.search(rf"^  {name}\b", page(name), re.MULTILINE), page(name)


@pytest.mark.parametrize(
    ("name", "sections"),
    [
        (
            "tokenguard scan",
            ["Options", "What to read", "How much to read", "What to judge by", "What to write", "This run"],
        ),
        ("tokenguard fix", ["Options", "What to read", "What to judge by", "Before anything is written", "This run"]),
        ("tokenguard doctor", ["Options", "Where to sign in", "What to judge by", "This run"]),
    ],
)
def test_options_stand_in_sections_their_own_first(name: str, sections: list[str]) -> None:
    assert re.findall(r"^(\w.*):$", page(name), re.MULTILINE) == sections


def test_a_command_s_own_options_are_not_taken_for_shared_ones() -> None:
    own = page("tokenguard scan").partition("What to read:")[0]
    assert "--snapshot" in own
    assert "--auth" not in own


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [20, 80, 200])
def test_a_page_fits_where_it_can(name: str, width: int) -> None:
    text = page(name, width)
    assert text.startswith("Usage: ")
    if width == 200:
        assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("name", [*PAGES, "tokenguard"])
@pytest.mark.parametrize("columns", [20, 40, 60])
def test_a_narrow_terminal_breaks_no_word_that_fits(name: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples and names stay whole: they are there to be copied, and to be found."""
    command = PAGES.get(name, program)
    monkeypatch.setenv("COLUMNS", str(columns))
    context = command.make_context(name, [], resilient_parsing=True)
    kept = re.compile(r"Usage: |Before anything|  tokenguard |  +-|  +\[|  \S+$| +\S+$")
    for line in command.get_help(context).splitlines():
        assert len(line) <= columns or kept.match(line), line


def test_options_without_a_section_of_their_own_stay_together() -> None:
    @click.command(cls=Command)
    @click.option("--one", help="First.")
    @click.option("--two", help="Second.")
    def plain(one: str, two: str) -> None:
        """Do nothing."""

    assert re.findall(r"^(\w.*):$", plain.get_help(click.Context(plain)), re.MULTILINE) == ["Options"]

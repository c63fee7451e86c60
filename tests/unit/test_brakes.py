"""Whether changes may be written: the one decision that lets a command reach a tenant."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest

from tokenguard.changes import Change, Operation
from tokenguard.cli.brakes import Brakes, released
from tokenguard.errors import UsageError
from tokenguard.model import ResourceRef, Safety, Tenant

TENANT = Tenant("11111111-2222-4333-8444-555555555555", "Contoso")
CHANGE = Change(
    id="1",
    resource=ResourceRef("tokenLifetimePolicy", "1", "Long"),
    operations=(Operation("updatePolicy", {"policy": "1"}, {}, None, "shorten it"),),
    serves=(),
    safety=Safety.SAFE,
    before={},
    after={},
    blast_radius="nobody",
)
ASKING = Brakes(dry_run=False, yes=False, max_changes=3, journal=None, wait=1)


class Stream(io.TextIOWrapper):
    """A place to read from or write to, at a terminal or not."""

    def __init__(self, typed: bytes = b"", *, terminal: bool) -> None:
        super().__init__(io.BytesIO(typed), encoding="utf-8", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch):
    """Puts the program at a terminal, wholly or in part; gives what is shown there."""

    def place(*, reads: bool, shows: bool, typed: bytes = b"y\n") -> Callable[[], str]:
        shown = Stream(terminal=shows)
        monkeypatch.setattr("sys.stdin", Stream(typed, terminal=reads))
        monkeypatch.setattr("sys.stderr", shown)
        return lambda: shown.buffer.getvalue().decode()

    return place


@pytest.mark.parametrize(
    ("typed", "agreed", "times"),
    [
        (b"y", False, 1),
        (b"nonsense\nyes", False, 2),
        (b"y\n", True, 1),
        (b" YES \n", True, 1),
        (b"n\n", False, 1),
        (b"no", False, 1),
        (b"", False, 1),
        (b"\n", False, 2),
        (b"yeah\nyes\n", True, 2),
        (b"\xff\xfe\n1\nn\ny\n", False, 3),
    ],
)
def test_a_person_at_a_terminal_is_asked_until_it_is_a_yes_or_a_no(at, typed: bytes, agreed: bool, times: int) -> None:
    said = at(reads=True, shows=True, typed=typed)
    assert released(ASKING, [CHANGE] * 2, TENANT, "again") is agreed
    assert said().count("2 changes planned. Write them to Contoso? [y/n]") == times
    assert ("Nothing was written." in said()) is not agreed


@pytest.mark.parametrize(("reads", "shows"), [(False, False), (False, True), (True, False)])
def test_nobody_is_asked_who_cannot_see_the_question_or_is_not_there_to_answer(at, reads: bool, shows: bool) -> None:
    """What is piped in is no person's consent, though the question would show."""
    said = at(reads=reads, shows=shows)
    with pytest.raises(UsageError, match="Nothing was written") as error:
        released(ASKING, [CHANGE] * 2, TENANT, "again")
    assert "--yes" in error.value.hint
    assert "[y/n]" not in said()


@pytest.mark.parametrize(("changes", "many"), [(3, False), (4, True)])
@pytest.mark.parametrize("yes", [True, False])
def test_neither_yes_nor_a_person_goes_beyond_the_limit(at, changes: int, many: bool, yes: bool) -> None:
    said = at(reads=True, shows=True)
    if many:
        with pytest.raises(UsageError, match="4 changes planned, which is more than --max-changes 3"):
            released(replace(ASKING, yes=yes), [CHANGE] * changes, TENANT, "again")
    else:
        assert released(replace(ASKING, yes=yes), [CHANGE] * changes, TENANT, "again")
    assert said().count("[y/n]") == (not many and not yes)


def test_a_dry_run_goes_before_yes(at) -> None:
    said = at(reads=True, shows=True)
    assert not released(replace(ASKING, dry_run=True, yes=True), [CHANGE], TENANT, "again")
    assert "[y/n]" not in said()
